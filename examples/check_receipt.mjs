// Checks what `openexec show` printed of an execution, with nothing of openexec's but the formats:
//
//   openexec show NONCE > receipt.json
//   node examples/check_receipt.mjs receipt.json executor.pub '{"action":"…","payload":{…}}'
//
// Prints what holds, and ends with 1 when anything does not. It shows how a receipt is made, step by step; `openexec verify` is
// stricter (docs/receipts.md).

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";

const [receiptFile, keyFile, request] = process.argv.slice(2);
if (keyFile === undefined) {
  process.stderr.write("usage: node check_receipt.mjs RECEIPT EXECUTOR_PUB [REQUEST]\n");
  process.exit(2);
}
const shown = JSON.parse(readFileSync(receiptFile, "utf8"));
const key = readFileSync(keyFile, "utf8").trim().replace(/^ed25519:/, "");
const spki = Buffer.concat([
  Buffer.from("302a300506032b6570032100", "hex"),
  Buffer.from(key, "base64"),
]);
const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const isSigned = (message, signature) => verify(null, message, publicKey, signature);
const print = (text) => process.stdout.write(`${text}\n`);
const check = (holds, what) => {
  print(`${holds ? "ok    " : "FAILED"} ${what}`);
  if (!holds) process.exitCode = 1;
};

// The signature: DSSE v1. What is signed is the type and the body, each after its length in bytes.
const { payloadType, payload, signatures: [{ sig }] } = shown.attestation;
const body = Buffer.from(payload, "base64");
const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `;
const isReceipt = /^application\/vnd\.openexec\.receipt\.v[12]\+json$/.test(payloadType);
const message = Buffer.concat([Buffer.from(head), body]);
check(
  isReceipt && isSigned(message, Buffer.from(sig, "base64")),
  "the executor signed this receipt",
);
const receipt = JSON.parse(body);
print(JSON.stringify(receipt, null, 2));

// The rest of the file is not signed: it must be what the receipt says. An operator may have declared another status since.
const isOfReceipt = shown.id === receipt.execution_id && shown.action === receipt.action &&
  (shown.status === receipt.status || shown.resolved === true) &&
  (shown.exec_mode === "demo") === (receipt.mode === "demo");
check(isOfReceipt, "the file shows the execution of the receipt");

// The commitments: SHA-256 of a salt and of the digest of the canonical JSON (RFC 8785) of request and result.
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort(); // by UTF-16 code units, as RFC 8785 has it
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
};
const commitment = (salt, value) => {
  const digest = sha256(Buffer.from(canonical(value)));
  return `sha256:${sha256(Buffer.from(salt, "base64"), digest).toString("hex")}`;
};
if (request !== undefined) {
  const committed = commitment(shown.salts.request, JSON.parse(request));
  check(committed === receipt.request_commitment, "it is of this action and payload");
}
const result = shown.result ?? null;
if (receipt.result_commitment === undefined) {
  check(result === null, "it shows no result, as nothing succeeded");
} else if (result !== null || shown.result_pruned !== true) {
  check(
    commitment(shown.salts.result, result) === receipt.result_commitment,
    "it is of this result",
  );
}

// The log: C2SP tlog-proof, an RFC 9162 inclusion proof that leads to the root of a signed checkpoint.
const [proof, note, signatureLines] = shown.tlog_proof.split("\n\n");
const [, indexLine, ...hashes] = proof.split("\n");
const [origin, sizeLine, root] = note.split("\n");
const size = BigInt(sizeLine);
let [index, last] = [BigInt(indexLine.replace("index ", "")), size - 1n];
const isWithin = index <= last;
let hash = sha256(Buffer.of(0), body);
for (const sibling of hashes.map((line) => Buffer.from(line, "base64"))) {
  if (index % 2n === 1n || index === last) {
    hash = sha256(Buffer.of(1), sibling, hash);
    while (index % 2n === 0n && index !== 0n) [index, last] = [index / 2n, last / 2n];
  } else {
    hash = sha256(Buffer.of(1), hash, sibling);
  }
  [index, last] = [index / 2n, last / 2n];
}
const isRoot = last === 0n && hash.toString("base64") === root;
check(isWithin && isRoot, `it is in the log of ${size} entries`);

// The checkpoint: a C2SP signed-note. In a line, after a dash and the name, stand four bytes of key id and the signature.
const signatures = signatureLines.split("\n")
  .filter((line) => line.startsWith(`\u2014 ${origin} `))
  .map((line) => Buffer.from(line.split(" ")[2], "base64").subarray(4));
const isCheckpoint = signatures.some((signature) => isSigned(Buffer.from(`${note}\n`), signature));
const isOfExecutor = origin === `${receipt.executor_id}/log`;
check(isCheckpoint && isOfExecutor, "the executor signed the checkpoint of that log");
