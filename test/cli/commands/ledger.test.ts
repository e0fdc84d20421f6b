import { open } from "lmdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackVersion1 } from "../../ledger/older/version_1.ts";
import { Daemon } from "../../support/daemon.ts";
import { openexec, openexecHere as command } from "../recording_terminal.ts";

describe("a ledger and its copies", () => {
  let daemon: Daemon;
  let state: string;
  let folder: string;
  let checkpoint: string;
  const key = () => `${daemon.directory}/state/openexec/approver.key`;

  async function execute(payload: string): Promise<{ code: number; out: string }> {
    const made = await command(daemon, ["request", "echo", payload]);
    const approved = await command(daemon, ["approve", "--key", key(), "--yes"], made.stdout);
    const { code, stdout } = await command(daemon, ["exec", "--json"], approved.stdout);
    return { code, out: stdout };
  }

  beforeAll(async () => {
    daemon = await Daemon.start();
    state = `${daemon.directory}/state/openexec`;
    folder = await Deno.makeTempDir({ prefix: "openexec-local-" });
    for (const n of [1, 2, 3]) expect((await execute(`{"n":${n}}`)).code).toBe(0);
    checkpoint = `${folder}/checkpoint`;
    await Deno.writeTextFile(checkpoint, (await command(daemon, ["checkpoint"])).stdout);
  });
  afterAll(async () => {
    await daemon.close();
    await Deno.remove(folder, { recursive: true });
  });

  test("verify takes what exec and show print, with keys and checkpoint, and finds a change", async () => {
    const { out } = await execute('{"n":4}');
    const { id } = JSON.parse(out);
    await Deno.writeTextFile(`${folder}/exec.json`, out);
    await Deno.writeTextFile(`${folder}/show.json`, (await command(daemon, ["show", id])).stdout);
    const flags = [
      "--executor-key",
      `${state}/executor.pub`,
      "--checkpoint",
      checkpoint,
      "--payload",
      '{"n":4}',
    ];
    for (const file of ["exec.json", "show.json"]) {
      const run = await command(daemon, ["verify", `${folder}/${file}`, ...flags, "--json"]);
      expect(JSON.parse(run.stdout)).toMatchObject({ ok: true });
      expect(run.code).toBe(0);
    }
    const wrong = await command(daemon, ["verify", `${folder}/show.json`, "--payload", '{"n":5}']);
    expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringContaining("NOT GENUINE")]);
    const unknown = await openexec(["verify", `${folder}/show.json`, "--offline"]);
    expect(unknown.code).toBe(2);
  });

  test("verify without a key says whom it believes, and asks for one where nobody is to be asked", async () => {
    await Deno.writeTextFile(`${folder}/asked.json`, (await execute('{"n":5}')).out);
    const asked = await openexec(["verify", `${folder}/asked.json`, "--socket", daemon.socket]);
    expect([asked.code, asked.err]).toEqual([0, expect.stringContaining("believing the daemon")]);
    const shown = /ed25519:\S+/.exec(asked.err)?.[0];
    expect(shown).toBe((await Deno.readTextFile(`${state}/executor.pub`)).trim());
    expect((await openexec(["verify", `${folder}/asked.json`])).code).toBe(2);
  });

  test("audit finds a running daemon's ledger sound, and an export of it", async () => {
    const running = await openexec(["audit", "--state", state, "--json"]);
    expect([running.code, JSON.parse(running.out)]).toEqual([
      0,
      expect.objectContaining({ ok: true, problem: null }),
    ]);
    const exported = await command(daemon, ["export"]);
    expect(exported.code).toBe(0);
    await Deno.writeTextFile(`${folder}/log.jsonl`, exported.stdout);
    const flags = ["--executor-key", `${state}/executor.pub`, "--checkpoint", checkpoint, "--json"];
    const audited = await openexec(["audit", `${folder}/log.jsonl`, ...flags]);
    expect(JSON.parse(audited.out)).toMatchObject({ ok: true, anchored: true });
    expect(audited.code).toBe(0);
  });

  test("audit names the first bad entry of an export", async () => {
    const lines = (await command(daemon, ["export"])).stdout.split("\n");
    const swapped = [...lines.slice(0, 2), lines[3], lines[2], ...lines.slice(4)].join("\n");
    await Deno.writeTextFile(`${folder}/swapped.jsonl`, swapped);
    const { code, out } = await openexec(["audit", `${folder}/swapped.jsonl`, "--json"]);
    expect([code, JSON.parse(out).problem]).toEqual([1, {
      code: "entry_out_of_order",
      index: 1,
      detail: expect.anything(),
    }]);
  });

  test("backup copies while the daemon works, and the copy audits", async () => {
    const { code, stdout } = await command(daemon, ["backup", `${folder}/copy`, "--json"]);
    expect([code, JSON.parse(stdout).directory]).toEqual([0, `${folder}/copy`]);
    expect((await openexec(["audit", "--state", `${folder}/copy`])).code).toBe(0);
    expect((await command(daemon, ["backup", `${folder}/copy`])).code).toBe(2);
    const copied = [...Deno.readDirSync(`${folder}/copy`)].map(({ name }) => name);
    expect(copied).toEqual(["ledger"]);
  });

  test("a ledger of an older schema asks for a start, and a restore brings it up to date", async () => {
    const [older, restored, copy] = [`${folder}/older`, `${folder}/restored`, `${folder}/again`];
    await unpackVersion1(older);
    await dropTables(`${older}/ledger`, ["proposals", "proposal_index"]); // from before proposals
    for (const args of [["audit"], ["export"], ["backup", `${folder}/none`]]) {
      const { code, err } = await openexec([...args, "--state", older]);
      expect([code, err]).toEqual([2, expect.stringContaining("openexec serve")]);
    }
    const doctor = await openexec(["doctor", "--state", older, "--json"]);
    expect(doctor.out).toContain("openexec serve");
    expect((await openexec(["restore", older, "--state", restored])).code).toBe(0);
    expect((await openexec(["backup", copy, "--state", restored])).code).toBe(0);
    const { out } = await openexec(["doctor", "--state", copy, "--json"]);
    const found = out.trim().split("\n").map((line) => JSON.parse(line));
    expect(found).toContainEqual(expect.objectContaining({ check: "ledger", state: "ok" }));
    expect(found).toContainEqual(expect.objectContaining({ detail: "none waits" }));
    await dropTables(`${copy}/ledger`, ["claims"]);
    expect((await openexec(["audit", "--state", copy])).code).toBe(2);
  });

  test("restore is refused while the daemon runs, and fences off earlier approvals afterwards", async () => {
    const made = await command(daemon, ["request", "echo"]);
    const early = await command(daemon, ["approve", "--key", key(), "--yes"], made.stdout);
    expect((await command(daemon, ["restore", `${folder}/copy`])).code).toBe(2);
    await daemon.stop();
    const { code, stdout } = await command(daemon, ["restore", `${folder}/copy`, "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ replaced: expect.any(String) }),
    ]);
    expect((await command(daemon, ["export"])).stdout).toContain("openexec.export.v1");
    const again = await Daemon.start({ directory: daemon.directory });
    const fenced = await command(again, ["exec"], early.stdout);
    expect([fenced.code, fenced.stderr]).toEqual([1, expect.stringContaining("approval_fenced")]);
    await again.close();
  });
});

/** Leaves a ledger as a program makes it that does not know these tables. */
async function dropTables(path: string, names: readonly string[]): Promise<void> {
  const root = open({ path, noSubdir: false, maxDbs: 16 });
  for (const name of names) root.openDB({ name }).dropSync();
  await root.close();
}
