// Runs under Node with the built SDK; prints what it saw as one line of JSON.
import { defineAction } from "openexec";
import {
  InvalidApproverKey,
  newApproverKey,
  OpenExecClient,
  OpenExecError,
  OpenExecUnreachable,
  parseApproverKey,
  readApproval,
  verifyReceipt,
} from "openexec/client";

const { socketPath, receipt, executorKey } = JSON.parse(process.argv[2]);
const client = new OpenExecClient({ socketPath });
const key = newApproverKey({ name: "alice" });
const saw = { node: process.versions.node, deno: "Deno" in globalThis };

const approved = await client.approve(client.request("echo", { msg: "hello" }), key);
saw.aud = readApproval(approved).claims.aud;
const execution = await client.execute(approved);
saw.execution = execution;
saw.replayed = (await client.execute(approved)).replayed;
saw.found = (await client.waitFor(approved)).id === execution.id;

const aborted = new AbortController();
aborted.abort(new Error("enough"));
saw.aborted = await client.execute(approved, { signal: aborted.signal }).catch((error) =>
  error.message
);

saw.refused = await client.get("never").catch((error) =>
  error instanceof OpenExecError && error.code
);
const nobody = new OpenExecClient({ socketPath: `${socketPath}.none`, retry: { attempts: 1 } });
saw.unreachable = await nobody.describe().catch((error) =>
  error instanceof OpenExecUnreachable && error.effect
);

const executorKeys = [Uint8Array.from(Buffer.from(executorKey, "base64"))];
saw.genuine = verifyReceipt(receipt, { executorKeys }).ok;
saw.forged = verifyReceipt(receipt.replace('"echo"', '"oops"'), { executorKeys }).ok;

saw.defines = typeof defineAction === "function";
try {
  parseApproverKey("{}");
} catch (error) {
  saw.keyRefused = error instanceof InvalidApproverKey;
}
client.close();
process.stdout.write(JSON.stringify(saw));
