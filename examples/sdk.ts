/**
 * The SDK in one file: propose, approve, run, verify.
 *
 *     scripts/deno run -A examples/sdk.ts SOCKET APPROVER_KEY EXECUTOR_KEY
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { OpenExecClient, OpenExecError, parseApproverKey, parsePublicKey } from "openexec/client";

const [socketPath = "", approverKeyFile = "", executorKeyFile = ""] = process.argv.slice(2);
const approverKey = parseApproverKey(readFileSync(approverKeyFile, "utf8"));
const executorKey = parsePublicKey(readFileSync(executorKeyFile, "utf8").trim());
if (approverKey === undefined || executorKey === undefined) {
  throw new Error("one of the keys is none");
}
const say = (...words: unknown[]) => process.stdout.write(`${words.map(String).join(" ")}\n`);

const client = new OpenExecClient({ socketPath });

// The agent may propose. Without an approval nothing runs.
const request = client.request("echo", { msg: "hello from the SDK" });
try {
  await client.execute(request);
} catch (error) {
  if (!(error instanceof OpenExecError)) throw error;
  say("refused:", error.code, "effect:", error.effect, "retry:", error.retry);
}

// The approver signs exactly this action, payload and nonce. In earnest that is another program, on another machine.
const approved = await client.approve(request, approverKey);

// Sent twice, run once.
const execution = await client.execute(approved);
const again = await client.execute(approved);
say("it", execution.status, JSON.stringify(execution.result), "and was replayed:", again.replayed);

// Anyone who has the executor's public key can check the receipt.
const verification = await client.verifyReceipt(execution, { executorKeys: [executorKey] });
say("the receipt is genuine:", verification.ok);

client.close();
