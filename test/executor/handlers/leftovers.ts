/** What a handler may leave behind for the next run, by name; each says the process it ran in. */

import { DatabaseSync } from "node:sqlite";
import { Worker as NodeWorker } from "node:worker_threads";
import { defineAction } from "openexec";
import * as v from "valibot";

const MEBIBYTE = 1024 * 1024;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The least that the runtime lets an isolate have. */
const SMALL = {
  codeRangeSizeMb: 1,
  maxYoungGenerationSizeMb: 1,
  maxOldGenerationSizeMb: 16,
  stackSizeMb: 1,
};
/** Hears nothing of its parent's end, because it never gets to its event loop again. */
const DEAF = `
require("node:worker_threads").parentPort.postMessage("begun");
const cell = new Int32Array(new SharedArrayBuffer(4));
setTimeout(() => { for (;;) Atomics.wait(cell, 0, 0, 300); }, 0);
`;

const held: Uint8Array[] = [];

const LEFTOVERS: Record<string, (folder: string) => unknown> = {
  nothing: () => {},
  async smallWorker() {
    const worker = new NodeWorker(DEAF, { eval: true, resourceLimits: SMALL });
    await new Promise((resolve) => worker.once("message", resolve));
    await pause(50);
  },
  memoryLater() {
    setTimeout(() => {
      try {
        for (let i = 0; i < 100; i++) held.push(new Uint8Array(10 * MEBIBYTE).fill(1));
      } catch {
        // it got what there was
      }
    }, 50);
  },
  async memoryNow() {
    await pause(200);
  },
  temporaryFile(folder) {
    const database = new DatabaseSync(":memory:");
    database.exec(`pragma temp_store_directory='${folder}'; pragma temp_store=1;
      create temp table t(x); pragma temp.cache_size=10; begin`);
    const insert = database.prepare("insert into temp.t values (?)");
    for (let i = 0; i < 12; i++) insert.run(new Uint8Array(MEBIBYTE).fill(65));
  },
};

export default defineAction({
  input: v.strictObject({ leave: v.string(), folder: v.optional(v.string(), "") }),
  output: v.strictObject({ pid: v.number(), heldMebibytes: v.number() }),
  async run({ leave, folder }) {
    await LEFTOVERS[leave]?.(folder);
    return { pid: Deno.pid, heldMebibytes: held.length * 10 };
  },
});
