/** From signals to the end of the daemon: SIGTERM and SIGINT drain, a second one stops at once, SIGHUP reloads. */

export interface Stoppable {
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface LifecycleParts {
  readonly server: Stoppable;
  /** Told once, when the first signal to stop arrives. */
  readonly onStopping: () => void;
  /** Must not reject. */
  readonly onReload: () => Promise<void>;
}

/** Resolves when the server has stopped because of a signal: "drained", or "stopped" at the second one. */
export async function untilStopped(
  { server, onStopping, onReload }: LifecycleParts,
): Promise<"drained" | "stopped"> {
  const end = Promise.withResolvers<"drained" | "stopped">();
  let stopping = false;
  const stop = () => {
    if (stopping) return void server.stop().then(() => end.resolve("stopped"), end.reject);
    stopping = true;
    onStopping();
    server.drain().then(() => end.resolve("drained"), end.reject);
  };
  // One reload after another, so that the last one asked for wins.
  let reloads = Promise.resolve();
  const reload = () => {
    if (!stopping) reloads = reloads.then(onReload);
  };
  Deno.addSignalListener("SIGTERM", stop);
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGHUP", reload);
  try {
    return await end.promise;
  } finally {
    Deno.removeSignalListener("SIGTERM", stop);
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGHUP", reload);
  }
}
