import { expect, test } from "vitest";
import { expectSound } from "../ledger/soundness.ts";
import { temporaryFolder } from "../ledger/temporary.ts";
import { HAS_STRACE, runChild } from "./ledger_run.ts";

/** Nonces of the lines with that letter. */
function nonces(lines: readonly string[], letter: string): string[] {
  return lines.filter((line) => line.startsWith(`${letter} `)).map((line) => line.slice(2));
}

async function aLedger(): Promise<string> {
  const stateDir = temporaryFolder();
  await runChild(stateDir, "first", { rounds: 2 });
  return stateDir;
}

test.skipIf(!HAS_STRACE).each([
  "fdatasync:error=EIO:when=3",
  "pwrite64:error=EIO:when=5",
  "writev:error=EIO:when=4",
])(
  "[needs strace(1)] after an I/O error (%s) nothing is answered but ledger_unavailable, until a restart",
  async (inject) => {
    const stateDir = await aLedger();
    const { output, errors } = await runChild(stateDir, "faulty", { inject, rounds: 40 });
    expect(output.at(-1), errors).toBe("done");
    const failedAt = output.findIndex((line) => line.startsWith("X"));
    expect(failedAt).toBeGreaterThanOrEqual(0);
    expect(output.slice(failedAt).filter((line) => /^[RS] /.test(line))).toEqual([]);
    expect(new Set(output.filter((line) => line.startsWith("X")))).toEqual(
      new Set(["X ledger_unavailable"]),
    );

    const { statuses } = await expectSound(stateDir);
    for (const nonce of nonces(output, "S")) {
      expect([nonce, statuses.get(nonce)]).toEqual([
        nonce,
        "succeeded",
      ]);
    }
    const again = await runChild(stateDir, "after", { rounds: 3 });
    expect(again.output.at(-1), again.errors).toBe("done");
    expect(nonces(again.output, "S")).toHaveLength(12);
    await expectSound(stateDir);
  },
);

test.skipIf(!HAS_STRACE).each([
  "fdatasync:error=ENOSPC:when=3..9+2",
  "writev:error=ENOSPC:when=4..20+3",
])(
  "[needs strace(1)] a disk that is full now and then (%s) refuses reservations and loses no outcome",
  async (inject) => {
    const stateDir = await aLedger();
    const { output, errors } = await runChild(stateDir, "full", { inject, rounds: 12 });
    expect(output.at(-1), errors).toBe("done");
    expect(output.filter((line) => line.startsWith("X")).every((line) => line === "X storage_full"))
      .toBe(
        true,
      );
    expect(errors).toContain("No space left on device");
    const reserved = nonces(output, "R");
    expect(nonces(output, "S").sort()).toEqual(reserved.toSorted());
    const { statuses } = await expectSound(stateDir);
    const there = [...statuses.keys()].filter((nonce) => nonce.startsWith("full-"));
    expect(there.sort()).toEqual(reserved.sort());
  },
);
