/** Proposals on a real daemon under haste: who leaves early, and what starts as soon as it can. */

import { expect, test } from "vitest";
import { rawExchange } from "../support/raw_http.ts";
import { until } from "../support/until.ts";
import { Desk } from "./desk.ts";

test("who floods a connection that waits loses it, and the daemon answers others", async () => {
  await using desk = await Desk.start();
  const { id } = (await desk.propose("echo", { n: 1 })).json;
  const wait = `GET /proposals/${id} HTTP/1.1\r\nHost: x\r\nPrefer: wait=600\r\n\r\n`;
  const flood = wait + "GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
  for (const path of [desk.socket("agent"), desk.socket("review")]) {
    expect(await rawExchange(path, flood)).toEqual({ answers: [], closed: true });
    expect((await desk.admin("GET", "/health")).status).toBe(200);
  }
  expect((await desk.shown(id)).status).toBe("pending");
});

test("a body that lacks signatures takes no place from one that has all of them", async () => {
  const desk = await Desk.start({ tables: "[limits]\nin_flight = 1" });
  await using _ = desk;
  const held = (await desk.propose("hold", desk.held("held"))).json.id;
  await desk.approve(held);
  await desk.started("held");
  const { id } = (await desk.propose("pair", { n: 1 })).json;
  const shown = await desk.shown(id);
  const body = desk.alice.consent(shown);
  await desk.sign(id, body);
  const both = desk.bob.envelope(Buffer.from(body.payload, "base64").toString());
  const signed = await desk.sign(id, {
    ...body,
    signatures: [...body.signatures, ...both.signatures],
  });
  expect(signed.json.status).toBe("approved");
  expect((await desk.sign(id, desk.bob.consent(shown))).json.status).toBe("approved");
  desk.letGo("held");
  expect((await desk.end(id)).json.status).toBe("succeeded");
});

test("room that comes while a signature arrives is not missed", async () => {
  await using desk = await Desk.start({ concurrency: 1 });
  for (let round = 0; round < 15; round++) {
    const [first, second] = [`first-${round}`, `second-${round}`];
    const one = (await desk.propose("hold", desk.held(first))).json.id;
    const two = (await desk.propose("hold", { ...desk.held(second), how: "end" })).json.id;
    const consent = desk.alice.consent(await desk.shown(two));
    await desk.approve(one);
    await desk.started(first);
    desk.letGo(first);
    await desk.sign(two, consent);
    await until(async () => (await desk.end(two)).json.status === "succeeded");
  }
});
