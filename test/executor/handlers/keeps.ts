/** Leaves traces, and says which it found. */

import { defineAction } from "openexec";
import * as v from "valibot";

let runs = 0;

export default defineAction({
  input: v.strictObject({ then: v.picklist(["return", "throw", "exit", "linger", "poison"]) }),
  output: v.strictObject({ runs: v.number(), pid: v.number() }),
  async run({ then }, { log }) {
    runs++;
    if (then === "throw") throw new Error("as asked");
    if (then === "exit") Deno.exit(1);
    if (then === "linger") {
      setInterval(() => log("from beyond"), 1);
    }
    if (then === "poison") {
      JSON.parse = () => {
        throw new Error("poisoned");
      };
    }
    await null;
    return { runs, pid: Deno.pid };
  },
});
