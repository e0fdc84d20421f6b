/** The model reads what happened, whether it had an effect, and how to go on. */

import { expect, test } from "vitest";
import { type ErrorCode, ERRORS } from "../../src/core/errors.ts";
import { PROPOSAL_STATUSES } from "../../src/core/proposal.ts";
import { OpenExecError, OpenExecUnreachable } from "../../src/client/errors.ts";
import { failureResult, refusalResult, resultOf } from "../../src/mcp/texts.ts";
import { executionOf } from "../../src/client/execution.ts";
import type { Proposal } from "../../src/client/proposals/proposal.ts";

const PROPOSAL: Proposal = {
  id: "019aab00-0000-7000-8000-000000000001",
  action: "charge_card",
  status: "pending",
  proposed_at: "2026-01-01T00:00:00.000Z",
  expires_at: "2026-01-01T01:00:00.000Z",
  payload: {},
  nonce: "n-1",
  now: "2026-01-01T00:00:00.000Z",
  peer: { uid: 1000, pid: 1 },
  approvals: {
    needed: 2,
    given: [{ name: "alice", keyid: "alice-1", kind: "ed25519", iss: "alice", jti: "j-1" }],
    max_ttl_seconds: 900,
  },
};

function problem(code: ErrorCode) {
  const { effect, retry } = ERRORS[code];
  return { code, detail: "A detail.", effect, retry };
}

const textOf = (result: ReturnType<typeof resultOf>) => {
  const [content] = result.content;
  return content?.type === "text" ? content.text : "";
};

test("every state has words of its own, and only ends without success are errors", () => {
  const texts = PROPOSAL_STATUSES.map((status) => {
    const result = resultOf({ ...PROPOSAL, status, problem: problem("outcome_unknown") });
    const isGood = ["pending", "approved", "running", "succeeded"].includes(status);
    expect(result.isError ?? false, status).toBe(!isGood);
    expect(result.structuredContent).toMatchObject({ id: PROPOSAL.id, status });
    expect(result.structuredContent).toMatchObject({ message: textOf(result) });
    return textOf(result);
  });
  expect(texts.every((text) => text !== "")).toBe(true);
});

test("a pending answer says how many approvals there are, and how to go on", () => {
  const text = textOf(resultOf(PROPOSAL));
  expect(text).toContain("Nothing ran yet: 1 of 2 approvals given.");
  expect(text).toContain(`openexec_wait with {"proposal":"${PROPOSAL.id}"}`);
  expect(text).toContain("openexec_withdraw");
});

test("a success says its result", () => {
  const execution = executionOf({
    id: PROPOSAL.id,
    action: "charge_card",
    status: "succeeded",
    approved: true,
    result: { charged: 5 },
    replayed: false,
    receipt: null,
    attestation: null,
    salts: {},
    log_index: 0,
  });
  if (execution === undefined) throw new Error("no execution");
  expect(textOf(resultOf({ ...PROPOSAL, status: "succeeded", execution })))
    .toContain('Result: {"charged":5}');
});

test("a failure says what its handler says of it", () => {
  const execution = executionOf({
    id: PROPOSAL.id,
    action: "charge_card",
    status: "failed",
    code: "handler_failed",
    reason: "the card was declined",
  });
  if (execution === undefined) throw new Error("no execution");
  const failed = { ...PROPOSAL, status: "failed", problem: problem("handler_failed") } as const;
  expect(textOf(resultOf({ ...failed, execution }))).toBe(
    'handler_failed: A detail. The action says: "the card was declined". ' +
      "It may have had an effect. Do not try again: somebody has to look at what happened first.",
  );
});

test("a decline says who and why, and leaves no way around", () => {
  const decline = { by: "bob", reason: "too much", at: "2026-01-01T00:00:01.000Z" };
  const text = textOf(
    resultOf({ ...PROPOSAL, status: "declined", decline, problem: problem("proposal_declined") }),
  );
  expect(text).toMatch(/^Declined by bob: "too much"\. Nothing ran\. Do not propose it again/);
  expect(text).toContain("in another way");
});

test.each(
  [
    ["outcome_unknown", "It may have had an effect. Do not try again"],
    ["handler_failed", "It may have had an effect. Do not try again"],
    ["proposal_expired", "Nothing ran. If it is still needed, call it again"],
    ["proposal_withdrawn", "Nothing ran. Do not call it again with these arguments"],
    ["action_not_allowed", "Nothing ran. Do not call it again with these arguments"],
  ] as const,
)("an end with %s says: %s", (code, words) => {
  const status = ERRORS[code].effect === "none" ? "refused" : "failed";
  expect(textOf(resultOf({ ...PROPOSAL, status, problem: problem(code) }))).toContain(words);
});

function refusal(code: ErrorCode): OpenExecError {
  const rest = { status: ERRORS[code].status, execution: null, retryAfterMs: null };
  return new OpenExecError({ ...problem(code), ...rest });
}

test.each(
  [
    ["payload_invalid", "Correct the arguments"],
    ["proposals_full", "Calling it again later with the same arguments is safe"],
    ["proposal_declined", "Do not call it again with these arguments"],
  ] as const,
)("a call that was not taken because of %s says: %s", (code, words) => {
  const result = refusalResult(refusal(code));
  expect(result.isError).toBe(true);
  expect(textOf(result)).toContain(words);
  expect(result.structuredContent).toMatchObject({ problem: { code } });
});

test("a daemon that is away is told of as such, and calling again is safe", () => {
  const result = refusalResult(new OpenExecUnreachable("unknown", "gone", null));
  expect(textOf(result)).toContain("Calling it again later with the same arguments is safe");
  expect(result.structuredContent).toMatchObject({ problem: { code: null, effect: "unknown" } });
});

test.each(["peer_denied", "rate_limited", "role_denied", "request_too_large"] as const)(
  "%s comes before the look for an earlier proposal, and leaves open if that one ran",
  (code) => {
    const result = refusalResult(refusal(code));
    expect(textOf(result)).toContain("an earlier one with these arguments may have run.");
    expect(textOf(result)).not.toContain("Nothing ran");
    expect(result.structuredContent).toMatchObject({ problem: { code, effect: "unknown" } });
  },
);

test("a failed look at a proposal claims nothing about what ran, unless there is none", () => {
  expect(textOf(failureResult(refusal("proposal_not_found")))).not.toMatch(/ran/);
  for (const code of ["rate_limited", "draining", "halted", "peer_denied"] as const) {
    const { structuredContent } = failureResult(refusal(code));
    expect(structuredContent, code).toMatchObject({ problem: { code, effect: "unknown" } });
  }
  const { structuredContent } = failureResult(refusal("proposal_not_found"));
  expect(structuredContent).toMatchObject({ problem: { effect: "none" } });
});

test("a daemon that does not answer leaves open if a proposal ran", () => {
  for (const result of [refusalResult, failureResult]) {
    const { structuredContent } = result(new OpenExecUnreachable("none", "gone", null));
    expect(structuredContent).toMatchObject({ problem: { effect: "unknown" } });
  }
});
