/** Turns TypeScript into the JavaScript that executors load. */

import { stripTypeScriptTypes } from "node:module";
import type { Code } from "./protocol.ts";

/**
 * Returns the same code in JavaScript, each line where it was. Code stays as it is where it is JavaScript already, or has
 * syntax that is more than types, such as enums: that is left to the runtime.
 */
export function scriptOf({ text, language }: Code): Code {
  if (language === "javascript") return { text, language };
  try {
    return { text: stripTypeScriptTypes(text), language: "javascript" };
  } catch {
    return { text, language };
  }
}
