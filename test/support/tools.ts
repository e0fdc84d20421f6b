/**
 * System tools that some tests need: a test without its tool is skipped under the tool's name,
 * which CI does not accept.
 */

import { execFileSync } from "node:child_process";
import { test } from "vitest";

export function has(tool: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * `testWith("curl")("title", …)` is skipped, under a title that names the tool, where it is
 * missing.
 */
export function testWith(...tools: readonly string[]) {
  const missing = tools.filter((tool) => !has(tool));
  return (title: string, body: () => Promise<void> | void, timeout?: number): void => {
    const why = missing.length === 0 ? "" : ` [skipped: needs ${missing.join(", ")}]`;
    test.skipIf(missing.length > 0)(`${title}${why}`, body, timeout);
  };
}
