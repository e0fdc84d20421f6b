import { describe, expect, test } from "vitest";
import { base64Encode, utf8Encode } from "../../src/core/bytes.ts";
import { preAuthEncoding } from "../../src/core/dsse.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { type JsonObject, PLAIN_KEY } from "../../src/core/types.ts";
import { formatVkey } from "../../src/log/note.ts";
import { consistencyProof } from "../../src/log/proof.ts";
import { type Decided, decisionReceipt } from "../../src/log/decision_receipt.ts";
import { executionReceipt, resolutionReceipt } from "../../src/log/receipt.ts";
import { receiptEnvelope, signReceipt } from "../../src/log/signed_receipt.ts";
import { isGenuine, passed, type Verification } from "../../src/log/verification.ts";
import { type VerifyOptions, verifyReceipt } from "../../src/log/verify_receipt.ts";
import { answerOf, PAYLOAD } from "./answer.ts";
import {
  byHardware,
  decided,
  executionId,
  PEER,
  SALTS,
  SampleLog,
  settledExecution,
  START_MS,
  unsuccessful,
} from "./sample_log.ts";
import { attach, cosign, witnessOf } from "./witness.ts";

const log = SampleLog.of(5);
const key = log.signer.publicKey;
const trusted = { executorKeys: [key] };
const answer = answerOf(log, 1);
const verify = (file: unknown, options: VerifyOptions = trusted) =>
  verifyReceipt(typeof file === "string" ? file : JSON.stringify(file), options);
const outcome = (report: Verification, name: string) =>
  report.checks.find((check) => check.name === name)?.outcome;
const failures = (report: Verification) =>
  report.checks.filter((check) => check.outcome === "failed").map(({ name }) => name);

describe("verifyReceipt() accepts", () => {
  test("the answer of an execution, its result and salts, with the executor's key alone", () => {
    const report = verify(answer);
    expect(report.checks.filter((check) => check.outcome === "passed").map(({ name }) => name))
      .toEqual(["body", "signature", "answer", "result", "legacy_hash"]);
    expect(report.ok).toBe(true);
    expect(report.receipt?.kind).toBe("execution");
    expect(report.logIndex).toBeNull();
  });

  test("the answer of GET /receipts/{index}, and says which entry it is", () => {
    for (let i = 0; i < log.entries.length; i++) {
      const report = verify(log.receiptFile(i), { ...trusted, checkpoint: log.checkpoint() });
      expect(report.ok).toBe(true);
      expect(report.logIndex).toBe(i);
      expect(outcome(report, "inclusion")).toBe("passed");
      expect(outcome(report, "consistency")).toBe("passed");
    }
  });

  test("a bare envelope, and claims no place in the log for it", () => {
    const report = verify(log.envelope(1));
    expect(report.ok).toBe(true);
    expect(outcome(report, "inclusion")).toBe("not_checked");
  });

  test("a problem that carries the execution", () => {
    const unlucky = new SampleLog();
    unlucky.execute(1, unsuccessful);
    const problem = { type: "about:blank", status: 500, execution: answerOf(unlucky, 1) };
    const report = verify(problem);
    expect(report.ok).toBe(true);
    expect(report.receipt).toMatchObject({ status: "outcome_unknown" });
  });

  test("the payload that was approved, however it is written", () => {
    for (const payload of [PAYLOAD, '{"amount":5}', ' { "amount" : 5.0 } ']) {
      expect(outcome(verify(answer, { ...trusted, payload }), "request")).toBe("passed");
    }
  });

  test("a result that the file no longer shows, when it is opened", () => {
    const pruned = { ...answer, result: null, result_pruned: true };
    expect(verify(pruned).ok).toBe(true);
    expect(outcome(verify(pruned), "result")).toBe("not_checked");
    expect(outcome(verify(pruned, { ...trusted, result: '{"ok":true}' }), "result")).toBe("passed");
  });

  test("a checkpoint of another size with a proof of consistency, older or newer", () => {
    const older = verify(log.receiptFile(1), {
      ...trusted,
      checkpoint: log.checkpoint(3),
      consistency: consistencyProof(log.tree, 3, 7),
    });
    expect(older.ok).toBe(true);
    const grown = SampleLog.of(8);
    const newer = verify(log.receiptFile(1), {
      ...trusted,
      checkpoint: grown.checkpoint(),
      consistency: consistencyProof(grown.tree, 7, grown.entries.length),
    });
    expect(outcome(newer, "consistency")).toBe("passed");
  });

  test("a proof that comes apart from the receipt", () => {
    const options = { ...trusted, proof: log.proof(1), checkpoint: log.checkpoint() };
    expect(verify(answer, options)).toMatchObject({ ok: true, logIndex: 1 });
  });

  test("a checkpoint that every witness asked for has cosigned", () => {
    const [one, two] = [witnessOf("w.example/1", 11), witnessOf("w.example/2", 12)];
    const once = attach(log.checkpoint(), cosign(log.checkpoint(), one, 100));
    const checkpoint = attach(once, cosign(once, two, 200));
    const witnesses = [formatVkey(one.key), formatVkey(two.key)];
    expect(verify(log.receiptFile(1), { ...trusted, checkpoint, witnesses }).ok).toBe(true);
    expect(failures(verify(log.receiptFile(1), { ...trusted, checkpoint: once, witnesses })))
      .toEqual([
        "witness",
      ]);
    expect(failures(verify(log.receiptFile(1), { ...trusted, witnesses }))).toEqual([
      "witness",
      "witness",
    ]);
  });

  test("an outcome that an operator declared, when the answer carries the resolution", () => {
    const { answer: resolved } = resolvedAnswer();
    expect(verify(resolved).ok).toBe(true);
  });
});

function resolvedAnswer(as: "succeeded" | "failed" = "succeeded", of = 1): { answer: JsonObject } {
  const settled = new SampleLog();
  settled.execute(1, unsuccessful);
  const entry = settled.append(resolutionReceipt("openexec:h", {
    executionId: executionId(of),
    from: "outcome_unknown",
    as,
    note: "seen downstream",
    peer: PEER,
    atMs: START_MS,
  }));
  const shown = { ...answerOf(settled, 1), status: "succeeded", resolved: true };
  return { answer: { ...shown, code: null, resolution: receiptEnvelope(entry) } };
}

/** What was run where nobody approves. */
function demoLog(): SampleLog {
  const demo = new SampleLog();
  demo.execute(1, { mode: "demo", approval: null });
  return demo;
}

describe("verifyReceipt() says who stands for an execution:", () => {
  const body = (envelope: unknown) =>
    verify(envelope).checks.find(({ name }) => name === "body")?.detail;
  const two = [
    { name: "alice", keyid: "a-1", ...PLAIN_KEY },
    { name: "bob", keyid: "b-1", ...PLAIN_KEY },
  ];
  const approval = { scheme: "dsse", iss: "alice", jti: "j", signers: two } as const;

  test("its approvers, and that a key was for development", () => {
    expect(body(log.envelope(1))).toBe("an execution approved by rm");
    const pair = new SampleLog();
    pair.execute(1, { approval });
    expect(body(pair.envelope(1))).toBe("an execution approved by alice and bob");
    const development = signReceipt(
      executionReceipt("openexec:h", settledExecution(1), true),
      log.signer,
    );
    expect(body(receiptEnvelope(development))).toBe(
      "an execution approved by rm, with a development key",
    );
  });

  test("nobody, in demo mode, by itself and in its answer", () => {
    const demo = demoLog();
    for (const file of [demo.envelope(1), answerOf(demo, 1)]) {
      expect(body(file)).toBe("an execution in demo mode: nobody approved it");
      expect(verify(file).ok).toBe(true);
    }
  });

  test("the kind of each key, and whether the person was verified, where the receipt tells", () => {
    const kinds = new SampleLog();
    kinds.execute(1, { approval: byHardware("j-1") });
    expect(verify(kinds.envelope(1)).ok).toBe(true);
    expect(body(kinds.envelope(1))).toBe(
      "an execution approved by rm (sshsig, hardware, person verified) " +
        "and cfo (passkey, person verified) and ops (ed25519)",
    );
  });

  test("who ended a proposal that never ran", () => {
    const ended = (changes: Partial<Decided>) => {
      const receipt = signReceipt(decisionReceipt("openexec:h", decided(changes)), log.signer);
      expect(verify(receiptEnvelope(receipt)).ok).toBe(true);
      return body(receiptEnvelope(receipt));
    };
    expect(ended({})).toBe("a proposal declined by cfo (passkey, hardware, person verified)");
    const nobody = { by: null, reasonCommitment: null };
    expect(ended({ ...nobody, decision: "expired", code: "proposal_expired" })).toBe(
      "a proposal that ended as expired",
    );
    expect(
      ended({ ...nobody, decision: "withdrawn", code: "proposal_withdrawn", by: PEER }),
    ).toBe("a proposal withdrawn by uid 1000");
  });

  test("and of any other receipt its kind", () => {
    expect(body(log.envelope(0))).toBe("a receipt of kind key");
  });
});

describe("verifyReceipt() refuses", () => {
  test("to trust a key that only the file vouches for", () => {
    const report = verify(log.receiptFile(1), { executorKeys: [] });
    expect(report.ok).toBe(false);
    expect(report.keyid).toBe(log.entry(1).keyid);
    expect(failures(report)).toEqual(["signature", "inclusion"]);
  });

  test("a receipt by another key", () => {
    const other = signingKeyOf(new Uint8Array(32).fill(2)).publicKey;
    expect(failures(verify(answer, { executorKeys: [other] }))).toContain("signature");
  });

  test("a receipt of another executor than the one expected", () => {
    const foreign = new SampleLog("openexec:other");
    foreign.execute(1);
    const file = foreign.receiptFile(1);
    expect(verify(file).ok).toBe(true);
    expect(failures(verify(file, { ...trusted, executorId: "openexec:h" }))).toEqual(["executor"]);
    expect(failures(verify(file, { ...trusted, checkpoint: log.checkpoint() }))).toContain(
      "checkpoint",
    );
  });

  test("the same body under another payload type, though the same key signed it as that", () => {
    const { body, keyid } = log.entry(1);
    for (
      const payloadType of ["application/vnd.openexec.approval.v2+json", "application/json", ""]
    ) {
      const sig = base64Encode(log.signer.sign(preAuthEncoding(payloadType, body)));
      const swapped = { payload: base64Encode(body), payloadType, signatures: [{ keyid, sig }] };
      expect(verify(swapped).ok).toBe(false);
      const relabelled = { ...swapped, payloadType: "application/vnd.openexec.receipt.v1+json" };
      expect(failures(verify(relabelled))).toEqual(["signature"]);
    }
  });

  test("a body of one version under the label of the other, though the same key signed it so", () => {
    const kinds = new SampleLog();
    kinds.execute(1, { approval: byHardware("j-1") });
    for (const [{ body, keyid }, version] of [[log.entry(1), 2], [kinds.entry(1), 1]] as const) {
      const payloadType = `application/vnd.openexec.receipt.v${version}+json`;
      const sig = base64Encode(log.signer.sign(preAuthEncoding(payloadType, body)));
      const envelope = { payload: base64Encode(body), payloadType, signatures: [{ keyid, sig }] };
      expect(failures(verify(envelope))).toEqual(["body"]);
    }
  });

  test("a signature over the body alone, without the pre-authentication encoding", () => {
    const { body, keyid } = log.entry(1);
    const sig = base64Encode(log.signer.sign(body));
    expect(failures(verify({ ...log.envelope(1), signatures: [{ keyid, sig }] }))).toEqual([
      "signature",
    ]);
  });

  test("something else that the executor's key signed: a checkpoint is no receipt", () => {
    const text = log.checkpoint().split("\n\n")[0] + "\n";
    const sig = base64Encode(log.signer.sign(utf8Encode(text)));
    const envelope = {
      payload: base64Encode(utf8Encode(text)),
      payloadType: "application/vnd.openexec.receipt.v1+json",
      signatures: [{ keyid: log.entry(0).keyid, sig }],
    };
    expect(failures(verify(envelope))).toEqual(["body"]);
  });

  test("a signature that is not 64 bytes long", () => {
    const envelope = log.envelope(1);
    const [first] = JSON.parse(JSON.stringify(envelope)).signatures;
    for (const length of [63, 65, 4096]) {
      const sig = base64Encode(new Uint8Array(length));
      expect(failures(verify({ ...envelope, signatures: [{ ...first, sig }] }))).toEqual(["file"]);
    }
  });

  test("a second signature beside the executor's", () => {
    const envelope = log.envelope(1);
    const [first] = JSON.parse(JSON.stringify(envelope)).signatures;
    expect(verify({ ...envelope, signatures: [first, { ...first, keyid: "other" }] }).ok).toBe(
      false,
    );
  });

  test("a proof for another entry", () => {
    const file = { ...JSON.parse(log.receiptFile(1)), tlog_proof: log.proof(2) };
    expect(failures(verify(file))).toEqual(["inclusion"]);
    delete file.log_index;
    expect(failures(verify(file))).toEqual(["inclusion"]);
  });

  test("a file that says another index than its proof", () => {
    const file = { ...JSON.parse(log.receiptFile(1)), log_index: 2 };
    expect(failures(verify(file))).toEqual(["inclusion"]);
  });

  test("a receipt never logged, or rewritten since, where a checkpoint is asked about", () => {
    const rewritten = new SampleLog();
    rewritten.execute(99);
    for (let n = 1; n < 6; n++) rewritten.execute(n);
    const report = verify(rewritten.receiptFile(1), { ...trusted, checkpoint: log.checkpoint() });
    expect(rewritten.entries.length).toBe(log.entries.length);
    expect(failures(report)).toEqual(["consistency"]);
    expect(failures(verify(log.envelope(1), { ...trusted, checkpoint: log.checkpoint() })))
      .toEqual(["inclusion", "consistency"]);
  });

  test("checkpoints of different sizes without a proof that they are one history", () => {
    const report = verify(log.receiptFile(1), { ...trusted, checkpoint: log.checkpoint(3) });
    expect(failures(report)).toEqual(["consistency"]);
    const wrong = consistencyProof(log.tree, 4, 7);
    const options = { ...trusted, checkpoint: log.checkpoint(3), consistency: wrong };
    expect(failures(verify(log.receiptFile(1), options))).toEqual(["consistency"]);
  });

  test("another payload, a payload without its salt, and one that is none", () => {
    const payload = '{"amount":50}';
    expect(failures(verify(answer, { ...trusted, payload }))).toEqual(["request"]);
    expect(failures(verify({ ...answer, salts: {} }, { ...trusted, payload: PAYLOAD }))).toEqual([
      "request",
      "result",
    ]);
    for (const text of ["5", "[]", "{", '{"a":1,"a":1}']) {
      expect(failures(verify(answer, { ...trusted, payload: text }))).toEqual(["request"]);
    }
    expect(failures(verify(log.envelope(0), { ...trusted, payload: PAYLOAD }))).toEqual([
      "request",
    ]);
  });

  test("an answer that shows another result, however it is dressed", () => {
    const lies: readonly JsonObject[] = [
      { result: { ok: false } },
      { result: { ok: false }, salts: {} },
      { result: { ok: false }, result_pruned: true },
      { result: { ok: false }, result_pruned: true, salts: {} },
      { result: null },
    ];
    for (const lie of lies) {
      expect(failures(verify({ ...answer, ...lie })), JSON.stringify(lie)).toContain("result");
    }
  });

  test("an answer that shows a result of an execution that had none", () => {
    const unlucky = new SampleLog();
    unlucky.execute(1, unsuccessful);
    expect(failures(verify({ ...answerOf(unlucky, 1), result: { ok: true } }))).toContain("result");
  });

  test("an answer whose legacy hash is another", () => {
    expect(failures(verify({ ...answer, receipt: "0".repeat(64) }))).toEqual(["legacy_hash"]);
  });

  test("an answer that shows another execution, action or status", () => {
    expect(failures(verify({ ...answer, id: executionId(9) }))).toEqual(["answer", "legacy_hash"]);
    expect(failures(verify({ ...answer, action: "echo" }))).toEqual(["answer"]);
    expect(failures(verify({ ...answer, status: "failed" }))).toEqual(["answer"]);
    expect(failures(verify({ ...answer, attestation: log.envelope(0) }))).toContain("answer");
    expect(failures(verify({ ...answer, code: "handler_failed" }))).toEqual(["answer"]);
  });

  test("an answer in demo mode that passes for an approved one, and the other way round", () => {
    const demo = answerOf(demoLog(), 1);
    const { exec_mode: _, ...silent } = demo;
    for (
      const lie of [silent, { ...demo, exec_mode: "enforced" }, { ...answer, exec_mode: "demo" }]
    ) {
      expect(failures(verify(lie))).toEqual(["answer"]);
    }
  });

  test("a success that was not declared, or declared otherwise or of another execution", () => {
    const unlucky = new SampleLog();
    unlucky.execute(1, unsuccessful);
    const claimed = { ...answerOf(unlucky, 1), status: "succeeded" };
    expect(failures(verify(claimed))).toEqual(["answer"]);
    expect(failures(verify({ ...claimed, resolved: true }))).toEqual(["answer"]);
    expect(failures(verify(resolvedAnswer("failed").answer))).toEqual(["answer"]);
    expect(failures(verify(resolvedAnswer("succeeded", 2).answer))).toEqual(["answer"]);
    expect(failures(verify({ ...claimed, resolved: true, resolution: log.envelope(0) }))).toEqual([
      "answer",
    ]);
    const declaration = {
      executionId: executionId(1),
      from: "outcome_unknown",
      as: "succeeded",
      note: "",
    } as const;
    const signedBy = (executor: SampleLog) => {
      const receipt = resolutionReceipt(executor.executorId, {
        ...declaration,
        peer: PEER,
        atMs: START_MS,
      });
      return {
        ...claimed,
        resolved: true,
        resolution: receiptEnvelope(signReceipt(receipt, executor.signer)),
      };
    };
    expect(verify(signedBy(log)).ok).toBe(true);
    expect(failures(verify(signedBy(new SampleLog("openexec:h", 9))))).toEqual(["answer"]);
    expect(failures(verify(signedBy(new SampleLog("openexec:other"))))).toEqual(["answer"]);
  });

  test("a witness that is the executor itself, a log's key, or no key", () => {
    const self = { ...witnessOf("w.example/1", 1) };
    expect(self.key.publicKey).toEqual(key);
    const checkpoint = attach(log.checkpoint(), cosign(log.checkpoint(), self, 100));
    const asLog = formatVkey({
      name: "w.example/1",
      algorithm: 1,
      publicKey: witnessOf("w", 11).publicKey,
    });
    for (const witness of [formatVkey(self.key), asLog, "", "w+0+0"]) {
      const options = { ...trusted, checkpoint, witnesses: [witness] };
      expect(failures(verify(log.receiptFile(1), options))).toEqual(["witness"]);
    }
  });

  test("a cosignature on a checkpoint that is not shown to be of the same history", () => {
    const witness = witnessOf("w.example/1", 11);
    const other = SampleLog.of(9);
    const checkpoint = attach(other.checkpoint(), cosign(other.checkpoint(), witness, 100));
    const options = { ...trusted, checkpoint, witnesses: [formatVkey(witness.key)] };
    expect(failures(verify(log.receiptFile(1), options))).toEqual(["consistency", "witness"]);
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "hello"],
    ["a list", "[]"],
    ["an object", "{}"],
    ["a member twice", JSON.stringify(log.envelope(1)).replace("{", '{"payload":"",')],
    ["an answer without its id", JSON.stringify({ ...answer, id: undefined })],
    [
      "a receipt that shows a result beside it",
      JSON.stringify({ attestation: log.envelope(1), result: { ok: true } }),
    ],
    [
      "a bare envelope that shows a status",
      JSON.stringify({ ...log.envelope(1), status: "succeeded" }),
    ],
    ["two receipts in one", JSON.stringify({ attestation: log.envelope(0), execution: answer })],
    ["an execution that is still reserved", JSON.stringify({ ...answer, attestation: null })],
    [
      "an answer that would move the cursor",
      JSON.stringify({ ...answer, status: "failed\u001b[2K" }),
    ],
    ["a keyid that would", JSON.stringify(log.envelope(1)).replace("sha256:", "\\u001b[2K")],
    ["something deep", "[".repeat(100_000)],
  ])("%s", (_, text) => expect(failures(verify(text))).toEqual(["file"]));

  test("any single character changed in a bare envelope", () => {
    const text = JSON.stringify(log.envelope(1));
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === "A" ? "B" : "A") + text.slice(i + 1);
      expect(verify(changed).ok, `character ${i}`).toBe(false);
    }
  });
});

describe("key rotation", () => {
  const rotated = new SampleLog("openexec:h", 1);
  const [first, second] = [1, 2].map((seed) =>
    signingKeyOf(new Uint8Array(32).fill(seed)).publicKey
  );
  rotated.execute(1);
  const change = rotated.rotate(2);
  rotated.execute(2);
  const laterChange = rotated.rotate(3);
  rotated.execute(3);
  const keys = (...list: (Uint8Array | undefined)[]) => list.filter((item) => item !== undefined);

  test("the first key vouches for a later one by receipts of the changes, in any order", () => {
    const trustFirst = { executorKeys: keys(first) };
    expect(verify(rotated.envelope(5), trustFirst).ok).toBe(false);
    expect(verify(rotated.envelope(3), { ...trustFirst, keyReceipts: [change] }).ok).toBe(true);
    expect(verify(rotated.envelope(5), { ...trustFirst, keyReceipts: [change] }).ok).toBe(false);
    expect(verify(rotated.envelope(5), { ...trustFirst, keyReceipts: [laterChange, change] }).ok)
      .toBe(true);
  });

  test("an old receipt verifies with its own key, its proof with the checkpoint's key", () => {
    const file = rotated.receiptFile(1);
    expect(failures(verify(file, { executorKeys: keys(first) }))).toEqual(["inclusion"]);
    const both = { executorKeys: keys(first), keyReceipts: [change, laterChange] };
    expect(verify(file, both)).toMatchObject({ ok: true, logIndex: 1 });
  });

  test("a later key does not speak for an earlier one", () => {
    const options = { executorKeys: keys(second), keyReceipts: [change] };
    expect(failures(verify(rotated.envelope(1), options))).toEqual(["signature"]);
  });

  test("a change that another key, or another executor, signed adds nothing", () => {
    const foreign = new SampleLog("openexec:other", 1).rotate(2);
    const stranger = new SampleLog("openexec:h", 9).rotate(2);
    const forged = { ...stranger, keyid: change.keyid };
    for (const keyReceipt of [foreign, stranger, forged, rotated.entry(1)]) {
      const options = { executorKeys: keys(first), keyReceipts: [keyReceipt] };
      expect(failures(verify(rotated.envelope(3), options))).toEqual(["signature"]);
    }
  });
});

test("salts may come apart from the file", () => {
  const bare = { ...answer, salts: {} };
  expect(verify(bare, { ...trusted, payload: PAYLOAD, salts: SALTS }).ok).toBe(true);
});

test("isGenuine() rests on a signature that was verified, whatever else passed", () => {
  expect(isGenuine([])).toBe(false);
  expect(isGenuine([passed("body", ""), passed("inclusion", "")])).toBe(false);
  expect(isGenuine([passed("signature", "")])).toBe(true);
});
