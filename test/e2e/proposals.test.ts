/** Proposals on a real daemon: asked now, decided later, ended once. */

import { expect, test } from "vitest";
import { Approver } from "../support/approver.ts";
import { shared } from "../support/shared.ts";
import { Desk } from "./desk.ts";

const scene = shared(() => Desk.start());

test("a proposal waits, an approver signs, and the agent that waits gets the result", async () => {
  const desk = await scene();
  const proposed = await desk.propose("echo", { msg: "hello" }, { reason: "asked to" });
  expect(proposed).toMatchObject({ status: 202, json: { status: "pending", reason: "asked to" } });
  const { id, nonce } = proposed.json;
  expect(nonce).toBe(id);
  const waiting = desk.end(id);
  const approved = await desk.approve(id);
  expect([200, 202]).toContain(approved.status);
  const ended = await waiting;
  expect(ended).toMatchObject({
    status: 200,
    json: {
      id,
      status: "succeeded",
      payload: { msg: "hello" },
      reason: "asked to",
      approvals: { needed: 1, given: [{ name: "alice", keyid: "alice-1", kind: "ed25519" }] },
      execution: { id, action: "echo", status: "succeeded", result: { msg: "hello" } },
    },
  });
  expect((await desk.agent("GET", `/executions/${id}`)).json.status).toBe("succeeded");
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

test("two approvers sign one body, and the last signature starts it", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("pair", { n: 1 })).json;
  const first = await desk.approve(id);
  expect(first).toMatchObject({ status: 202, json: { status: "pending" } });
  expect(first.json.approvals.given).toHaveLength(1);
  const [body] = (await desk.shown(id)).approval;
  const both = desk.bob.envelope(Buffer.from(body.payload, "base64").toString());
  expect((await desk.sign(id, both)).status).toBeLessThan(300);
  expect((await desk.end(id)).json).toMatchObject({
    status: "succeeded",
    approvals: { needed: 2, given: [{ name: "alice" }, { name: "bob" }] },
  });
});

test("at most eight bodies are open, one of each approver, and the first complete one runs", async () => {
  const more = Array.from({ length: 7 }, (_, n) => new Approver(`approver-${n}`));
  await using desk = await Desk.start({ tables: more.map((one) => one.toml()).join("") });
  const { id } = (await desk.propose("pair", { n: 1 })).json;
  const [ninth = desk.carol, ...six] = more;
  const eight = [desk.alice, desk.bob, ...six];
  for (const one of eight) expect((await desk.approve(id, one)).status).toBe(202);
  const open = async () =>
    (await desk.shown(id)).approvals.given.map(({ iss }: { iss: string }) => iss);
  const names = eight.map(({ name }) => name);
  expect(await open()).toEqual(names);
  expect((await desk.approve(id, ninth)).json.code).toBe("proposals_full");
  expect(await open()).toEqual(names);
  const [{ jti }] = (await desk.shown(id)).approvals.given;
  expect((await desk.approve(id)).status).toBe(202);
  expect(await open()).toEqual(names);
  expect((await desk.shown(id)).approvals.given[0].jti).not.toBe(jti);
  const [, bobs] = (await desk.shown(id)).approval;
  await desk.sign(id, ninth.envelope(Buffer.from(bobs.payload, "base64").toString()));
  expect((await desk.end(id)).json).toMatchObject({
    status: "succeeded",
    approvals: { given: [{ name: "bob" }, { name: ninth.name }] },
  });
  expect(await desk.audit()).toMatchObject({ code: 0 });
});

test("a decline ends it, and its reason reaches the agent with retry never", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("echo", { msg: "friday" })).json;
  const waiting = desk.end(id);
  const declined = await desk.decline(id, "not on a Friday");
  expect(declined).toMatchObject({ status: 200, json: { status: "declined" } });
  expect((await waiting).json).toMatchObject({
    status: "declined",
    decline: { by: "alice", reason: "not on a Friday" },
    problem: { code: "proposal_declined", effect: "none", retry: "never" },
  });
  expect((await desk.approve(id)).json).toMatchObject({ code: "proposal_over", status: 409 });
  expect((await desk.propose("echo", { msg: "friday" })).json).toMatchObject({
    code: "proposal_declined",
    status: 403,
  });
});

test("its proposer may withdraw it, and nobody else's agent sees it", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("echo", { msg: "x" }, { nonce: "n-1" })).json;
  expect((await desk.agent("GET", "/proposals?nonce=n-1")).json.id).toBe(id);
  for (const reader of [desk.review, desk.admin]) {
    const page = (await reader.call(desk, "GET", "/proposals?nonce=n-1")).json;
    expect(page.proposals).toMatchObject([{ id }]);
    expect((await reader.call(desk, "GET", "/proposals?nonce=n-2")).json.proposals).toEqual([]);
  }
  expect((await desk.agent("DELETE", `/proposals/${id}`)).json).toMatchObject({
    status: "withdrawn",
    problem: { code: "proposal_withdrawn" },
  });
  expect((await desk.agent("DELETE", `/proposals/${id}`)).json.code).toBe("proposal_over");
  expect((await desk.propose("echo", { msg: "y" }, { nonce: "n-1" })).json.code).toBe(
    "nonce_reused",
  );
  expect((await desk.propose("echo", { msg: "x" }, { nonce: "n-1" })).json.status).toBe(
    "withdrawn",
  );
});

test("a proposal outlives SIGKILL, and so does a signature that is not enough", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("pair", { n: 2 }, { nonce: "n-2" })).json;
  await desk.approve(id);
  await desk.again();
  const shown = await desk.shown(id);
  expect(shown).toMatchObject({ status: "pending", approvals: { given: [{ name: "alice" }] } });
  const again = await desk.propose("pair", { n: 2 }, { nonce: "n-2" });
  expect(again).toMatchObject({ status: 202, json: { id } });
  const body = Buffer.from(shown.approval[0].payload, "base64").toString();
  await desk.sign(id, desk.bob.envelope(body));
  expect((await desk.end(id)).json.status).toBe("succeeded");
  expect(await desk.audit()).toMatchObject({ code: 0 });
});
