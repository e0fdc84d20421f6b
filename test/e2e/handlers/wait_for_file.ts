import { defineAction } from "openexec";
import * as v from "valibot";

const LOOK_EVERY_MS = 10;

/** Runs until the file is there, so that a test decides when it ends. */
export default defineAction({
  input: v.object({ file: v.string() }),
  output: v.object({ found: v.string() }),
  async run({ file }) {
    for (;;) {
      try {
        await Deno.stat(file);
        return { found: file };
      } catch {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    }
  },
});
