/** Gives a number, or fails to. */

import { defineAction } from "openexec";
import * as v from "valibot";

/** Claims what it does not check, as handlers do. */
function isNumber(_value: unknown): asserts _value is number {}

export default defineAction({
  input: v.strictObject({ give: v.unknown(), fail: v.optional(v.string()) }),
  output: v.number(),
  run({ give, fail }) {
    if (fail !== undefined) throw new Error(fail);
    isNumber(give);
    return give;
  },
});
