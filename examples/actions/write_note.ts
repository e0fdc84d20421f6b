/**
 * Writes a note into one folder, once: a note that exists is left as it is, so a second run does no harm.
 *
 *   [actions.write_note]
 *   module = "./actions/write_note.ts"
 *   digest = "sha256:…"                     # `openexec pin actions/write_note.ts` prints it
 *   idempotent = true
 *   allow = { write = ["/srv/notes"] }
 */

import { defineAction } from "openexec";
import * as v from "valibot";

/** What the grant names. */
const FOLDER = "/srv/notes";

export default defineAction({
  input: v.strictObject({
    // a name, no path: there is no slash and no dot to climb out of the folder with
    name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)),
    text: v.pipe(v.string(), v.maxLength(10_000)),
  }),
  output: v.strictObject({ written: v.boolean() }),
  async run({ name, text }) {
    try {
      await Deno.writeTextFile(`${FOLDER}/${name}.md`, text, { createNew: true });
      return { written: true };
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return { written: false };
      throw error;
    }
  },
});
