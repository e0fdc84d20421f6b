/** Gives back the payload as it came. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  title: "Echo",
  description: "Gives back the payload as it came, and does nothing else.",
  read_only: true,
  open_world: false,
  // an object schema would drop keys such as "constructor", and an echo drops nothing
  input: v.unknown(),
  output: v.unknown(),
  run: (payload) => payload,
});
