/** Gives back the payload as it came. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  // not an object schema: those drop keys such as "constructor", and an echo drops nothing
  input: v.unknown(),
  output: v.unknown(),
  run: (payload) => payload,
});
