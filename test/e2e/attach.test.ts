/** A call whose answer was lost finds its proposal again, and runs nothing twice. */

import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Desk } from "./desk.ts";

const CLIENT = { client: "agent-1" };

let desk: Desk;
beforeAll(async () => {
  desk = await Desk.start();
});
afterAll(() => desk[Symbol.asyncDispose]());

/** A connection that is kept: a live call of a client. */
class Line implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  post(path: string, body: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
    return new Promise((resolve, reject) => {
      const text = JSON.stringify(body);
      const headers = { "content-type": "application/json", "content-length": text.length };
      const options = { agent: this.#agent, socketPath: desk.socket("agent") };
      request({ ...options, method: "POST", path, headers }, async (response) => {
        let answer = "";
        for await (const chunk of response) answer += chunk;
        resolve({ status: response.statusCode ?? 0, json: JSON.parse(answer) });
      }).on("error", reject).end(text);
    });
  }

  async propose(payload: unknown, action = "echo", client: object = CLIENT) {
    return (await this.post("/proposals", { action, payload, ...client })).json;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Proposes on a connection that ends at once. */
async function once(payload: unknown, action = "echo", client: object = CLIENT) {
  using line = new Line();
  return await line.propose(payload, action, client);
}

test("the same call of the same client attaches, whatever the order of its members", async () => {
  const { id } = await once({ a: 1, b: 2 });
  expect(await once({ b: 2, a: 1 })).toMatchObject({
    id,
    client: "agent-1",
    delivered: false,
  });
});

test.each([
  ["another client", { a: 1 }, "echo", { client: "agent-2" }],
  ["no client", { a: 1 }, "echo", {}],
  ["other arguments", { a: 2 }, "echo", CLIENT],
  ["another action", { a: 1 }, "pair", CLIENT],
  ["a nonce of its own", { a: 1 }, "echo", { ...CLIENT, nonce: "n-1" }],
])("a call with %s proposes", async (_what, payload, action, client) => {
  const { id } = await once({ a: 1 });
  expect((await once(payload, action, client))["id"]).not.toBe(id);
});

test("two calls under way at once are two, and each is found again", async () => {
  const first = new Line();
  using second = new Line();
  const a = await first.propose({ n: 2 });
  const b = await second.propose({ n: 2 });
  expect(b["id"]).not.toBe(a["id"]);
  first[Symbol.dispose]();
  await expect.poll(async () => (await once({ n: 2 }))["id"]).toBe(a["id"]);
  expect((await second.propose({ n: 2 }))["id"]).toBe(a["id"]);
});

test("who holds a proposal by its id keeps others from it until the connection ends", async () => {
  const { id } = await once({ n: 3 });
  const holder = new Line();
  await holder.post(`/proposals/${String(id)}/hold`, {});
  expect((await once({ n: 3 }))["id"]).not.toBe(id);
  holder[Symbol.dispose]();
  await expect.poll(async () => (await once({ n: 3 }))["id"]).toBe(id);
});

test("an end is found until it was delivered, also by a daemon that was killed meanwhile", async () => {
  const payload = desk.held("charge");
  const { id } = await once(payload, "hold");
  await desk.approve(String(id));
  await desk.started("charge");
  desk.letGo("charge");
  await desk.end(String(id));
  await desk.again();
  expect(await once(payload, "hold")).toMatchObject({ id, status: "succeeded" });
  expect((await desk.agent("POST", `/proposals/${id}/delivered`, {})).json).toMatchObject({
    delivered: true,
  });
  await desk.again();
  expect((await desk.agent("GET", `/proposals/${id}`)).json.delivered).toBe(true);
  expect((await once(payload, "hold"))["id"]).not.toBe(id);
  expect(desk.starts("charge")).toBe(1);
});

test("nothing is delivered before its end", async () => {
  const { id } = await once({ n: 4 });
  expect(await desk.agent("POST", `/proposals/${id}/delivered`, {})).toMatchObject({
    status: 202,
    json: { delivered: false },
  });
  expect((await once({ n: 4 }))["id"]).toBe(id);
});

test("nobody holds or delivers what another proposed", async () => {
  const unknown = "019aab00-0000-7000-8000-000000000001";
  for (const route of ["hold", "delivered"]) {
    const answer = await desk.agent("POST", `/proposals/${unknown}/${route}`, {});
    expect(answer.json.code).toBe("proposal_not_found");
    const { id } = await once({ n: route });
    const reviewer = await desk.review("POST", `/proposals/${id}/${route}`, {});
    expect(reviewer.json.code).toBe("role_denied");
  }
});
