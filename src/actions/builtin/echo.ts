/** Gives back the payload as it came. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  // an object schema would drop keys such as "constructor", and an echo drops nothing
  input: v.unknown(),
  output: v.unknown(),
  run: (payload) => payload,
});
