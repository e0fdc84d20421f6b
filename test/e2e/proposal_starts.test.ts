/** Proposals on a real daemon under haste: who leaves early, and what starts as soon as it can. */

import { expect, test } from "vitest";
import { shared } from "../support/shared.ts";
import { until } from "../support/until.ts";
import { Desk } from "./desk.ts";

const scene = shared(() => Desk.start({ concurrency: 1 }));

test("who floods a connection that waits loses it, and the daemon answers others", async () => {
  const desk = await scene();
  const connection = await Deno.connect({ transport: "unix", path: desk.socket("agent") });
  const send = (text: string) => connection.write(new TextEncoder().encode(text));
  const body = '{"action":"echo","payload":{}}';
  const head = `POST /proposals HTTP/1.1\r\nHost: x\r\nPrefer: wait=600\r\n`;
  await send(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  const waiting = async () => (await desk.admin("GET", "/proposals")).json.proposals;
  await until(async () => (await waiting()).length === 1);
  await send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20));
  expect(await connection.read(new Uint8Array(1)).catch(() => null)).toBe(null);
  expect((await desk.admin("GET", "/health")).status).toBe(200);
  expect(await waiting()).toMatchObject([{ status: "pending" }]);
  connection.close();
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
  const desk = await scene();
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
