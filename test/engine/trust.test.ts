import { expect, test } from "vitest";
import { TrustGate } from "../../src/engine/trust.ts";
import { EXECUTE_MEMBERS } from "../../src/core/limits.ts";
import { parseRequest, readRequest } from "../../src/engine/request.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import {
  approver,
  envelope,
  HANDLER_DIGEST,
  needed,
  NOW_MS,
  PAYLOAD,
  subject,
  trustOf,
} from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";

const clock = { nowMs: () => NOW_MS };
const asked = { action: "echo", payload: PAYLOAD, nonce: "n-1", approval: envelope() };
const request = parseRequest(readRequest(utf8Encode(JSON.stringify(asked)), EXECUTE_MEMBERS), null);

function verify(gate: TrustGate) {
  return gate.verify(request, needed(1), HANDLER_DIGEST, subject().peer);
}

test("what was verified is refused in the reservation when its approver was taken away meanwhile", () => {
  const gate = new TrustGate(trustOf(), clock);
  const approval = verify(gate);
  expect(codeOf(() => gate.recheck(approval, NOW_MS))).toBe("ok");
  gate.replace(trustOf([approver("bob")]));
  expect(codeOf(() => gate.recheck(approval, NOW_MS))).toBe("approval_signer_unknown");
  expect(codeOf(() => verify(gate))).toBe("approval_signer_unknown");
});

test("what was verified stands when the newer trust store says the same", () => {
  const gate = new TrustGate(trustOf(), clock);
  const approval = verify(gate);
  gate.replace(trustOf());
  expect(codeOf(() => gate.recheck(approval, NOW_MS))).toBe("ok");
});

test("tenant and legacy approver are those of the newest store", () => {
  const gate = new TrustGate(trustOf(), clock);
  expect([gate.tenant, gate.takesClawshield]).toEqual(["t1", false]);
});
