import { expect, test } from "vitest";
import { startProgress } from "../../../src/cli/terminal/progress.ts";
import { systemTerminal } from "../../../src/cli/terminal/terminal.ts";

test("progress is one line, ten times a second at most, and gone at the end", () => {
  const shown: (string | null)[] = [];
  const terminal = { ...systemTerminal(), progress: (text: string | null) => shown.push(text) };
  let nowMs = 1000;
  const clock = { nowMs: () => nowMs, uptimeMs: () => 0, bootId: () => "" };
  const progress = startProgress({ terminal, clock }, 300);
  progress.at(1);
  nowMs += 50;
  progress.at(100);
  nowMs += 50;
  progress.at(200);
  progress.end();
  expect(shown).toEqual(["entries: 1 of 300 (0 %)", "entries: 200 of 300 (66 %)", null]);
});
