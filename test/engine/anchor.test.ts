import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { signingKeyOf } from "../../src/core/ed25519.ts";
import { checkAnchor } from "../../src/engine/anchor.ts";
import type { LogReader } from "../../src/ledger/types.ts";
import { SampleLog } from "../log/sample_log.ts";

const folder = Deno.makeTempDirSync({ prefix: "openexec-anchor-" });
afterAll(() => Deno.removeSync(folder, { recursive: true }));

/** What a daemon on `log` makes of the checkpoint that one on `anchored` left behind. */
function check(log: SampleLog, anchored: SampleLog | null): "ok" | "refused" {
  const path = join(folder, crypto.randomUUID());
  if (anchored !== null) Deno.writeTextFileSync(path, anchored.checkpoint());
  try {
    checkAnchor(path, log.executorId, log.signer.publicKey, readerOf(log));
    return "ok";
  } catch (error) {
    if (error instanceof StartupError) return "refused";
    throw error;
  }
}

function readerOf({ tree, entries }: SampleLog): LogReader {
  return {
    node: (level, index) => tree.node(level, index),
    size: () => entries.length,
    leaf: (at) => entries[at],
  };
}

test("a log that has what the anchor says, and more, may start; so may one that has no anchor yet", () => {
  expect(check(SampleLog.of(5), SampleLog.of(5))).toBe("ok");
  expect(check(SampleLog.of(9), SampleLog.of(4))).toBe("ok");
  expect(check(SampleLog.of(1), null)).toBe("ok");
});

test("a log that was cut short, or says something else, may not", () => {
  expect(check(SampleLog.of(4), SampleLog.of(5))).toBe("refused");
  const other = new SampleLog();
  for (let n = 0; n < 5; n++) other.execute(n, { action: "another" });
  expect(check(other, SampleLog.of(5))).toBe("refused");
});

test("an anchor by a key that the log names as a former one counts; by any other it is refused", () => {
  const log = SampleLog.of(5);
  log.rotate(2);
  log.execute(6);
  expect(check(log, SampleLog.of(5))).toBe("ok");
  expect(check(log, SampleLog.of(9)), "cut short before the key changed").toBe("refused");
  const stranger = SampleLog.of(5);
  stranger.signer = signingKeyOf(new Uint8Array(32).fill(3));
  expect(check(log, stranger)).toBe("refused");
});
