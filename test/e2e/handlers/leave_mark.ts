import { defineAction } from "openexec";
import * as v from "valibot";

/** Leaves one file for each time it was started, named so that a second start of the same execution shows. */
export default defineAction({
  input: v.object({ folder: v.string(), label: v.string() }),
  output: v.object({ mark: v.string() }),
  async run({ folder, label }) {
    const mark = `${label}.${crypto.randomUUID()}`;
    await Deno.writeTextFile(`${folder}/${mark}`, "", { createNew: true });
    return { mark };
  },
});
