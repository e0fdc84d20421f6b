/** Leaves traces, and says which it found. */

import { defineAction } from "openexec";
import * as v from "valibot";

let runs = 0;
/** Runs that have logged after their end. */
let late = 0;

export default defineAction({
  input: v.strictObject({
    then: v.picklist(["return", "throw", "exit", "linger", "poison", "logLate", "await3"]),
  }),
  output: v.strictObject({ runs: v.number(), pid: v.number() }),
  async run({ then }, { log }) {
    runs++;
    if (then === "throw") throw new Error("as asked");
    if (then === "exit") Deno.exit(1);
    if (then === "linger") {
      setInterval(() => log("from beyond"), 1);
    }
    if (then === "logLate") {
      setTimeout(() => {
        for (let i = 0; i < 200; i++) log("late");
        late++;
      }, 500); // of all three at once, in a later run
    }
    if (then === "await3") { while (late < 3) await new Promise((done) => setTimeout(done, 1)); }
    if (then === "poison") {
      JSON.parse = () => {
        throw new Error("poisoned");
      };
    }
    await null;
    return { runs, pid: Deno.pid };
  },
});
