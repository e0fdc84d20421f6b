/** Code as the runtime has the least work with it. */

import { stripTypeScriptTypes } from "node:module";
import type { Code } from "./protocol.ts";

/**
 * The same code in JavaScript, each line where it was: types are blanked out once, and not by the runtime in every worker. Code
 * as it is, where it is JavaScript or has syntax that is more than types, such as enums, which is left to the runtime.
 */
export function scriptOf({ text, language }: Code): Code {
  if (language === "javascript") return { text, language };
  try {
    return { text: stripTypeScriptTypes(text), language: "javascript" };
  } catch {
    return { text, language };
  }
}
