/** Pages of executions, out of a real ledger. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { Refusal } from "../../src/core/errors.ts";
import { executionsPage } from "../../src/engine/inspect.ts";
import type { ExecutionsView } from "../../src/engine/views.ts";
import { type Asked, reservation, type Scene, scene, settlement } from "../ledger/scene.ts";

let stage: Scene;
beforeEach(async () => {
  stage = await scene();
});
afterEach(() => stage[Symbol.asyncDispose]());

/** Ids that sort by their number. */
const idOf = (number: number) => `019aab00-0000-7000-8000-${String(number).padStart(12, "0")}`;

/** Makes executions, oldest first, with results and payloads of that many characters. */
async function make(count: number, resultLength: number, asked: Asked = {}, payloadLength = 10) {
  for (let number = 0; number < count; number++) {
    const id = idOf(number);
    await stage.ledger.reserve(reservation({ id, payload: "p".repeat(payloadLength), ...asked }));
    const result = {
      canonical: JSON.stringify("r".repeat(resultLength - 2)),
      salt: new Uint8Array(32).fill(2),
    };
    await stage.ledger.settle(settlement(id, { result }));
  }
}

const EVERYONE = { uid: null, actions: null, isReviewer: false };

function page(limit: number, before: string | null = null, uid: number | null = null) {
  return executionsPage(stage.ledger, { ...EVERYONE, uid }, limit, before);
}

const idsOf = ({ executions }: ExecutionsView) => executions.map(({ id }) => id);
/** `from` down to `to`. */
const idsFrom = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, i) => idOf(from - i));

test("a page of small executions has as many as were asked for, and says whether there are more", async () => {
  await make(7, 10);
  const first = await page(4);
  expect([idsOf(first), first.next]).toEqual([idsFrom(6, 3), idOf(3)]);
  const last = await page(4, first.next);
  expect([idsOf(last), last.next]).toEqual([idsFrom(2, 0), null]);
  const whole = await page(7);
  expect([idsOf(whole), whole.next]).toEqual([idsFrom(6, 0), null]);
});

test.each([
  ["results", 300_000, 10],
  ["payloads", 10, 300_000],
])(
  "a page ends early once 1 MiB of %s was opened for it, and goes on where it ended",
  async (_, result, payload) => {
    await make(6, result, {}, payload);
    const first = await page(1000);
    expect([idsOf(first), first.next]).toEqual([idsFrom(5, 2), idOf(2)]);
    const last = await page(1000, first.next);
    expect([idsOf(last), last.next]).toEqual([idsFrom(1, 0), null]);
  },
);

test("an execution that is larger than a page is a page of its own", async () => {
  await make(2, 2 ** 20);
  const first = await page(1000);
  expect([idsOf(first), first.next]).toEqual([[idOf(1)], idOf(1)]);
  const last = await page(1000, first.next);
  expect([idsOf(last), last.next]).toEqual([[idOf(0)], null]);
});

test("one whose key the vault has lost is listed as unreadable, among the others", async () => {
  await make(3, 10);
  const lost = new Refusal("ledger_unavailable");
  const { ledger } = stage;
  const withLoss: Parameters<typeof executionsPage>[0] = {
    log: ledger.log,
    list: (filter) => ledger.list(filter),
    readSalt: (id) => ledger.readSalt(id),
    readReason: (id) => ledger.readReason(id),
    readResult: (id) => id === idOf(1) ? Promise.reject(lost) : ledger.readResult(id),
  };
  const { executions } = await executionsPage(withLoss, EVERYONE, 9, null);
  expect(executions.map((each) => [each.id, each["unreadable"], each["result_pruned"]])).toEqual([
    [idOf(2), undefined, undefined],
    [idOf(1), true, undefined],
    [idOf(0), undefined, undefined],
  ]);
  expect(executions[1]).toMatchObject({ result: null, receipt: null, salts: {}, log_index: 1 });
  const broken = { ...withLoss, readResult: () => Promise.reject(new Error("damaged")) };
  await expect(executionsPage(broken, EVERYONE, 9, null)).rejects.toThrow("damaged");
});

test("what others asked for is in no page of a uid, nor in where it goes on", async () => {
  await make(3, 300_000, { uid: 1000 });
  await stage.ledger.reserve(reservation({ id: idOf(9), uid: 1001 }));
  const first = await page(3, null, 1000);
  expect([idsOf(first), first.next]).toEqual([idsFrom(2, 0), null]);
  const other = await page(3, null, 1001);
  expect([idsOf(other), other.next]).toEqual([[idOf(9)], null]);
});

test("there is a turn for others after each execution", async () => {
  await make(5, 10);
  let turns = 0;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  await page(1000);
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(5);
});

test("an execution that is settled while others are shown is shown as settled", async () => {
  await make(2, 10);
  const { ledger } = stage;
  const runs = idOf(0);
  let isSettled = false;
  const meanwhile: Parameters<typeof executionsPage>[0] = {
    log: ledger.log,
    list: (filter) =>
      ledger.list(filter).map((record) =>
        record.id !== runs || isSettled
          ? record
          : { ...record, status: "reserved", resultCommitment: null, logIndex: null }
      ),
    readSalt: (id) => ledger.readSalt(id),
    readReason: (id) => ledger.readReason(id),
    readResult: async (id) => id !== runs || isSettled ? await ledger.readResult(id) : undefined,
  };
  setImmediate(() => isSettled = true);
  const { executions } = await executionsPage(meanwhile, EVERYONE, 9, null);
  expect(executions[1]).toEqual((await page(1, idOf(1))).executions[0]);
});

test("a page goes on in its viewer's turns, and ends where that has gone", async () => {
  await make(3, 10);
  let turns = 0;
  const goOn = () => Promise.resolve(++turns < 3);
  await executionsPage(stage.ledger, { ...EVERYONE, goOn }, 2, null);
  expect(turns).toBe(2);
  await expect(executionsPage(stage.ledger, { ...EVERYONE, goOn }, 9, null))
    .rejects.toMatchObject({ code: "request_malformed" });
});
