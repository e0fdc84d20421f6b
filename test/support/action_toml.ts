/** Tables of [actions.NAME] for the handlers beside the tests. */

import { createHash } from "node:crypto";

/**
 * `file` is absolute; its digest is that of its bytes now. `rest` are further settings of the
 * action.
 */
export function actionToml(name: string, file: string, rest = ""): string {
  const digest = createHash("sha256").update(Deno.readFileSync(file)).digest("hex");
  return `[actions.${name}]\nmodule = ${
    JSON.stringify(file)
  }\ndigest = "sha256:${digest}"\n${rest}\n`;
}

/** The path of a file in test/e2e/handlers. */
export function handler(name: string): string {
  return new URL(`../e2e/handlers/${name}`, import.meta.url).pathname;
}
