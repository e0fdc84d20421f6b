/** Says its secrets in every way it knows. */

import { Buffer } from "node:buffer";
import process from "node:process";
import { defineAction } from "openexec";
import * as v from "valibot";

function spellings(secret: string): Record<string, string> {
  return {
    exact: secret,
    inside: `before ${secret} after`,
    base64: Buffer.from(secret).toString("base64"),
    base64url: Buffer.from(secret).toString("base64url"),
    basic: Buffer.from(`user:${secret}`).toString("base64"),
    url: encodeURIComponent(secret),
    form: new URLSearchParams({ key: secret }).toString(),
  };
}

export default defineAction({
  input: v.strictObject({
    by: v.picklist(["result", "key", "number", "log", "console", "error", "names", "stderr"]),
  }),
  output: v.unknown(),
  run({ by }, { secrets, log }) {
    const secret = secrets["api_key"] ?? "none";
    const said = spellings(secret);
    if (by === "names") return Object.keys(secrets);
    if (by === "result") return said;
    if (by === "key") return { [secret]: 1 };
    if (by === "number") return Number(secrets["pin"]);
    if (by === "error") throw new Error(JSON.stringify(said));
    if (by === "log") log(JSON.stringify(said), said);
    if (by === "console") globalThis.console.log(said);
    if (by === "stderr") {
      Deno.stderr.writeSync(new TextEncoder().encode(secret));
      process.abort();
    }
    return null;
  },
});
