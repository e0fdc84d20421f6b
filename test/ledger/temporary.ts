import { onTestFinished } from "vitest";

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-ledger-" });
  onTestFinished(() => remove(folder));
  return folder;
}

/** The test may have done it itself. */
function remove(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
