import { expect, test } from "vitest";
import { parseCanonical } from "../../src/core/json/json.ts";
import { pythonJson } from "../../src/core/json/python_json.ts";
import { legacyReceiptOf } from "../../src/engine/result.ts";
import { executionView, type Shown } from "../../src/engine/view.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { digestOf } from "../../src/core/sha.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import type { ExecutionRecord } from "../../src/ledger/types.ts";
import { commitment, executionReceipt, resolutionReceipt } from "../../src/log/receipt.ts";
import { signReceipt } from "../../src/log/signed_receipt.ts";
import { verifyReceipt } from "../../src/log/verify_receipt.ts";
import { PEER, SALTS, settledExecution, START_MS, unsuccessful } from "../log/sample_log.ts";

const signer = signingKeyOf(new Uint8Array(32).fill(1));
const trusted = { executorKeys: [signer.publicKey] };

test.each(["null", "1e+300", "100000000000000000000", '{"é":[1,"\\u0001"]}'])(
  "an answer with the result %s can be shown, and verifies",
  (canonical) => {
    const resultCommitment = commitment(SALTS.result, digestOf(utf8Encode(canonical)));
    const execution = settledExecution(1, { resultCommitment });
    const shown: Shown = {
      result: {
        canonical,
        salt: SALTS.result,
        legacyReceipt: legacyReceiptOf(
          execution.id,
          pythonJson(parseCanonical(canonical), "default"),
        ),
      },
      reason: null,
      requestSalt: SALTS.request,
      receipt: signReceipt(executionReceipt("openexec:h", execution, false), signer),
      resolution: null,
    };
    const view = executionView({ ...execution, logIndex: 1, resolution: null }, shown);
    const report = verifyReceipt(JSON.stringify(view), trusted);
    expect(report.checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.checks.map(({ name }) => name)).toContain("legacy_hash");
  },
);

test("an answer whose outcome an operator declared carries the declaration, and verifies", () => {
  const execution = settledExecution(1, unsuccessful);
  const declared = resolutionReceipt("openexec:h", {
    executionId: execution.id,
    from: "outcome_unknown",
    as: "succeeded",
    note: "seen downstream",
    peer: PEER,
    atMs: START_MS,
  });
  const record: ExecutionRecord = {
    ...execution,
    status: "succeeded",
    code: null,
    logIndex: 1,
    resolution: { from: "outcome_unknown", logIndex: 2 },
  };
  const shown: Shown = {
    result: null,
    reason: null,
    requestSalt: SALTS.request,
    receipt: signReceipt(executionReceipt("openexec:h", execution, false), signer),
    resolution: signReceipt(declared, signer),
  };
  const answer = executionView(record, shown);
  expect(verifyReceipt(JSON.stringify(answer), trusted).ok).toBe(true);
  expect(verifyReceipt(JSON.stringify({ ...answer, resolution: null }), trusted).ok).toBe(false);
});
