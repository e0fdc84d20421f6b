/** Runs until the file it may read is there. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.strictObject({ until: v.string() }),
  output: v.string(),
  async run({ until }) {
    for (;;) {
      try {
        return await Deno.readTextFile(until);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  },
});
