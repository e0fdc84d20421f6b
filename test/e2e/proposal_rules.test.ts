/** The rules of proposals, each on a real daemon, and the audit of what they leave. */

import { expect, test } from "vitest";
import { Approver } from "../support/approver.ts";
import { until } from "../support/until.ts";
import { shared } from "../support/shared.ts";
import { Desk } from "./desk.ts";

const past = new Approver("past");
/** `hold` has one slot, and `three` more approvers than there are. */
const scene = shared(() =>
  Desk.start({
    concurrency: 1,
    tables: `[[approvers]]
name = "past"
keys = [{ keyid = "past-1", public_key = "${past.publicKey}", not_after = 2020-01-01T00:00:00Z }]
[actions.three]
module = "builtin:echo"
approvals = 3`,
  })
);

test("an approval of a proposal names its nonce, its proposer and the handler that was shown", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("echo", { n: 1 })).json;
  const codes: string[] = [];
  for (
    const claims of [
      { nonce: "another" },
      { nonce: undefined, uses: 2 },
      { sub: undefined },
      { sub: "uid:4242" },
      { sub: "socket:agent.sock" },
      { handler_digest: undefined },
      { handler_digest: `sha256:${"0".repeat(64)}` },
      { action_digest: `sha256:${"0".repeat(64)}` },
      { aud: "openexec:other" },
      { exp: Math.floor(Date.now() / 1000) + 86_400 },
    ]
  ) {
    codes.push((await desk.approve(id, desk.alice, claims)).json.code);
  }
  expect(codes).toEqual([
    "approval_nonce_mismatch",
    "approval_nonce_mismatch",
    "approval_subject_mismatch",
    "approval_subject_mismatch",
    "approval_subject_mismatch",
    "approval_handler_mismatch",
    "approval_handler_mismatch",
    "approval_action_mismatch",
    "approval_audience_mismatch",
    "approval_ttl_too_long",
  ]);
  expect((await desk.shown(id)).approvals.given).toEqual([]);
  await desk.approve(id);
  expect((await desk.end(id)).json.status).toBe("succeeded");
});

test("what was collected cannot start anything after the end, and the audit agrees", async () => {
  const desk = await scene();
  const { id, nonce } = (await desk.propose("pair", { n: 1 })).json;
  await desk.approve(id);
  const [body] = (await desk.shown(id)).approval;
  const bobs = desk.bob.envelope(Buffer.from(body.payload, "base64").toString());
  const approval = { ...body, signatures: [...body.signatures, ...bobs.signatures] };
  await desk.decline(id);
  const asked = { action: "pair", payload: { n: 1 }, nonce, approval };
  expect((await desk.agent("POST", "/execute", asked)).json.code).toBe("nonce_reused");
  const { executions } = (await desk.admin("GET", "/executions")).json;
  expect(executions.filter(({ action }: { action: string }) => action === "pair")).toEqual([]);
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

test("a signature leaves when it is revoked, runs out, or is not trusted any more", async () => {
  const desk = await scene();
  const given = async (id: string) =>
    (await desk.shown(id)).approvals.given.map(({ name }: { name: string }) => name);
  const propose = async () => (await desk.propose("pair", { n: Math.random() })).json.id;

  const revoked = await propose();
  await desk.approve(revoked);
  const [{ iss, jti }] = (await desk.shown(revoked)).approvals.given;
  await desk.admin("POST", "/admin/revoke", { iss, jti });
  expect(await given(revoked)).toEqual([]);

  const short = await propose();
  await desk.approve(short, desk.alice, { exp: Math.floor(Date.now() / 1000) + 1 });
  await until(async () => (await given(short)).length === 0);
  expect((await desk.shown(short)).status).toBe("pending");

  const trusted = await propose();
  await desk.approve(trusted);
  await desk.approve(trusted, desk.bob);
  expect(await given(trusted)).toEqual(["alice", "bob"]);
  desk.reload([desk.bob, desk.carol]);
  await until(async () => (await given(trusted)).length === 1);
  expect(await given(trusted)).toEqual(["bob"]);
  const reloads = () => desk.daemon.output.filter((line) => line.includes("trust store reloaded"));
  desk.reload([desk.alice, desk.bob, desk.carol]);
  await until(() => reloads().length === 2);

  const narrowed = await propose();
  await desk.approve(narrowed);
  await desk.approve(narrowed, desk.bob);
  const elsewhere = { toml: () => desk.alice.toml('actions = ["echo"]\nmax_ttl = "15m"') };
  desk.reload([elsewhere, desk.bob, desk.carol]);
  await until(() => reloads().length === 3);
  expect(await given(narrowed)).toEqual(["bob"]);
  desk.reload([desk.alice, desk.bob]); // the tests after this one trust both again
  await until(() => reloads().length === 4);
});

test("without a slot the last signature waits its turn, before what comes later", async () => {
  const desk = await scene();
  const propose = async (label: string) => (await desk.propose("hold", desk.held(label))).json.id;
  const [one, two, three] = [await propose("one"), await propose("two"), await propose("three")];
  await desk.approve(one);
  await desk.started("one");
  expect((await desk.approve(two)).json.status).toBe("approved");
  expect((await desk.approve(three)).json.status).toBe("approved");
  desk.letGo("one");
  expect((await desk.end(one)).json.status).toBe("succeeded");
  await desk.started("two");
  expect(desk.starts("three")).toBe(0);
  desk.letGo("two");
  await desk.started("three");
  desk.letGo("three");
  expect((await desk.end(three)).json.status).toBe("succeeded");
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

test("one that waits for a slot can be taken back, and then keeps nobody from it", async () => {
  const desk = await scene();
  const propose = async (label: string) => (await desk.propose("hold", desk.held(label))).json.id;
  const [one, two] = [await propose("four"), await propose("five")];
  await desk.approve(one);
  await desk.started("four");
  await desk.approve(two);
  expect((await desk.agent("DELETE", `/proposals/${two}`)).json.status).toBe("withdrawn");
  desk.letGo("four");
  await desk.end(one);
  const payload = { ...desk.held("six"), how: "end" };
  const approved = desk.alice.approve({ action: "hold", payload, nonce: "n-6" });
  expect((await desk.agent("POST", "/execute", approved)).json.status).toBe("succeeded");
  expect(desk.starts("five")).toBe(0);
});

test("halted, nothing is proposed or approved, a decline is taken, and what is approved starts after it", async () => {
  const desk = await scene();
  const [one, two] = [
    (await desk.propose("hold", desk.held("seven"))).json.id,
    (await desk.propose("hold", desk.held("eight"))).json.id,
  ];
  const declined = (await desk.propose("echo", { n: 3 }, { nonce: "n-halted" })).json.id;
  await desk.approve(one);
  await desk.started("seven");
  await desk.approve(two);
  await desk.admin("POST", "/admin/halt");
  expect((await desk.propose("echo", { n: 2 })).json.code).toBe("halted");
  expect((await desk.propose("echo", { n: 3 }, { nonce: "n-halted" })).json.id).toBe(declined);
  expect((await desk.approve(declined)).json.code).toBe("halted");
  expect((await desk.decline(declined)).json.status).toBe("declined");
  desk.letGo("seven");
  expect((await desk.end(one)).json.status).toBe("succeeded");
  expect((await desk.shown(two)).status).toBe("approved");
  await desk.again("SIGKILL");
  expect((await desk.shown(two)).status).toBe("approved");
  await desk.admin("POST", "/admin/resume");
  await desk.started("eight");
  desk.letGo("eight");
  expect((await desk.end(two)).json.status).toBe("succeeded");
});

test("it expires, and its receipt says so", async () => {
  await using desk = await Desk.start({ tables: '[proposals]\nexpires = "1s"' });
  const { id } = (await desk.propose("echo", { n: 1 })).json;
  const ended = await desk.end(id);
  expect(ended.json).toMatchObject({
    status: "expired",
    problem: { code: "proposal_expired", effect: "none", retry: "new_approval" },
  });
  const receipt = (await desk.agent("GET", `/receipts/${ended.json.log_index}`)).json;
  const body = JSON.parse(Buffer.from(receipt.attestation.payload, "base64").toString());
  expect(body).toMatchObject({ kind: "decision", decision: "expired", proposal: id });
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

test("one uid cannot have more than its room, and begins only so many in a minute", async () => {
  await using desk = await Desk.start({ tables: "[proposals]\nper_uid = 3\nper_minute = 5" });
  const codes = [];
  for (let n = 0; n < 4; n++) codes.push((await desk.propose("echo", { n })).json);
  expect(codes.map(({ status }) => status)).toEqual(["pending", "pending", "pending", 429]);
  expect(codes[3].code).toBe("proposals_full");
  for (const { id } of codes.slice(0, 3)) await desk.agent("DELETE", `/proposals/${id}`);
  for (let n = 4; n < 6; n++) expect((await desk.propose("echo", { n })).status).toBe(202);
  expect((await desk.propose("echo", { n: 7 })).json.code).toBe("rate_limited");
});

test("what could never run is refused at once", async () => {
  const desk = await scene();
  const codes = [];
  codes.push((await desk.propose("three")).json.code);
  codes.push((await desk.propose("nothing")).json.code);
  codes.push((await desk.propose("add", { a: "x" })).json.code);
  codes.push((await desk.agent("POST", "/proposals", { action: "echo", approval: {} })).json.code);
  codes.push((await desk.agent("POST", "/proposals", { action: "echo", reason: 5 })).json.code);
  expect(codes).toEqual([
    "approval_unobtainable",
    "action_unknown",
    "payload_invalid",
    "request_malformed",
    "request_malformed",
  ]);
});

test("a decision is checked in its order, and needs exactly one signature", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("echo", { n: 4 })).json;
  const shown = await desk.shown(id);
  const other = (await desk.propose("echo", { n: 5 })).json.id;
  const good = desk.alice.decline(shown);
  const now = Math.floor(Date.now() / 1000);
  const post = async (body: unknown) =>
    (await desk.review("POST", `/proposals/${id}/decline`, body)).json.code;
  expect([
    await post({}),
    await post(desk.alice.consent(shown)),
    await post({ ...good, signatures: [...good.signatures, ...good.signatures] }),
    await post(desk.alice.decline(shown, "x".repeat(501))),
    await post(desk.carol.decline(shown)),
    await post({ ...desk.bob.decline(shown), signatures: good.signatures }),
    await post(desk.alice.decline(shown, "no", { iss: "bob" })),
    await post(desk.alice.decline(shown, "no", { iat: now + 60 })),
    await post(desk.alice.decline(shown, "no", { iat: now - 60 })),
    await post(desk.alice.decline(shown, "no", { aud: "openexec:other" })),
    await post(desk.alice.decline(shown, "no", { tenant: "t1" })),
    await post(desk.alice.decline(shown, "no", { proposal: other })),
  ]).toEqual([
    "decision_malformed",
    "decision_malformed",
    "decision_malformed",
    "decision_malformed",
    "approval_signer_unknown",
    "approval_signature_invalid",
    "approval_signer_unknown",
    "approval_not_yet_valid",
    "approval_expired",
    "approval_audience_mismatch",
    "approval_tenant_mismatch",
    "approval_action_mismatch",
  ]);
  expect((await desk.shown(id)).status).toBe("pending");
});

test("what was asked before stands beside it with its outcome, and a decline answers again after a restart", async () => {
  const desk = await scene();
  const ran = (await desk.propose("echo", { n: 6 })).json.id;
  await desk.approve(ran);
  await desk.end(ran);
  const executed = desk.alice.approve({ action: "echo", payload: { n: 6 }, nonce: "n-direct" });
  const { id: direct } = (await desk.agent("POST", "/execute", executed)).json;
  const declined = (await desk.propose("echo", { n: 7 })).json.id;
  await desk.decline(declined);
  const again = (await desk.propose("echo", { n: 6 })).json.id;
  const similar = async () => (await desk.shown(again)).similar;
  expect((await similar()).map(({ id, status }: { id: string; status: string }) => [id, status]))
    .toEqual([[direct, "succeeded"], [ran, "succeeded"]]);
  await desk.again("SIGKILL");
  await until(async () => (await similar()).length === 2);
  expect((await desk.propose("echo", { n: 7 })).json.code).toBe("proposal_declined");
});

test("in demo mode a proposal runs at once", async () => {
  await using desk = await Desk.start({ top: 'mode = "demo"' });
  const { status, json } = await desk.propose("echo", { n: 1 });
  expect([status, json.status, json.execution.result]).toEqual([200, "succeeded", { n: 1 }]);
  expect((await desk.agent("GET", `/proposals/${json.id}`)).json.status).toBe("succeeded");
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

/** Tells a command what waits; later other handlers take its place, and then a copy its state. */
const changing = shared(() =>
  Desk.start({
    tables: (directory) => {
      const script = `#!/bin/sh\nexport -p > ${directory}/env\ncat >> ${directory}/told\n`;
      Deno.writeTextFileSync(`${directory}/notify`, script, { mode: 0o755 });
      return `[notify]\ncommand = ["${directory}/notify"]`;
    },
  })
);

test("the command for notices is told what waits, and nothing of what it says", async () => {
  const desk = await changing();
  const { id, expires_at } = (await desk.propose("echo", { n: 1 }, { reason: "please" })).json;
  await desk.propose("echo", { n: 1 });
  const read = (name: string) => {
    try {
      return Deno.readTextFileSync(`${desk.directory}/${name}`);
    } catch {
      return "";
    }
  };
  await until(() => read("told").endsWith("\n"));
  expect(read("told")).toBe(
    `${JSON.stringify({ id, action: "echo", expires_at, waiting: 1 })}\n`,
  );
  expect(read("env")).not.toMatch(/HOME|OPENEXEC/);
});

test("a changed handler drops every signature, and an action that is gone ends it as refused", async () => {
  const desk = await changing();
  const changed = (await desk.propose("pair", { n: 1 })).json.id;
  const gone = (await desk.propose("add", { a: 1, b: 2 })).json.id;
  await desk.approve(changed);
  await desk.again("SIGTERM", { without: ["add"], pairApprovals: 3 });
  expect(await desk.shown(changed)).toMatchObject({ status: "pending", approvals: { given: [] } });
  expect((await desk.end(gone)).json).toMatchObject({
    status: "refused",
    problem: { code: "action_unknown" },
  });
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

test("a restore ends what the copy has waiting, and the next daemon says so in the log", async () => {
  const desk = await changing();
  const { id } = (await desk.propose("pair", { n: 1 }, { nonce: "n-1" })).json;
  await desk.approve(id);
  await desk.restore();
  const ended = (await desk.end(id)).json;
  expect(ended).toMatchObject({
    status: "refused",
    payload: null,
    problem: { code: "approval_fenced", effect: "unknown", retry: "never" },
  });
  expect(ended.problem.detail).toContain("may have run");
  expect(typeof ended.log_index).toBe("number");
  expect((await desk.propose("pair", { n: 1 }, { nonce: "n-1" })).json).toMatchObject({
    code: "nonce_reused",
    detail: ended.problem.detail,
  });
  expect(await desk.audit()).toMatchObject({ code: 0 });
});
