/** Waits for what has no event of its own. The test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  // To ask all the time would keep a core from what is waited for.
  for (let pauseMs = 5; !await condition(); pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

const PAUSE_MS_MAX = 50;
