/**
 * The order of refusals as one table: the codes of core/errors.ts, from the socket to the outcome.
 * Each row is tested with everything wrong that later rows describe.
 */

import { describe, expect, test } from "vitest";
import { base64Decode, base64Encode, concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { ERROR_CODES, type ErrorCode, ERRORS, Refusal } from "../../src/core/errors.ts";
import type { JsonObject, Outcome } from "../../src/core/types.ts";
import { receipt } from "../ledger/scene.ts";
import { LIMITS } from "../server/fakes.ts";
import { approver, claims, NOW, subject, trustOf } from "../support/approvals.ts";
import type { HttpAnswer } from "../support/http.ts";
import { Draft } from "./draft.ts";

interface Row {
  readonly code: ErrorCode;
  readonly cause: string;
  /** Makes the request wrong. */
  readonly request?: (draft: Draft) => void;
  /** Makes it happen before the request. The causes of later rows happen earlier. */
  readonly past?: (draft: Draft) => Promise<void>;
  /** Puts the daemon into this state when the request comes. */
  readonly present?: (draft: Draft) => void | Promise<void>;
  /** Two rows that share one cannot both be wrong. */
  readonly slot?: "nonce" | "ledger" | "outcome";
  /** Whether a request that is wrong in this way may still be the replay of a right one. */
  readonly isReplayable?: true;
}

const OTHER_DIGEST = `sha256:${"0".repeat(64)}`;

function claim(name: string, value: string | number): Pick<Row, "request"> {
  return { request: ({ claims }) => void (claims[name] = value) };
}

function spoilt(change: (approval: JsonObject) => JsonObject | undefined): Pick<Row, "request"> {
  return { request: ({ spoil }) => void spoil.push(change) };
}

function rewritten(change: (text: string) => string): Pick<Row, "request"> {
  return { request: ({ rewrite }) => void rewrite.push(change) };
}

function outcome(code: ErrorCode, cause: string, came: Outcome): Row {
  return { code, cause, slot: "outcome", present: ({ scene }) => void (scene.outcome = came) };
}

/** One space more behind the body: the claims are the same, but they are not what was signed. */
function forged(approval: JsonObject): JsonObject {
  const body = base64Decode(String(approval["payload"])) ?? new Uint8Array();
  return { ...approval, payload: base64Encode(concatBytes(body, utf8Encode(" "))) };
}

function byStranger(approval: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(approval).replaceAll("alice-1", "stranger-1"));
}

/** Stands in for a full or broken disk, which test/ledger/disk_full.test.ts is about. */
function ledgerRefuses(code: "storage_full" | "ledger_unavailable"): (draft: Draft) => void {
  return ({ scene }) => void (scene.ledger.reserve = () => Promise.reject(new Refusal(code)));
}

const TABLE: readonly Row[] = [
  // 1: who is asking, and for what
  {
    code: "peer_denied",
    cause: "a uid that the socket does not list",
    request: (draft) => draft.socket = { uids: new Set([(Deno.uid() ?? 0) + 1]) },
  },
  {
    code: "rate_limited",
    cause: "too many requests",
    request: (draft) => draft.requestsPerSecond = 0.001,
  },
  { code: "route_not_found", cause: "no such path", request: (draft) => draft.path = "/nowhere" },
  { code: "method_not_allowed", cause: "another method", request: (draft) => draft.method = "PUT" },
  {
    code: "admin_only",
    cause: "an admin route on an agent socket",
    request: (draft) => draft.path = "/admin/halt",
  },
  // 2: the bytes of the request
  {
    code: "request_too_large",
    cause: "a body above the limit",
    ...rewritten((text) => text.padEnd(LIMITS.requestBytes + 1)),
  },
  {
    code: "request_malformed",
    cause: "half a body",
    ...rewritten((text) => text.slice(0, -1)),
  },
  {
    code: "payload_not_i_json",
    cause: "a name twice in the payload",
    ...rewritten((text) => text.replace('"amount":', '"amount":0,"amount":')),
  },
  { code: "nonce_missing", cause: "no nonce", request: (draft) => draft.nonce = undefined },
  // 3: the nonce, where it is this peer's own
  {
    code: "nonce_reused",
    cause: "an own nonce of another request",
    slot: "nonce",
    past: (draft) => draft.earlier("another", "n-1"),
  },
  {
    code: "execution_in_flight",
    cause: "the replay of what still runs",
    slot: "nonce",
    past: async ({ scene }) => {
      const { promise: started, resolve } = Promise.withResolvers<void>();
      scene.onRun = () => {
        resolve();
        return new Promise(() => {});
      };
      void scene.ask(claims(), "n-1", 0, { ...subject().peer, uid: Deno.uid() ?? 0 });
      await started;
    },
  },
  // 4: the state of the daemon
  {
    code: "halted",
    cause: "an operator halted it",
    present: ({ scene }) => scene.ledger.setHalted(true, receipt("halt")),
    isReplayable: true,
  },
  {
    code: "draining",
    cause: "it is stopping",
    present: ({ scene }) => scene.engine.drain(0),
    isReplayable: true,
  },
  // 5: the action
  {
    code: "action_not_allowed",
    cause: "an action that is not on the allow-list",
    present: ({ config }) => void (config.allowedActions = new Set(["other"])),
    isReplayable: true,
  },
  {
    code: "action_unknown",
    cause: "an action that is not registered",
    request: (draft) => draft.action = "nothing",
  },
  // 6: the approval, in the order of its checks
  { code: "approval_missing", cause: "no approval", ...spoilt(() => undefined) },
  {
    code: "approval_malformed",
    cause: "another payload type",
    ...spoilt((approval) => ({ ...approval, payloadType: "text/plain" })),
  },
  { code: "approval_signer_unknown", cause: "an unknown keyid", ...spoilt(byStranger) },
  { code: "approval_signature_invalid", cause: "another body", ...spoilt(forged) },
  {
    code: "approval_not_yet_valid",
    cause: "nbf in the future",
    ...claim("nbf", NOW + 3600),
    isReplayable: true,
  },
  { code: "approval_expired", cause: "exp is now", ...claim("exp", NOW), isReplayable: true },
  { code: "approval_ttl_too_long", cause: "issued a day ago", ...claim("iat", NOW - 86_400) },
  { code: "approval_audience_mismatch", cause: "another executor", ...claim("aud", "else") },
  { code: "approval_subject_mismatch", cause: "another peer", ...claim("sub", "uid:4000000000") },
  { code: "approval_tenant_mismatch", cause: "another tenant", ...claim("tenant", "t2") },
  {
    code: "approval_action_mismatch",
    cause: "another payload",
    ...claim("action_digest", OTHER_DIGEST),
  },
  { code: "approval_nonce_mismatch", cause: "another nonce", ...claim("nonce", "n-2") },
  {
    code: "approval_handler_mismatch",
    cause: "another handler",
    ...claim("handler_digest", OTHER_DIGEST),
  },
  {
    code: "approval_scope_denied",
    cause: "an approver for other actions",
    present: ({ scene }) => {
      const actions = new Set(["other"]);
      scene.parts.trust.replace(trustOf([approver("alice", { actions })]));
    },
  },
  {
    code: "approval_key_too_weak",
    cause: "a key in a file where hardware is asked for",
    present: ({ config: { actions } }) => {
      const echo = actions.get("echo");
      if (echo) actions.set("echo", { ...echo, require: "hardware" });
    },
  },
  {
    code: "approval_signers_insufficient",
    cause: "one approver of two",
    present: ({ config: { actions } }) => {
      for (const [name, action] of actions) actions.set(name, { ...action, approvals: 2 });
    },
  },
  // 7: the action's input schema
  {
    code: "payload_invalid",
    cause: "a payload without a member it needs",
    request: (draft) => draft.payload = { amount: 12 },
  },
  // 8: room for it
  {
    code: "executor_busy",
    cause: "as much in flight as there may be",
    present: ({ config }) => void (config.limits.inFlight = 0),
    isReplayable: true,
  },
  {
    code: "executor_unavailable",
    cause: "no executor can be had",
    present: ({ scene }) => {
      scene.onAcquire = () => {
        throw new Refusal("executor_unavailable");
      };
    },
    isReplayable: true,
  },
  {
    code: "storage_full",
    cause: "a full disk",
    slot: "ledger",
    present: ledgerRefuses("storage_full"),
    isReplayable: true,
  },
  {
    code: "ledger_unavailable",
    cause: "a broken disk",
    slot: "ledger",
    present: ledgerRefuses("ledger_unavailable"),
    isReplayable: true,
  },
  // 9: inside the reservation
  {
    code: "nonce_reused",
    cause: "the nonce of another uid",
    slot: "nonce",
    past: (draft) => draft.earlier("another", "n-1", (Deno.uid() ?? 0) + 1),
  },
  {
    code: "approval_fenced",
    cause: "issued before a restore",
    past: async ({ scene }) => {
      scene.clock.pass(999); // the fence is the next second: a daemon waits for it
      await scene.restore();
      scene.clock.pass(1000);
    },
  },
  {
    code: "approval_revoked",
    cause: "withdrawn",
    past: ({ scene }) => scene.ledger.revoke("alice", "jti-1", receipt("revoke")),
  },
  {
    code: "approval_already_used",
    cause: "used under another nonce",
    past: (draft) => draft.earlier("jti-1", "n-0"),
  },
  // 10: after the reservation
  outcome("handler_failed", "it threw", { status: "failed", code: "handler_failed" }),
  outcome("result_invalid", "no JSON", { status: "succeeded", resultText: "{" }),
  outcome("handler_timed_out", "too slow", { status: "timed_out", code: "handler_timed_out" }),
  outcome("handler_crashed", "it died", { status: "crashed", code: "handler_crashed" }),
  outcome("outcome_unknown", "its process died", {
    status: "outcome_unknown",
    code: "outcome_unknown",
  }),
];

/** The row at `index`, and all later ones that can be wrong together with it. */
function wrongFrom(index: number): Row[] {
  const [first, ...later] = TABLE.slice(index);
  const taken = new Set<Row["slot"]>();
  const isReplay = first?.code === "execution_in_flight";
  return [...first === undefined ? [] : [first], ...later].filter((row) => {
    if (row.slot !== undefined && taken.has(row.slot)) return false;
    taken.add(row.slot);
    return row === first || !isReplay || row.isReplayable;
  });
}

async function answerTo(rows: readonly Row[]): Promise<{ answer: HttpAnswer; ran: number }> {
  await using draft = await Draft.begin();
  for (const row of rows.toReversed()) row.request?.(draft);
  for (const row of rows.toReversed()) await row.past?.(draft);
  for (const row of rows.toReversed()) await row.present?.(draft);
  const before = draft.scene.jobs.length;
  const answer = await draft.send();
  expect(draft.scene.bugs).toEqual([]);
  return { answer, ran: draft.scene.jobs.length - before };
}

test("a request with nothing wrong succeeds", async () => {
  const { answer, ran } = await answerTo([]);
  expect([answer.status, answer.json.status, ran]).toEqual([200, "succeeded", 1]);
});

describe("the first cause is told, whatever else is wrong:", () => {
  test.each(TABLE.map((row, index) => ({ ...row, index })))(
    "$code ($cause)",
    async ({ code, index }) => {
      const { answer, ran } = await answerTo(wrongFrom(index));
      const { status, effect, retry } = ERRORS[code];
      expect(answer.json).toMatchObject({ code, status, effect, retry });
      expect(ran).toBe(index < TABLE.findIndex(({ slot }) => slot === "outcome") ? 0 : 1);
    },
  );
});

test("the table has every code that stands in the order of core/errors.ts, in that order", () => {
  const outside = new Set<ErrorCode>([
    "execution_not_found",
    "not_resolvable",
    "internal_error",
    ...ERROR_CODES.filter(isOfProposals),
  ]);
  const told = TABLE.filter(({ cause }) => cause !== "the nonce of another uid");
  expect(told.map(({ code }) => code)).toEqual(ERROR_CODES.filter((code) => !outside.has(code)));
});

/** These are told by test/engine/proposals, since POST /execute never meets them. */
function isOfProposals(code: ErrorCode): boolean {
  return /^(?:proposal|decision)/.test(code) ||
    ["role_denied", "approval_unobtainable"].includes(code);
}
