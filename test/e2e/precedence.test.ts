/** Requests that are wrong in two ways at once, at the real daemon: the cause that is decided first is the one that is told. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { actionDigest, Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";

const alice = new Approver("alice");
const bob = new Approver("bob");
const carol = new Approver("carol");
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({
    config: (directory) =>
      `executor_id = "openexec:test"
tenant = "t1"
${alice.toml()}
${bob.toml('actions = ["else"]')}
${carol.toml()}
[limits]
refusal_receipts_per_minute = 1000
[actions.add]
module = "builtin:add"
[actions.two]
module = "builtin:add"
approvals = 2
[actions.hidden]
module = "builtin:add"
[[sockets]]
path = "${directory}/agent.sock"
actions = ["add", "two", "nowhere"]
[[sockets]]
path = "${directory}/admin.sock"
role = "admin"
`,
  });
  expect((await send(USED)).status).toBe(200);
  expect((await send(draft({ claims: { jti: USED_JTI } }))).status).toBe(200);
  expect((await admin("revoke", { iss: "alice", jti: REVOKED_JTI })).status).toBe(200);
});

afterAll(() => daemon.close());

const USED_NONCE = "precedence-used";
const USED_JTI = "precedence-used";
const REVOKED_JTI = "precedence-revoked";
const USED = draft({ nonce: USED_NONCE, claims: { jti: "precedence-first" } });
const FAR_SECONDS = 20_000;

/** A request in the making: every fault changes one thing of it. */
interface Draft {
  readonly action: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly nonce: string | undefined;
  readonly approver: Approver;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly isEarly: boolean;
  readonly isLate: boolean;
  readonly isLong: boolean;
  readonly withDigest: boolean;
  /** What becomes of the signed envelope. */
  readonly distort: (approval: Envelope) => unknown;
  readonly more: Readonly<Record<string, unknown>>;
}

interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

function draft(changes: Partial<Draft> = {}): Draft {
  return {
    action: "add",
    payload: { a: 1, b: 2 },
    nonce: crypto.randomUUID(),
    approver: alice,
    claims: {},
    isEarly: false,
    isLate: false,
    isLong: false,
    withDigest: true,
    distort: (approval) => approval,
    more: {},
    ...changes,
  };
}

const claim = (name: string, value: unknown) => (d: Draft): Draft => ({
  ...d,
  claims: { ...d.claims, [name]: value },
});
const distort = (change: (approval: Envelope) => unknown) => (d: Draft): Draft => ({
  ...d,
  distort: (approval) => {
    const distorted = d.distort(approval);
    return isEnvelope(distorted) ? change(distorted) : distorted;
  },
});

function isEnvelope(value: unknown): value is Envelope {
  return typeof value === "object" && value !== null && "signatures" in value;
}

/** In the order in which they are decided; `slot` names what two faults cannot both have. */
const FAULTS: readonly { code: string; title: string; make: (d: Draft) => Draft; slot?: string }[] =
  [
    {
      code: "request_malformed",
      title: "an unknown member",
      make: (d) => ({ ...d, more: { bogus: 1 } }),
    },
    {
      code: "nonce_missing",
      title: "no nonce",
      make: (d) => ({ ...d, nonce: undefined }),
      slot: "nonce",
    },
    {
      code: "nonce_reused",
      title: "an own nonce of another request",
      make: (d) => ({ ...d, nonce: USED_NONCE }),
      slot: "nonce",
    },
    {
      code: "action_not_allowed",
      title: "an action that the socket does not list",
      make: (d) => ({ ...d, action: "hidden" }),
      slot: "action",
    },
    {
      code: "action_unknown",
      title: "an action that nobody registered",
      make: (d) => ({ ...d, action: "nowhere" }),
      slot: "action",
    },
    {
      code: "approval_missing",
      title: "no approval",
      make: (d) => ({ ...d, distort: () => null }),
    },
    {
      code: "approval_malformed",
      title: "another payload type",
      make: distort((approval) => ({ ...approval, payloadType: "text/plain" })),
    },
    {
      code: "approval_signer_unknown",
      title: "an unknown keyid",
      make: distort((approval) => ({
        ...approval,
        signatures: approval.signatures.map(({ sig }) => ({ keyid: "nobody-1", sig })),
      })),
    },
    {
      code: "approval_signature_invalid",
      title: "a signature of another key",
      make: distort((approval) => ({
        ...approval,
        signatures: approval.signatures.map(({ keyid }) => ({
          keyid,
          sig: "A".repeat(86),
        })),
      })),
    },
    { code: "approval_malformed", title: "an unknown claim", make: claim("bogus", 1) },
    {
      code: "approval_signer_unknown",
      title: "an issuer who did not sign",
      make: claim("iss", "carol"),
    },
    {
      code: "approval_not_yet_valid",
      title: "issued tomorrow",
      make: (d) => ({ ...d, isEarly: true }),
    },
    { code: "approval_expired", title: "expired", make: (d) => ({ ...d, isLate: true }) },
    {
      code: "approval_ttl_too_long",
      title: "valid for too long",
      make: (d) => ({ ...d, isLong: true }),
    },
    {
      code: "approval_audience_mismatch",
      title: "for another executor",
      make: claim("aud", "openexec:else"),
    },
    {
      code: "approval_subject_mismatch",
      title: "for another peer",
      make: claim("sub", "uid:4000000000"),
    },
    { code: "approval_tenant_mismatch", title: "for another tenant", make: claim("tenant", "t2") },
    {
      code: "approval_action_mismatch",
      title: "for another payload",
      make: (d) => ({ ...d, withDigest: false }),
    },
    {
      code: "approval_nonce_mismatch",
      title: "for another nonce",
      make: claim("nonce", "another"),
    },
    {
      code: "approval_handler_mismatch",
      title: "for another handler",
      make: claim("handler_digest", `sha256:${"0".repeat(64)}`),
    },
    {
      code: "approval_scope_denied",
      title: "by one who may not approve it",
      make: (d) => ({ ...d, approver: bob }),
    },
    {
      code: "approval_signers_insufficient",
      title: "one approver of two",
      make: (d) => ({ ...d, action: "two" }),
      slot: "action",
    },
    {
      code: "payload_invalid",
      title: "a payload that does not fit",
      make: (d) => ({ ...d, payload: { a: "x" } }),
    },
    {
      code: "approval_revoked",
      title: "a revoked approval",
      make: claim("jti", REVOKED_JTI),
      slot: "jti",
    },
    {
      code: "approval_already_used",
      title: "a used approval",
      make: claim("jti", USED_JTI),
      slot: "jti",
    },
  ];

/** What is decided before the state of the daemon. */
const BEFORE_HALTED = new Set(["request_malformed", "nonce_missing", "nonce_reused"]);

function send({ action, payload, nonce, approver, claims, more, ...d }: Draft) {
  const now = Math.floor(Date.now() / 1000);
  const iat = d.isEarly ? now + 100 : d.isLate ? now - (d.isLong ? FAR_SECONDS : 200) : now;
  const exp = d.isLate ? now - 100 : d.isLong ? now + FAR_SECONDS : now + 200;
  const approved = approver.approve(request(action, payload, nonce ?? "absent"), {
    tenant: "t1",
    iat,
    exp,
    action_digest: actionDigest(action, d.withDigest ? payload : { a: 2, b: 3 }),
    ...claims,
  });
  const approval = isEnvelope(approved.approval) ? d.distort(approved.approval) : null;
  const body = { action, payload, ...(nonce === undefined ? {} : { nonce }), approval, ...more };
  return call(daemon.socket, "POST", "/execute", body);
}

function admin(act: string, body: unknown = {}) {
  return call(`${daemon.directory}/admin.sock`, "POST", `/admin/${act}`, body);
}

const PAIRS = FAULTS.flatMap((first, i) =>
  FAULTS.slice(i + 1).flatMap((second) =>
    first.slot !== undefined && first.slot === second.slot ? [] : [{ first, second }]
  )
);

test.each(FAULTS)("$code: $title", async ({ code, make }) => {
  const { json, status } = await send(make(draft()));
  expect(json).toMatchObject({ code, status, effect: "none" });
});

test.each(PAIRS)(
  "$first.code ($first.title) before $second.code ($second.title)",
  async ({ first, second }) => {
    const { json } = await send(first.make(second.make(draft())));
    expect(json.code).toBe(first.code);
  },
);

test("halted comes after what is wrong with the request itself and its own nonce, and before all else", async () => {
  expect((await admin("halt")).status).toBe(200);
  try {
    for (const { code, make } of FAULTS) {
      const { json } = await send(make(draft()));
      expect(json.code).toBe(BEFORE_HALTED.has(code) ? code : "halted");
    }
    expect((await send(draft())).json).toMatchObject({
      code: "halted",
      effect: "none",
      retry: "same_request",
    });
  } finally {
    expect((await admin("resume")).status).toBe(200);
  }
});

/**
 * What a request may differ in and still be the replay of the one that ran: time, and whatever its approver signed anew under
 * the same (iss, jti), which is what makes it the same approval.
 */
const REPLAYED = new Set(["approval_not_yet_valid", "approval_expired", "payload_invalid"]);

test("under an own nonce there is the replay of what was approved, or nonce_reused", async () => {
  const afterNonce = FAULTS.slice(FAULTS.findIndex(({ code }) => code === "nonce_reused") + 1);
  for (const { code, make } of afterNonce) {
    const { json, status } = await send(make(USED));
    if (REPLAYED.has(code)) expect([status, json.replayed]).toEqual([200, true]);
    else expect([status, json.code, json.execution]).toEqual([422, "nonce_reused", undefined]);
  }
});
