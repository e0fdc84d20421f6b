import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json } from "../../../src/core/types.ts";
import { OpenExecClient, OpenExecUnreachable } from "../../../src/client/mod.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { openexec } from "../recording_terminal.ts";

let daemon: FakeDaemon;
beforeEach(async () => void (daemon = await FakeDaemon.start()));
afterEach(() => daemon[Symbol.asyncDispose]());

const ID = "019aab00-0000-7000-8000-000000000001";
const here = () => ["--socket", daemon.socketPath];

describe("an operator", () => {
  const execution = { id: ID, action: "a", status: "failed", approved: true, resolved: true };
  test.each<[string[], Json, Json, string]>([
    [["halt"], {}, { halted: true }, "halted"],
    [["resume"], {}, { halted: false }, "resumed"],
    [
      ["revoke", "alice", "j-1"],
      { iss: "alice", jti: "j-1" },
      { revoked: true },
      "revoked alice j-1",
    ],
    [
      ["resolve", ID, "--as", "failed", "--note", "seen"],
      { id: ID, as: "failed", note: "seen" },
      execution,
      "failed",
    ],
  ])("%j asks the admin socket once and says what came of it", async (argv, body, answer, said) => {
    const path = `/admin/${argv[0]}`;
    daemon.operatorAnswers.set(path, [answer]);
    const { code, out } = await openexec([...argv, ...here()]);
    expect([code, out]).toEqual([0, expect.stringContaining(said)]);
    expect(daemon.acts).toEqual([[path, body]]);
    JSON.parse((await openexec([...argv, "--json", ...here()])).out);
  });

  test("prunes with one request, and says what the daemon says", async () => {
    daemon.operatorAnswers.set("/admin/prune", [{ bodies: 3, buckets: 2, done: true }]);
    const { out } = await openexec(["prune", "--json", ...here()]);
    expect(JSON.parse(out)).toEqual({ bodies: 3, buckets: 2, done: true });
    expect(daemon.acts).toEqual([["/admin/prune", {}]]);
  });

  test("waits for a prune as long as it takes", async () => {
    daemon.mishaps.push("hang", "hang");
    const client = new OpenExecClient({ socketPath: daemon.socketPath, timeoutMs: 50 });
    const stop = new AbortController();
    let ended: unknown;
    const pruned = client.operator.prune({ signal: stop.signal }).catch((error) => ended = error);
    await expect(client.operator.halt()).rejects.toThrow(OpenExecUnreachable);
    expect(ended).toBe(undefined); // its limit would have been over before
    stop.abort("enough");
    expect(await pruned).toBe("enough");
    client.close();
  });

  test("is refused on an agent socket", async () => {
    const { code, err } = await openexec(["halt", ...here()]);
    expect([code, err]).toEqual([1, expect.stringContaining("admin_only")]);
  });

  test("never asks twice when the answer did not arrive", async () => {
    daemon.mishaps.push("reset");
    expect((await openexec(["halt", ...here()])).code).toBe(4);
    expect(daemon.received).toHaveLength(1);
  });

  test.each([[["resolve", "i", "--as", "maybe", "--note", "x"]], [[
    "resolve",
    "i",
    "--as",
    "failed",
  ]], [[
    "revoke",
    "a",
  ]]])(
    "%j is a usage error",
    async (argv) => expect((await openexec([...argv, ...here()])).code).toBe(2),
  );

  test("sees more in status than an agent does", async () => {
    daemon.operatorAnswers.set("/admin/status", [{
      ledger: { executions: 3 },
      attempts: [{ action: "echo", code: "succeeded", count: 7 }],
      stations: [{ station: "run", count: 4, mean_ms: 125 }],
      pruned_bodies: 9,
    }]);
    const shown = (await openexec(["status", ...here()])).out;
    expect(shown).toMatch(/ledger.executions +3/);
    expect(shown).toMatch(/echo +succeeded +7/);
    expect(shown).toMatch(/run +4 +125 ms/);
    expect(JSON.parse((await openexec(["status", "--json", ...here()])).out)).toMatchObject({
      attempts: [{ action: "echo", code: "succeeded", count: 7 }],
      stations: [{ station: "run", count: 4, mean_ms: 125 }],
      pruned_bodies: 9,
    });
  });
});
