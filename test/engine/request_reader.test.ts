import { Buffer } from "node:buffer";
import { afterEach, expect, test } from "vitest";
import { utf8Encode } from "../../src/core/bytes.ts";
import { EXECUTE_MEMBERS } from "../../src/core/limits.ts";
import { readRequest } from "../../src/engine/request.ts";
import { RequestReader, SMALL_BODY_BYTES } from "../../src/engine/request_reader.ts";
import { Refusal } from "../../src/core/errors.ts";
import { isLegacyReceipt, legacyReceiptOf, readResult } from "../../src/engine/result.ts";

const reader = new RequestReader();
afterEach(() => reader.close());

async function rejectionOf(reading: Promise<unknown>): Promise<string> {
  return await reading.then(() => "ok", (e) => e instanceof Refusal ? e.code : "failed");
}

const by = (uid: number) => ({ peer: { uid, gid: 1, pid: 1, socket: "agent.sock" } });

const LARGE = SMALL_BODY_BYTES + 1;

/** A body of `action` with a payload that goes to the thread. */
function largeBody(action: string, more = ""): Uint8Array {
  const payload = `{"text":"${"x".repeat(LARGE)}","b":1.0,"a":2${more}}`;
  return utf8Encode(`{"payload":${payload},"action":"${action}","nonce":"n-1"}`);
}

test("a large body is read as a small one is", async () => {
  const asSmall = readRequest(largeBody("echo"), EXECUTE_MEMBERS);
  const body = largeBody("echo");
  expect(await reader.read(body, EXECUTE_MEMBERS, by(1))).toEqual(asSmall);
  expect(body.length).toBe(0); // it went over without a copy
  const part = new Uint8Array([0, ...largeBody("echo")]).subarray(1);
  expect(await reader.read(part, EXECUTE_MEMBERS, by(1))).toEqual(asSmall);
  expect(part.length).toBe(largeBody("echo").length); // the rest of its buffer stays
});

test("a large body leaves alone what lies beside it in a Buffer", async () => {
  const body = largeBody("echo");
  const both = Buffer.concat([body, Buffer.from("another's")]);
  const reading = reader.read(both.subarray(0, body.length), EXECUTE_MEMBERS, by(1));
  expect(both.subarray(body.length).toString()).toBe("another's");
  expect(await reading).toEqual(readRequest(body, EXECUTE_MEMBERS));
});

test.each([
  ["payload_not_i_json", largeBody("echo", ',"a":3')],
  ["request_malformed", largeBody("echo", ",")],
  ["request_malformed", largeBody("no name")],
])("a large body is refused as %s", async (code, body) => {
  expect(await rejectionOf(reader.read(body, EXECUTE_MEMBERS, by(1)))).toBe(code);
});

test("a uid with many large bodies waits for a uid with one", async () => {
  const order: number[] = [];
  const read = async (uid: number) => {
    await reader.read(largeBody("echo"), EXECUTE_MEMBERS, by(uid));
    order.push(uid);
  };
  await Promise.all([...Array.from({ length: 5 }, () => read(1)), read(2)]);
  expect(order).toEqual([1, 1, 2, 1, 1, 1]);
});

test("the peer's meter runs while a large body is read, and for no small one", async () => {
  const seen: string[] = [];
  const meter = {
    weigh: () => {},
    work: (bytes: number) => {
      seen.push(bytes > LARGE ? "begins" : "small");
      return () => void seen.push("ends");
    },
  };
  const read = async (body: Uint8Array) => {
    await rejectionOf(reader.read(body, EXECUTE_MEMBERS, { ...by(1), meter }));
    seen.push("read");
  };
  await read(utf8Encode('{"action":"small"}'));
  await read(largeBody("echo"));
  await read(largeBody("no name"));
  expect(seen).toEqual(["read", "begins", "ends", "read", "begins", "ends", "read"]);
});

test("what prints longer than it was written weighs as much as is held of it", async () => {
  const weighed: number[] = [];
  const meter = { weigh: (bytes: number) => void weighed.push(bytes), work: () => () => {} };
  const numbers = new Array(10_000).fill("1e20").join(",");
  const body = utf8Encode(`{"action":"echo","payload":{"a":[${numbers}]},"nonce":"n-1"}`);
  const { length } = body;
  const { canonical } = await reader.read(body, EXECUTE_MEMBERS, { ...by(1), meter });
  expect(weighed).toEqual([canonical.length - length]);
  expect(canonical.length).toBeGreaterThan(4 * length);
});

/** A result that goes to the thread. */
function largeResult(more = "") {
  const text = `{"text":"${"x".repeat(LARGE)}","b":1.0,"a":2e0${more}}`;
  return { executionId: "e-1", text, bytesMax: 2 * LARGE };
}

test("a large result is read in the thread, as a small one is", async () => {
  const reading = reader.readResult(largeResult(), 1);
  const order: string[] = [];
  void reading.then(() => order.push("read"));
  await new Promise((resolve) => setImmediate(resolve));
  order.push("turn");
  expect(await reading).toEqual(readResult(largeResult()));
  expect(order).toEqual(["turn", "read"]);
  const invalid = [largeResult(',"a":3'), { ...largeResult(), bytesMax: LARGE }];
  for (const returned of invalid) expect(await reader.readResult(returned, 1)).toBeNull();
});

test("a result is read though the thread that had it has failed", async () => {
  const reading = reader.readResult(largeResult(), 1);
  reader.close();
  expect(await reading).toEqual(readResult(largeResult()));
});

test("a large body reads on when small ones are read meanwhile", async () => {
  const large = reader.read(largeBody("large"), EXECUTE_MEMBERS, by(1));
  const small = await reader.read(utf8Encode('{"action":"small"}'), EXECUTE_MEMBERS, by(1));
  expect([small.action, (await large).action]).toEqual(["small", "large"]);
});

test("a reader that was closed fails what it was reading, and reads again", async () => {
  const cut = rejectionOf(reader.read(largeBody("echo"), EXECUTE_MEMBERS, by(1)));
  reader.close();
  expect(await cut).toBe("failed");
  expect((await reader.read(largeBody("again"), EXECUTE_MEMBERS, by(1))).action).toBe("again");
});

test("a large old receipt is checked in the thread, as a small one is", async () => {
  const result = "x".repeat(LARGE);
  const receipt = legacyReceiptOf("e-1", `"${result}"`);
  const body = (said: object) => utf8Encode(JSON.stringify({ exec_id: "e-1", result, ...said }));
  const checking = reader.isLegacyReceipt(body({ receipt }), by(1));
  const order: string[] = [];
  void checking.then(() => order.push("checked"));
  await new Promise((resolve) => setImmediate(resolve));
  order.push("turn");
  expect([await checking, order]).toEqual([true, ["turn", "checked"]]);
  expect(await reader.isLegacyReceipt(body({ receipt: "bad" }), by(1))).toBe(false);
  expect(isLegacyReceipt(body({ receipt }))).toBe(true);
  expect(await rejectionOf(reader.isLegacyReceipt(body({ receipt, more: 1 }), by(1))))
    .toBe("request_malformed");
});
