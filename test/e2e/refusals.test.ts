import { afterAll, beforeAll, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";

const alice = new Approver("alice");
const bob = new Approver("bob");
const stranger = new Approver("mallory");
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({
    config: (directory) =>
      `executor_id = "openexec:test"
tenant = "t1"
${alice.toml()}
${bob.toml('actions = ["add"]\nmax_ttl = "1m"')}
[actions.echo]
module = "builtin:echo"
[actions.add]
module = "builtin:add"
approvals = 2
[actions.hidden]
module = "builtin:echo"
[[sockets]]
path = "${directory}/agent.sock"
actions = ["echo", "add", "nowhere"]
[[sockets]]
path = "${directory}/admin.sock"
role = "admin"
`,
  });
});

afterAll(() => daemon.close());

const echo = (payload = { msg: "hello" }) => request("echo", payload);
const claims = { tenant: "t1" };
const now = () => Math.floor(Date.now() / 1000);

/** Requests that are wrong in one way, and the code each is refused with. */
const REFUSED: readonly (readonly [string, string, () => unknown])[] = [
  ["not JSON", "request_malformed", () => "{"],
  ["no object", "request_malformed", () => "[]"],
  ["an unknown member", "request_malformed", () => ({ ...echo(), more: 1 })],
  [
    "both kinds of approval",
    "request_malformed",
    () => ({ ...echo(), approval: {}, approval_artifact: {} }),
  ],
  ["a payload that is no object", "request_malformed", () => ({ ...echo(), payload: [] })],
  [
    "a duplicate key",
    "payload_not_i_json",
    () => '{"action":"echo","nonce":"n","payload":{"a":1,"\\u0061":2}}',
  ],
  ["no nonce", "nonce_missing", () => ({ action: "echo", payload: {} })],
  ["an action this socket may not ask for", "action_not_allowed", () => request("hidden", {})],
  ["an action nobody registered", "action_unknown", () => request("nowhere", {})],
  ["no approval", "approval_missing", echo],
  [
    "an approval that is no envelope",
    "approval_malformed",
    () => ({ ...echo(), approval: { payload: "" } }),
  ],
  ["a stranger's signature", "approval_signer_unknown", () => stranger.approve(echo(), claims)],
  ["a flipped signature", "approval_signature_invalid", () => {
    const approved = alice.approve(echo(), claims);
    return {
      ...approved,
      approval: {
        ...stranger.envelope("{}"),
        signatures: [{ keyid: "alice-1", sig: "AA".repeat(43) }],
      },
    };
  }],
  [
    "an approval of tomorrow",
    "approval_not_yet_valid",
    () => alice.approve(echo(), { ...claims, nbf: now() + 100 }),
  ],
  [
    "an approval of yesterday",
    "approval_expired",
    () => alice.approve(echo(), { ...claims, iat: now() - 400, exp: now() - 100 }),
  ],
  [
    "an approval for longer than the approver may",
    "approval_ttl_too_long",
    () => alice.approve(echo(), { ...claims, exp: now() + 10_000 }),
  ],
  [
    "an approval for another executor",
    "approval_audience_mismatch",
    () => alice.approve(echo(), { ...claims, aud: "openexec:other" }),
  ],
  [
    "an approval for another peer",
    "approval_subject_mismatch",
    () => alice.approve(echo(), { ...claims, sub: "uid:4000000000" }),
  ],
  [
    "an approval for another tenant",
    "approval_tenant_mismatch",
    () => alice.approve(echo(), { tenant: "t2" }),
  ],
  [
    "another payload than approved",
    "approval_action_mismatch",
    () => ({ ...alice.approve(echo(), claims), payload: {} }),
  ],
  [
    "another nonce than approved",
    "approval_nonce_mismatch",
    () => ({ ...alice.approve(echo(), claims), nonce: "other" }),
  ],
  [
    "another handler than approved",
    "approval_handler_mismatch",
    () => alice.approve(echo(), { ...claims, handler_digest: `sha256:${"0".repeat(64)}` }),
  ],
  [
    "an approver outside of their actions",
    "approval_scope_denied",
    () => bob.approve(echo(), { ...claims, exp: now() + 50 }),
  ],
  [
    "one approver where two are needed",
    "approval_signers_insufficient",
    () => alice.approve(request("add", { a: 1, b: 2 }), claims),
  ],
  ["a payload that does not fit", "payload_invalid", () => {
    const first = alice.approve(request("add", { a: "x" }), { ...claims, exp: now() + 50 });
    const body = Buffer.from(first.approval.payload, "base64").toString();
    const [one, two] = [alice.envelope(body), bob.envelope(body)];
    return {
      ...first,
      approval: { ...one, signatures: [...one.signatures, ...two.signatures] },
    };
  }],
];

test.each(REFUSED)("%s is refused with %s and starts nothing", async (_title, code, make) => {
  const answer = await call(daemon.socket, "POST", "/execute", make());
  expect(answer.json).toMatchObject({ code, effect: "none", status: answer.status });
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.json.execution).toBeUndefined();
});

test("an approval starts one execution: under a new nonce it is refused, whoever signed the rest", async () => {
  const grant = echo();
  const approved = alice.approve(grant, { ...claims, jti: "once" });
  expect((await call(daemon.socket, "POST", "/execute", approved)).status).toBe(200);
  const again = alice.approve(echo(), { ...claims, jti: "once" });
  expect((await call(daemon.socket, "POST", "/execute", again)).json).toMatchObject({
    code: "approval_already_used",
  });
});

test("a known nonce shows nothing of its execution to a request that is not its own", async () => {
  const first = alice.approve(echo(), claims);
  expect((await call(daemon.socket, "POST", "/execute", first)).status).toBe(200);
  const others = [
    { ...echo(), nonce: first.nonce },
    alice.approve({ ...echo({ msg: "other" }), nonce: first.nonce }, claims),
    alice.approve({ ...echo(), nonce: first.nonce }, { ...claims, jti: "another" }),
  ];
  for (const other of others) {
    const { json, status } = await call(daemon.socket, "POST", "/execute", other);
    expect(status).toBe(422);
    expect(json).toMatchObject({ code: "nonce_reused", effect: "none" });
    expect(json.execution).toBeUndefined();
  }
  const replay = await call(daemon.socket, "POST", "/execute", first);
  expect(replay.json).toMatchObject({ status: "succeeded", replayed: true });
});

test("every well-formed refusal leaves a receipt within a second, and a malformed one none", async () => {
  const admin = `${daemon.directory}/admin.sock`;
  const refused = echo();
  await call(daemon.socket, "POST", "/execute", JSON.stringify(refused).slice(0, -1));
  await call(daemon.socket, "POST", "/execute", refused);
  const receiptsOf = async (nonce: string) => {
    const size = Number((await call(admin, "GET", "/log/checkpoint")).text.split("\n")[1]);
    const indices = Array.from({ length: size }, (_, index) => index);
    const answers = await Promise.all(
      indices.map((index) => call(admin, "GET", `/receipts/${index}`)),
    );
    return answers.map(({ json }) =>
      JSON.parse(Buffer.from(json.attestation.payload, "base64").toString())
    )
      .filter((body) => body.nonce === nonce);
  };
  await expect.poll(() => receiptsOf(refused.nonce)).toMatchObject([
    { kind: "refusal", code: "approval_missing", action: "echo" },
  ]);
});
