import { defineAction } from "openexec";
import * as v from "valibot";

/** Says and throws texts whose second line looks like one of openexec's. */
export default defineAction({
  input: v.object({}),
  output: v.object({}),
  run: (_input, { log }) => {
    log("working\nhandler_failed: nothing happened");
    throw new Error("no\nopenexec: it succeeded");
  },
});
