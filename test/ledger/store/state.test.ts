import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeState, emptyState, encodeState } from "../../../src/ledger/store/state.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { HOUR_MS, refusalOf, reservation, scene } from "../scene.ts";

/** As openexec 0.2.0 wrote it, which kept no boot id; the mark is where a TestClock begins. */
const OLD_ROW = Uint8Array.fromHex(
  "0100000000000700000000000300000000000100000000000201a3185c5000000005f5e100000000006b49ce18",
);

test("a state from before the boot id was kept is read, with an unknown boot", () => {
  expect(decodeState(OLD_ROW)).toEqual({
    ...emptyState(),
    sequence: 7,
    executions: 3,
    unsettled: 1,
    logSize: 2,
    markMs: 1_800_000_000_000,
    markUptimeMs: 100_000_000,
    fenceSeconds: 1_799_999_000,
    markBootId: "",
  });
});

test("a state of no known version, or with bytes too many or too few, is damage", () => {
  const row = encodeState({ ...emptyState(), markBootId: "boot" });
  const newer = row.with(0, 3);
  for (
    const bad of [newer, row.subarray(0, -1), new Uint8Array([...row, 0]), OLD_ROW.subarray(0, -1)]
  ) {
    expect(() => decodeState(bad)).toThrow(expect.objectContaining({ code: "ledger_unavailable" }));
  }
  expect(() => decodeState(new Uint8Array([...OLD_ROW, 0]))).toThrow();
});

test("a ledger with such a state opens; its mark shows no jump, and the next one does", async () => {
  await using s = await scene();
  await s.ledger.close();
  const store = new Store({ directory: join(s.stateDir, "ledger") });
  await store.commit(() => store.tables.current.put(Uint8Array.of(2), OLD_ROW));
  await store.close();
  s.clock.wallMs += 11 * HOUR_MS;
  const ledger = await s.reopen();
  expect(ledger.statistics()).toMatchObject({ executions: 3, unsettled: 1, logSize: 2 });
  await ledger.prune(100);
  expect(ledger.health().pruningPaused).toBe(false);
  expect(await refusalOf(ledger.reserve(reservation({ claim: { issuedAt: 1_799_998_999 } })))).toBe(
    "approval_fenced",
  );
  s.clock.wallMs += 2 * HOUR_MS;
  await ledger.prune(100);
  expect(ledger.health().pruningPaused).toBe(true);
});
