import { expect, test } from "vitest";
import {
  type Asked,
  DAY_MS,
  HOUR_MS,
  refusalOf,
  reservation,
  reserveAndSettle,
  scene,
  settlement,
} from "./scene.ts";

const several = { jti: "several", uses: 3 };
const once = (
  ledger: { reserve: (r: ReturnType<typeof reservation>) => Promise<unknown> },
  asked: Asked = {},
) => refusalOf(ledger.reserve(reservation({ claim: several, ...asked })));

test("an approval starts as many executions as it says, concurrently or after restarts, and no more", async () => {
  await using s = await scene();
  expect(await once(s.ledger)).toBe("ok");
  const again = await s.reopen();
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => once(again)));
  expect(outcomes.filter((code) => code === "ok")).toHaveLength(2);
  expect(outcomes.filter((code) => code === "approval_already_used")).toHaveLength(8);
});

test("the first use binds an approval to its body: another body under the same id is refused", async () => {
  await using s = await scene();
  expect(await once(s.ledger)).toBe("ok");
  const other = { claim: { ...several, bodyDigest: new Uint8Array(32).fill(8) } };
  expect(await once(s.ledger, other)).toBe("approval_already_used");
  expect(await once(s.ledger)).toBe("ok");
});

test("an approval cannot come back with more uses", async () => {
  await using s = await scene();
  await s.ledger.reserve(reservation({ claim: { jti: "single" } }));
  expect(await once(s.ledger, { claim: { jti: "single", uses: 5 } })).toBe("approval_already_used");
  for (let use = 0; use < 3; use++) expect(await once(s.ledger)).toBe("ok");
  expect(await once(s.ledger, { claim: { ...several, uses: 9 } })).toBe("approval_already_used");
});

test("an approval with several uses ends with the payload's retention, and every use prolongs it", async () => {
  await using s = await scene();
  const asked = { claim: { ...several, uses: 9 } };
  await reserveAndSettle(s.ledger, asked);
  s.clock.pass(DAY_MS - HOUR_MS);
  await reserveAndSettle(s.ledger, asked);
  s.clock.pass(2 * HOUR_MS);
  await s.ledger.prune(1000);
  expect(await once(s.ledger, asked)).toBe("ok");
  const [last] = s.ledger.unsettled();
  await s.ledger.settle(settlement(last?.id ?? ""));
  s.clock.pass(DAY_MS + HOUR_MS + 1);
  await s.ledger.prune(1000);
  expect(await once(s.ledger, asked)).toBe("approval_already_used");
});

test("an approval leaves one binding, however many buckets it was used in", async () => {
  await using s = await scene();
  for (let use = 0; use < 3; use++) {
    await reserveAndSettle(s.ledger, { claim: several });
    s.clock.pass(2 * HOUR_MS);
  }
  s.clock.pass(3 * DAY_MS);
  expect(await s.ledger.prune(100)).toMatchObject({ bodies: 3 + 3 + 1 });
});

test("where payloads are never stored, an approval with several uses ends with the daemon", async () => {
  await using s = await scene();
  const asked = { payloadMs: null };
  expect(await once(s.ledger, asked)).toBe("ok");
  expect(await once(s.ledger, { ...asked, claim: { ...several, bodyDigest: new Uint8Array(32) } }))
    .toBe(
      "approval_already_used",
    );
  expect(await once(s.ledger, asked)).toBe("ok");
  const again = await s.reopen();
  expect(await once(again, asked)).toBe("approval_already_used");
});
