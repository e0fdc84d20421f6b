/** Says when its file, and a module that its file imports, began to run. */

import { defineAction } from "openexec";
import "data:text/javascript,globalThis.importedAtMs = Date.now()";
import * as v from "valibot";

const beganAtMs = await Promise.resolve(Date.now());

export default defineAction({
  input: v.strictObject({}),
  output: v.tuple([v.number(), v.number()]),
  run: () =>
    v.parse(v.tuple([v.number(), v.number()]), [
      Reflect.get(globalThis, "importedAtMs"),
      beganAtMs,
    ]),
});
