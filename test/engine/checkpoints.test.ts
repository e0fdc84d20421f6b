import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { StartupError } from "../../src/core/startup_error.ts";
import {
  checkAnchor,
  type CheckpointFailure,
  CheckpointPublisher,
} from "../../src/engine/checkpoints.ts";
import type { LogReader } from "../../src/ledger/types.ts";
import { SampleLog } from "../log/sample_log.ts";

let directory: string;
let failures: CheckpointFailure[];
let handed: string[];
let head: { size: number; text: string };
beforeEach(() => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-publisher-" });
  [failures, handed, head] = [[], [], { size: 1, text: "one" }];
});
afterEach(() => Deno.removeSync(directory, { recursive: true }));

async function keep(_command: readonly string[], input: string): Promise<void> {
  await Promise.resolve(handed.push(input));
}

function publisher(run = keep, newest = () => head): CheckpointPublisher {
  const config = { file: `${directory}/file`, command: ["keep"], intervalMs: 60_000 };
  const onFailure = (where: CheckpointFailure) => failures.push(where);
  return new CheckpointPublisher({ newest }, `${directory}/anchor`, config, run, onFailure);
}

const read = (name: string) => Deno.readTextFileSync(`${directory}/${name}`);

test("a newer checkpoint replaces the anchor, is appended to the file and handed to the command, once", async () => {
  const under = publisher();
  await under.publish();
  await under.publish();
  head = { size: 2, text: "two" };
  await under.publish();
  expect([read("anchor"), read("file"), handed]).toEqual(["two", "one\ntwo\n", ["one", "two"]]);
  expect(failures).toEqual([]);
});

test("a command that fails keeps nothing from the anchor, and is given the checkpoint again", async () => {
  const answers = [Promise.reject(new Error("no")), Promise.resolve()];
  const under = publisher((_command, input) => {
    handed.push(input);
    return answers.shift() ?? Promise.resolve();
  });
  await under.publish();
  expect([read("anchor"), failures]).toEqual(["one", ["command"]]);
  await under.publish();
  await under.publish();
  expect(handed).toEqual(["one", "one"]);
});

test("a log that cannot be read is told, ends nothing, and is read again at the next turn", async () => {
  let broken = true;
  const newest = () => {
    if (broken) throw new Error("damaged");
    return head;
  };
  const under = publisher(keep, newest);
  await under.publish();
  expect(failures).toEqual(["log"]);
  broken = false;
  await under.publish();
  expect(read("anchor")).toBe("one");
});

const folder = Deno.makeTempDirSync({ prefix: "openexec-anchor-" });
afterAll(() => Deno.removeSync(folder, { recursive: true }));

/** Starts a daemon on `log` with the checkpoint that one on `anchored` left behind. */
function check(
  log: SampleLog,
  anchored: SampleLog | null,
  isRestored = false,
): "ok" | "none yet" | "refused" {
  const path = join(folder, crypto.randomUUID());
  if (anchored !== null) Deno.writeTextFileSync(path, anchored.checkpoint());
  try {
    const { executorId, signer } = log;
    const isThere = checkAnchor(path, signer.publicKey, {
      executorId,
      log: readerOf(log),
      isRestored,
    });
    return isThere ? "ok" : "none yet";
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

test("a log that has what the anchor says, and more, may start", () => {
  expect(check(SampleLog.of(5), SampleLog.of(5))).toBe("ok");
  expect(check(SampleLog.of(9), SampleLog.of(4))).toBe("ok");
});

test("an anchor may be missing where the log is new or was just restored, and nowhere else", () => {
  const empty = new SampleLog();
  empty.entries.length = 0;
  expect(check(empty, null)).toBe("none yet");
  expect(check(SampleLog.of(5), null, true)).toBe("none yet");
  expect(check(SampleLog.of(1), null)).toBe("refused");
  expect(check(SampleLog.of(5), null)).toBe("refused");
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
