/** Adds two numbers: {"a": 1, "b": 2} gives {"result": 3}. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  title: "Add",
  description: "Adds two numbers.",
  read_only: true,
  open_world: false,
  input: v.strictObject({ a: v.number(), b: v.number() }),
  output: v.strictObject({ result: v.number() }),
  run: ({ a, b }) => ({ result: a + b }),
});
