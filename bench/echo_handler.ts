import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.looseObject({}),
  output: v.looseObject({}),
  run: (input) => input,
});
