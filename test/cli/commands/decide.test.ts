import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OpenExecClient } from "../../../src/client/mod.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { type Circumstances, openexec } from "../recording_terminal.ts";

let daemon: FakeDaemon;
let folder: string;
let id: string;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
  folder = await Deno.makeTempDir({ prefix: "openexec-decide-" });
  await openexec(["keygen", `${folder}/alice.key`, "--keyid", "alice-1", "--name", "alice"]);
  const client = new OpenExecClient({ socketPath: daemon.socketPath });
  ({ id } = await client.propose("pay", { amount: 5 }, { reason: "Invoice 7, please." }));
  client.close();
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

function decide(flags: readonly string[], rest: Circumstances = {}) {
  const key = ["--key", `${folder}/alice.key`];
  return openexec(["decide", id, "--socket", daemon.socketPath, ...key, ...flags], {
    env: { HOME: folder },
    nowMs: () => Date.now(),
    ...rest,
  });
}

const claimsOf = (envelope: { payload: string } | undefined) =>
  JSON.parse(atob(envelope?.payload ?? ""));

describe("openexec decide", () => {
  test("--approve shows it whole, signs exactly that, and prints what became of it", async () => {
    const { code, out, err } = await decide(["--approve", "--yes", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id, status: "succeeded" });
    for (
      const text of [
        '   2 |   "amount": 5',
        'reason  "Invoice 7, please." (the agent\'s words)',
        "action  pay, 3 lines, 12 bytes",
        "reaches net api.example.com:443",
        "for     openexec:fake",
        "asked   by uid 1000 (pid 4711 then)",
      ]
    ) expect(err).toContain(text);
    expect(claimsOf(daemon.proposals.approvals[0])).toMatchObject({
      iss: "alice",
      sub: "uid:1000",
      aud: "openexec:fake",
    });
  });

  test("--decline tells the agent why", async () => {
    const { code, out } = await decide(["--decline", "--reason", "not today", "--yes", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ status: "declined", decline: { reason: "not today" } });
    expect(claimsOf(daemon.proposals.declines[0])).toMatchObject({ proposal: id, iss: "alice" });
  });

  test("asks on the terminal, and signs nothing but after yes", async () => {
    for (const answer of ["", "n", "yes please"]) {
      expect((await decide(["--approve"], { answer })).code).toBe(1);
    }
    expect((await decide(["--approve"])).code).toBe(2);
    expect(daemon.proposals.approvals).toEqual([]);
    expect((await decide(["--approve"], { answer: "y" })).code).toBe(0);
    expect(daemon.proposals.approvals).toHaveLength(1);
  });

  test.each([
    [[]],
    [["--approve", "--decline"]],
    [["--approve", "--reason", "x"]],
    [["--decline", "--reason", "x".repeat(501)]],
  ])("refuses %j with 2", async (flags) => {
    expect((await decide([...flags, "--yes"])).code).toBe(2);
  });

  test("a key that others may read signs nothing", async () => {
    await Deno.chmod(`${folder}/alice.key`, 0o640);
    expect((await decide(["--approve", "--yes"])).code).toBe(2);
    expect(daemon.proposals.approvals).toEqual([]);
  });

  test("keeps to the daemon that it met first on a socket", async () => {
    const first = await decide(["--decline", "--yes"]);
    expect(first.err).toContain(`${daemon.socketPath} is openexec:fake: remembered in ${folder}`);
    daemon.executorId = "openexec:impostor";
    const second = await decide(["--approve", "--yes"]);
    expect([second.code, daemon.proposals.approvals.length]).toEqual([2, 0]);
    expect(second.err).toContain("calls itself openexec:impostor, and was openexec:fake before");
  });

  test("ends with 1 and the code where the daemon refuses", async () => {
    expect((await decide(["--approve", "--yes"])).code).toBe(0);
    const again = await decide(["--decline", "--yes"]);
    expect(again.code).toBe(1);
    expect(again.err).toContain("proposal_over");
  });
});
