/** A reporter of vitest that fails a run in which no test ran. */

import process from "node:process";
import type { Reporter, TestModule } from "vitest/node";

export default class NoneRan implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    if (tests.some((test) => test.result().state !== "skipped")) return;
    process.stderr.write("No test ran: none has this title, or it was skipped.\n");
    process.exitCode = 1;
  }
}
