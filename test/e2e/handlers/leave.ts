import { defineAction } from "openexec";
import * as v from "valibot";

/** Ends its worker instead of itself. */
export default defineAction({
  input: v.object({}),
  output: v.object({}),
  run: () => Deno.exit(0),
});
