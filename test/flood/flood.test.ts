import { expect } from "vitest";
import { testAsOthers } from "../support/other_users.ts";
import { FloodedDaemon, ROWS, STATED_MEMORY_MIB } from "./flood.ts";

const SECONDS = 6;

testAsOthers(
  "an operator is answered and the daemon lives while other uids flood it",
  async () => {
    await using daemon = await FloodedDaemon.start();
    const row = ROWS.find(({ title }) => title.startsWith("all of it"));
    if (row === undefined) throw new Error("there is no such row");
    let [floodAnswers, honestAnswers] = [0, 0];
    const isCrowdTold = () =>
      daemon.output.some((line) => line.includes("connections turned away"));
    // Until the peers were there: some were answered, and others turned away and counted.
    while (floodAnswers === 0 || honestAnswers === 0 || !isCrowdTold()) {
      const seen = await daemon.flood(row, SECONDS);
      floodAnswers += seen.floodAnswers;
      honestAnswers += seen.honestAnswers;
      expect(seen.operatorFailures).toEqual([]);
      expect(seen.operatorMs.length).toBeGreaterThan(0);
      expect(seen.isAlive, daemon.output.slice(-20).join("\n")).toBe(true);
      expect(seen.memoryMib).toBeLessThan(STATED_MEMORY_MIB);
    }
    expect(await daemon.stop()).toBe(0);
  },
);
