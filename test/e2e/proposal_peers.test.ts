/** Proposals of several uids at one real daemon: room, nonces, and the uid that is nobody's. */

import { expect } from "vitest";
import { shared } from "../support/shared.ts";
import { callAs, OTHER_GID, OTHER_GROUP, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { Desk } from "./desk.ts";

const NEIGHBOUR = [3, OTHER_GID] as const;
/** What the kernel calls every uid that it cannot name. */
const NOBODY = [OTHER_UID, OTHER_GID] as const;

const LOOPS = 20;
const PROPOSALS = 500;

/** Nothing waits there before a test; the one that fills its room comes last. */
const scene = shared(() => startShared());

testAsOthers("the overflow uid stands for anybody: it neither proposes nor looks", async () => {
  const desk = await scene();
  const answers = [
    await proposeAs(NOBODY, desk, "n-1"),
    await callAs(NOBODY, at(desk), "GET", "/proposals"),
    await callAs(NOBODY, at(desk), "GET", "/proposals?nonce=n-1"),
    await callAs(NOBODY, at(desk), "GET", "/events"),
  ];
  expect(answers.map(({ status, json }) => [status, json.code])).toEqual(
    answers.map(() => [403, "peer_denied"]),
  );
  expect(await waiting(desk)).toBe(0);
});

testAsOthers(
  "a nonce belongs to its uid while it waits, and the first start takes it",
  async () => {
    const desk = await scene();
    const { id: own } = (await desk.propose("echo", { n: 1 }, { nonce: "n-1" })).json;
    const { id: other } = (await proposeAs(NEIGHBOUR, desk, "n-1")).json;
    expect(other).not.toBe(own);
    const found = await callAs(NEIGHBOUR, at(desk), "GET", "/proposals?nonce=n-1");
    expect(found.json).toMatchObject({ id: other, peer: { uid: NEIGHBOUR[0] } });
    expect((await desk.agent("GET", "/proposals?nonce=n-1")).json.id).toBe(own);
    await desk.approve(other);
    await expect.poll(async () => (await desk.shown(other)).status).toBe("succeeded");
    expect((await desk.shown(own)).status).toBe("pending");
    await desk.approve(own);
    expect((await desk.end(own)).json).toMatchObject({
      status: "refused",
      problem: { code: "nonce_reused" },
    });
    expect(await desk.audit()).toMatchObject({ code: 0 });
  },
);

testAsOthers(
  "500 looping proposals of one uid fill its room, and take none of another uid",
  async () => {
    const desk = await scene();
    const statuses = await loop((n) => desk.propose("echo", { n }).then(({ status }) => status));
    expect(statuses.filter((status) => status === 202)).toHaveLength(32);
    expect(statuses.filter((status) => status === 429)).toHaveLength(PROPOSALS - 32);
    expect(await waiting(desk)).toBe(32);
    expect((await desk.propose("echo", { n: -1 })).json.code).toBe("proposals_full");
    expect(await proposeAs(NEIGHBOUR, desk, "n-2")).toMatchObject({ status: 202 });
    expect(await waiting(desk)).toBe(33);
    expect(await desk.audit()).toMatchObject({ code: 0 });
  },
);

testAsOthers(
  "a uid that takes each one back begins per_minute of them, and another uid its own",
  async () => {
    await using desk = await startShared("per_minute = 20");
    const codes = await loop(async (n) => {
      const { json: { id, code } } = await desk.propose("echo", { n });
      return code ?? (await desk.agent("DELETE", `/proposals/${id}`)).json.status;
    });
    expect(codes.filter((code) => code === "withdrawn")).toHaveLength(20);
    expect(codes.filter((code) => code === "rate_limited")).toHaveLength(PROPOSALS - 20);
    expect(await waiting(desk)).toBe(0);
    expect(await proposeAs(NEIGHBOUR, desk, "n-1")).toMatchObject({ status: 202 });
    expect(await desk.audit()).toMatchObject({ code: 0 });
  },
);

/** A desk with a socket that other uids may use too. */
async function startShared(limits = ""): Promise<Desk> {
  const desk = await Desk.start({
    tables: (directory) =>
      `[proposals]\n${limits}
[[sockets]]
path = "${directory}/shared.sock"
mode = "0660"
group = "${OTHER_GROUP}"`,
  });
  Deno.chmodSync(desk.directory, 0o711);
  return desk;
}

function at({ directory }: Desk): string {
  return `${directory}/shared.sock`;
}

function proposeAs(who: readonly [uid: number, gid: number], desk: Desk, nonce: string) {
  const asked = { action: "echo", payload: { by: who[0] }, nonce };
  return callAs(who, at(desk), "POST", "/proposals", asked);
}

/** Does it 500 times in loops beside each other. */
async function loop<T>(act: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const loops = Array.from({ length: LOOPS }, async (_, first) => {
    for (let n = first; n < PROPOSALS; n += LOOPS) results.push(await act(n));
  });
  await Promise.all(loops);
  return results;
}

async function waiting(desk: Desk): Promise<number> {
  return (await desk.admin("GET", "/admin/status")).json.proposals.waiting;
}
