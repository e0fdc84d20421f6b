/** GET /events, and requests that wait for an end. */

import http from "node:http";
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { shared } from "../support/shared.ts";
import { Desk } from "./desk.ts";

const scene = shared(() => Desk.start());

interface Told {
  readonly id: string;
  readonly proposal: string;
  readonly status: string;
}

/** A reader of event streams, with nothing of openexec's own in it. */
class Reader {
  readonly events: Told[] = [];
  isOver = false;
  #text = "";
  readonly #request: http.ClientRequest;

  constructor(socketPath: string, last?: string) {
    const headers = last === undefined ? {} : { "last-event-id": last };
    this.#request = http.get({ socketPath, path: "/events", headers }, (answer) => {
      expect(answer.headers["content-type"]).toBe("text/event-stream");
      answer.setEncoding("utf8").on("data", (text) => this.#take(text));
      answer.on("close", () => this.isOver = true);
    });
    this.#request.on("error", () => this.isOver = true);
  }

  saw(proposal: string, status: string): Promise<void> {
    return until(() => this.events.some((e) => e.proposal === proposal && e.status === status));
  }

  close(): void {
    this.#request.destroy();
  }

  #take(text: string): void {
    const parts = (this.#text + text).split("\n\n");
    this.#text = parts.pop() ?? "";
    for (const part of parts) {
      const fields = new Map(
        part.split("\n").map((line) => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon), line.slice(colon + 2)] as const;
        }),
      );
      if (fields.get("event") !== "proposal") continue;
      const data = JSON.parse(fields.get("data") ?? "{}");
      expect(Object.keys(data)).toEqual(["id", "status"]);
      this.events.push({ id: fields.get("id") ?? "", proposal: data.id, status: data.status });
    }
  }
}

test("an agent and a reviewer are told of every change, live, and of what they missed", async () => {
  await using desk = await Desk.start();
  const [agent, reviewer] = [
    new Reader(desk.socket("agent")),
    new Reader(desk.socket("review")),
  ];
  const { id } = (await desk.propose("pair", { n: 1 })).json;
  await Promise.all([agent.saw(id, "pending"), reviewer.saw(id, "pending")]);
  const last = reviewer.events.at(-1)?.id;
  reviewer.close();
  await desk.decline(id);
  await agent.saw(id, "declined");
  const next = (await desk.propose("echo", { n: 2 })).json.id;
  const back = new Reader(desk.socket("review"), last);
  await back.saw(next, "pending");
  expect(back.events.map(({ proposal, status }) => [proposal, status])).toEqual([
    [id, "declined"],
    [next, "pending"],
  ]);
  const stranger = new Reader(desk.socket("review"), "0123456789abcdef");
  await stranger.saw(next, "pending");
  expect(stranger.events).toHaveLength(1);
  await desk.daemon.stop("SIGTERM");
  await until(() => [agent, back, stranger].every(({ isOver }) => isOver));
});

test("a drain answers who waits with 202 at once, and the proposal waits on", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("echo", { n: 1 })).json;
  const waiting = desk.agent("GET", `/proposals/${id}`, undefined, { prefer: "wait=600" });
  const asked = desk.propose("echo", { n: 2 }, { nonce: "n-2" }, { prefer: "wait=600" });
  await until(async () => (await desk.agent("GET", "/proposals?nonce=n-2")).status === 202);
  await desk.daemon.stop("SIGTERM");
  expect(await waiting).toMatchObject({ status: 202, json: { status: "pending" } });
  expect(await asked).toMatchObject({ status: 202, json: { status: "pending" } });
  await desk.again();
  await desk.approve(id);
  expect((await desk.end(id)).json.status).toBe("succeeded");
});

test("a page goes through all of them, newest first, and a status narrows it", async () => {
  await using desk = await Desk.start();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift((await desk.propose("echo", { n })).json.id);
  await desk.decline(ids[1] ?? "");
  const page = async (query: string) => (await desk.review("GET", `/proposals${query}`)).json;
  const idsOf = (answer: { proposals: { id: string }[] }) => answer.proposals.map(({ id }) => id);
  const first = await page("?limit=2");
  expect(idsOf(first)).toEqual(ids.slice(0, 2));
  const second = await page(`?limit=2&cursor=${first.next}`);
  expect(idsOf(second)).toEqual(ids.slice(2, 4));
  expect(idsOf(await page("?status=declined"))).toEqual([ids[1]]);
  expect(idsOf(await page("?status=pending"))).toEqual(ids.filter((id) => id !== ids[1]));
  expect(idsOf((await desk.agent("GET", "/proposals?status=pending")).json)).toHaveLength(4);
});

test("each route names its roles, and refuses others", async () => {
  const desk = await scene();
  const { id } = (await desk.propose("echo", { n: 3 })).json;
  const denied = await Promise.all([
    desk.review("POST", "/proposals", { action: "echo" }),
    desk.review("POST", "/execute", { action: "echo" }),
    desk.review("DELETE", `/proposals/${id}`),
    desk.agent("POST", `/proposals/${id}/approvals`, {}),
    desk.agent("POST", `/proposals/${id}/decline`, {}),
    desk.admin("POST", `/proposals/${id}/approvals`, {}),
    desk.admin("POST", "/proposals", { action: "echo" }),
  ]);
  expect(denied.map(({ status, json }) => [status, json.code])).toEqual(
    denied.map(() => [403, "role_denied"]),
  );
  expect((await desk.review("GET", "/metrics")).json.code).toBe("admin_only");
  expect((await desk.admin("GET", `/proposals/${id}`)).json.status).toBe("pending");
});
