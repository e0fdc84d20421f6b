/** Starts spawners and a reader's thread where few descriptors are left, and prints what it saw. */

import { Spawner } from "../../src/box/spawner.ts";
import { RequestReader, SMALL_BODY_BYTES } from "../../src/engine/request_reader.ts";
import { libc } from "../../src/os/libc.ts";
import { RLIMIT_NOFILE } from "../../src/os/process.ts";

/** Files may be executed, written and read (landlock(7)). */
const RULESET = { paths: [{ path: "/", rights: 1 | 2 | 4 }], connect: null, bind: null };
const ORDER = { path: "/bin/true", args: [], environment: {} };
const opened = () => [...Deno.readDirSync("/proc/self/fd")].length;
/** The hard limit stays, so that the soft one can be raised again. */
const limit = (count: number) =>
  libc.prlimit(0, RLIMIT_NOFILE, new BigUint64Array([BigInt(count), 4096n]), null);
const told = (work: Promise<unknown>) =>
  work.then(() => "done", (error: unknown) => error instanceof Error ? error.message : "");

const start = async () => {
  const spawner = new Spawner(RULESET);
  const answer = await told(spawner.start(() => ORDER));
  spawner.close();
  return answer;
};
const read = () =>
  told(
    new RequestReader().read(
      new TextEncoder().encode(JSON.stringify({ filler: "x".repeat(SMALL_BODY_BYTES) })),
      ["filler"],
      { peer: { uid: 0, gid: 0, pid: 1, socket: "agent.sock" } },
    ),
  );

const answers: string[] = [];
for (const left of [0, 2, 4, 8, 12, 16, 24]) {
  limit(opened() + left);
  answers.push(await start(), await read());
}
limit(4096);
Deno.stdout.writeSync(
  new TextEncoder().encode(JSON.stringify({ few: [...new Set(answers)], many: await start() })),
);
Deno.exit();
