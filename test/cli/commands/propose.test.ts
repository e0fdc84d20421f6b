import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Interrupted } from "../../../src/cli/exit_code.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { openexec } from "../recording_terminal.ts";

let daemon: FakeDaemon;
beforeEach(async () => daemon = await FakeDaemon.start());
afterEach(() => daemon[Symbol.asyncDispose]());

const here = () => ["--socket", daemon.socketPath];
const propose = (...flags: readonly string[]) =>
  openexec(["propose", ...here(), "pay", '{"amount":5}', "--json", ...flags]);
const idOf = () => [...daemon.proposals.proposals.keys()][0] ?? "";

/** What a person does while a command waits. */
async function whileItWaits(work: (id: string) => void): Promise<void> {
  await expect.poll(() => daemon.received.some(({ headers }) => headers["prefer"])).toBe(true);
  work(idOf());
}

describe("openexec propose", () => {
  test("ends with 5 while it is undecided, and says under which nonce to ask again", async () => {
    const first = await propose("--nonce", "n-1", "--reason", "invoice 7");
    expect(first.code).toBe(5);
    expect(JSON.parse(first.out)).toMatchObject({ status: "pending", reason: "invoice 7" });
    expect(JSON.parse(first.err)).toMatchObject({ status: "pending", nonce: "n-1" });
    const said = await openexec(["propose", ...here(), "pay", "{}", "--nonce", "n-2"]);
    expect(said.err).toContain("waits for 1 approver");
    expect(said.err).toContain("nonce n-2");
    const again = await propose("--nonce", "n-1", "--reason", "invoice 7");
    expect([again.code, daemon.proposals.begun]).toEqual([5, 2]);
  });

  test("waits, and prints the execution", async () => {
    const run = propose("--wait", "10m");
    await whileItWaits((id) =>
      daemon.proposals.change(id, {
        status: "succeeded",
        execution: { id, action: "pay", status: "succeeded", result: { paid: true } },
      })
    );
    const { code, out } = await run;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: idOf(), result: { paid: true } });
  });

  test("tells a decline with its reason, and never to try again", async () => {
    const run = propose("--wait", "10m");
    await whileItWaits((id) =>
      daemon.proposals.change(id, {
        status: "declined",
        decline: { by: "alice", reason: "not today", at: "2026-01-01T00:00:00.000Z" },
        problem: { code: "proposal_declined", detail: "x", effect: "none", retry: "never" },
      })
    );
    const { code, out, err } = await run;
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ status: "declined", decline: { by: "alice" } });
    expect(JSON.parse(err.trim().split("\n").at(-1) ?? "")).toMatchObject({
      code: "proposal_declined",
      detail: "alice: not today",
      effect: "none",
      retry: "never",
    });
  });

  test.each([["outcome_unknown", "outcome_unknown"], ["refused", "approval_fenced"]])(
    "ends with 4 where it may have run: %s, %s",
    async (status, code) => {
      const run = propose("--wait", "10m");
      await whileItWaits((id) =>
        daemon.proposals.change(id, {
          status,
          problem: { code, detail: "x", effect: "unknown", retry: "never" },
        })
      );
      expect((await run).code).toBe(4);
    },
  );

  test("Ctrl-C ends the wait with 5, and the proposal stays", async () => {
    const stop = new AbortController();
    const run = openexec(["propose", ...here(), "pay", "--wait", "10m"], { signal: stop.signal });
    await whileItWaits(() => stop.abort(new Interrupted()));
    expect((await run).code).toBe(5);
    expect(daemon.proposals.proposals.get(idOf())).toMatchObject({ status: "pending" });
  });

  test.each([["--wait", "soon"], ["--reason", "x".repeat(501)]])(
    "refuses %s %s",
    async (flag, value) => {
      expect((await propose(flag, value)).code).toBeGreaterThan(0);
      expect(daemon.proposals.begun).toBe(0);
    },
  );
});

test("openexec pending lists what waits, and withdraw takes it back", async () => {
  expect((await openexec(["pending", ...here()])).out).toBe("nothing waits\n");
  await propose();
  const { out } = await openexec(["pending", ...here()]);
  expect(out).toContain(`${idOf()}  pay     pending  0/1     in 60 min`);
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThan(80);
  expect((await openexec(["withdraw", ...here(), idOf()])).code).toBe(0);
  const again = await openexec(["withdraw", ...here(), idOf()]);
  expect(again.code).toBe(1);
  expect(again.err).toContain("proposal_over");
  expect((await openexec(["pending", ...here(), "--json"])).out).toBe("");
});
