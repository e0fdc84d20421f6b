import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type CheckpointFailure,
  CheckpointPublisher,
  type CheckpointPublisherParts,
} from "../../src/engine/checkpoints.ts";

let directory: string;
let failures: CheckpointFailure[];
let handed: string[];
let head: { size: number; text: string };
beforeEach(() => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-publisher-" });
  [failures, handed, head] = [[], [], { size: 1, text: "one" }];
});
afterEach(() => Deno.removeSync(directory, { recursive: true }));

function publisher(parts: Partial<CheckpointPublisherParts> = {}): CheckpointPublisher {
  return new CheckpointPublisher({
    head: { newest: () => head },
    anchor: `${directory}/anchor`,
    config: { file: `${directory}/file`, command: ["keep"], intervalMs: 60_000 },
    run: (_command, input) => Promise.resolve(void handed.push(input)),
    onFailure: (where) => failures.push(where),
    ...parts,
  });
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
  const under = publisher({
    run: (_command, input) => (handed.push(input), answers.shift() ?? Promise.resolve()),
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
  const under = publisher({ head: { newest } });
  await under.publish();
  expect(failures).toEqual(["log"]);
  broken = false;
  await under.publish();
  expect(read("anchor")).toBe("one");
});
