/**
 * `openexec doctor`: every check on a set-up that it finds fault with, and on one that is sound.
 */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Pool } from "../../../src/executor/pool.ts";
import { MAY_MOUNT, mountSmallDisk } from "../../ledger/small_disk.ts";
import { Approver, request } from "../../support/approver.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { Daemon, OPENEXEC } from "../../support/daemon.ts";
import { call } from "../../support/http.ts";
import { testWith } from "../../support/tools.ts";
import { openexec, openexecHere as command } from "../recording_terminal.ts";

const HANDLER = new URL("../handlers/double.ts", import.meta.url).pathname;

let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-doctor-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));

/** Executors of the same actions are tried once for all of this file: the box is the machine's. */
beforeAll(() => {
  const start = Pool.start.bind(Pool);
  const tried = new Map<string, Promise<Pool>>();
  const entries = (_: string, value: unknown) => value instanceof Map ? [...value] : value;
  vi.spyOn(Pool, "start").mockImplementation((actions, options) => {
    const alike = JSON.stringify([actions, options.mode], entries);
    const pool = tried.get(alike) ?? start(actions, options);
    tried.set(alike, pool);
    return pool;
  });
});
afterAll(() => void vi.restoreAllMocks());

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy: string | null;
}

function findingsIn(out: string): Finding[] {
  return out.trim().split("\n").map((line) => JSON.parse(line));
}

/** Which checks failed; each says what to do about it. */
function failuresOf({ findings }: { readonly findings: readonly Finding[] }): string[] {
  const failures = findings.filter(({ state }) => state === "failed");
  expect(failures.filter(({ remedy }) => remedy === null || remedy === "")).toEqual([]);
  return failures.map(({ check }) => check);
}

async function diagnose(config: string, mode = 0o644, nowMs = Date.now()) {
  await Deno.writeTextFile(`${folder}/openexec.toml`, config);
  await Deno.chmod(`${folder}/openexec.toml`, mode);
  const run = await openexec(["doctor", "--json", "--config", `${folder}/openexec.toml`], {
    nowMs,
  });
  return { code: run.code, findings: findingsIn(run.out) };
}

const sound = () =>
  `state_dir = "${folder}/state"\n[[sockets]]\npath = "${folder}/agent.sock"\n` + approver();
const approver = (rest = "") =>
  `[[approvers]]\nname = "alice"\nactions = ["*"]\nmax_ttl = "15m"\n` +
  `keys = [{ keyid = "a-1", public_key = "ed25519:amAl5PEdQYldl1hOdujY/qyIuu8eny0VZu9inqDftjU="${rest} }]\n`;

test("finds a sound configuration sound, and looks at everything", async () => {
  const { code, findings } = await diagnose(sound());
  expect(findings.filter(({ state }) => state === "failed")).toEqual([]);
  expect(code).toBe(0);
  for (
    const check of [
      "box",
      "configuration",
      "permissions",
      "keys",
      "handlers",
      "clock",
      "disk",
      "ledger",
      "daemon",
    ]
  ) {
    expect(findings.map((finding) => finding.check)).toContain(check);
  }
});

/** A passkey whose private half was thrown away. */
const PASSKEY = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnZ0RfvpzvD6GyqKtfVCEcF9+v4G3nXDjJdDcYFBV4YgT" +
  "AcaikzscaHkqttyEeIDkI3ANOF7qPkOMAaFu0XQInQ==";

test("says whose keys are held by a person, and where a passkey has no page to sign on", async () => {
  const keys = ({ findings }: { readonly findings: readonly Finding[] }) =>
    findings.filter(({ check }) => check === "keys").map(({ state, detail }) => [state, detail]);
  const passkey = sound().replace(
    /public_key = "[^"]*"/,
    `passkey = "${PASSKEY}", rp_id = "localhost"`,
  );
  const review = `[[sockets]]\npath = "${folder}/review.sock"\nrole = "approver"\n[[approvers]]`;
  const can = "1 approvers can sign";
  expect(keys(await diagnose(sound()))).toEqual([
    ["ok", `${can}, 0 of them with a security key or a passkey`],
  ]);
  expect(keys(await diagnose(passkey))).toEqual([
    ["warning", "alice has a passkey, and no socket serves the review page"],
  ]);
  expect(keys(await diagnose(passkey.replace("[[approvers]]", review)))).toEqual([
    ["ok", `${can}, 1 of them with a security key or a passkey`],
  ]);
});

test("says where no socket takes decisions, and what waits, whether a daemon serves or not", async () => {
  const proposals = (findings: readonly Finding[]) =>
    findings.filter(({ check }) => check === "proposals").map(({ state, detail }) =>
      `${state}: ${detail}`
    );
  expect(proposals((await diagnose(sound())).findings)).toEqual([
    "warning: no socket takes decisions: each would wait until it expires",
  ]);
  const socket = (directory: string, role: string) =>
    `[[sockets]]\npath = "${directory}/${role}.sock"\nrole = "${role}"\n`;
  const config = (directory: string) =>
    `${new Approver("alice").toml()}[actions.echo]\nmodule = "builtin:echo"\n` +
    socket(directory, "agent") + socket(directory, "approver");
  const daemon = await Daemon.start({ config });
  const look = async () =>
    proposals(findingsIn((await command(daemon, ["doctor", "--json"])).stdout));
  expect(await look()).toEqual(["ok: none waits"]);
  for (const n of [1, 2]) {
    await call(daemon.socket, "POST", "/proposals", { action: "echo", payload: { n } });
  }
  const two = expect.stringMatching(/^ok: waiting: 2, the oldest for \d+ s$/);
  expect(await look()).toEqual([two]);
  const review = `${daemon.directory}/approver.sock`;
  await Deno.remove(review);
  expect(await look()).toEqual([
    `failed: the daemon that serves has no socket ${review}`,
    two,
  ]);
  await daemon.stop();
  expect(await look()).toEqual([two]);
  await daemon.close();
});

test.each<[string, string, () => string]>([
  [
    "an action that asks for stronger keys than there are",
    "keys",
    () => `${sound()}[actions.echo]\nmodule = "builtin:echo"\nrequire = "hardware"\n`,
  ],
  ["a configuration that does not load", "configuration", () => "nonsense = 1\n"],
  ["that nobody can approve", "keys", () => sound().replace(approver(), "")],
  ["too few approvers whose keys are valid", "keys", () => {
    const bob = approver(", not_after = 2020-01-01T00:00:00Z").replace("alice", "bob").replace(
      "a-1",
      "b-1",
    )
      .replace(/ed25519:[^"]+/, "ed25519:1KEUgnpVPDe71dYjpHRhlOLsgT/Kjlc96cdpq8+XbDs=");
    return `${sound()}${bob}[actions.echo]\nmodule = "builtin:echo"\napprovals = 2\n`;
  }],
  [
    "keys that expired",
    "keys",
    () => sound().replace(approver(), approver(", not_after = 2020-01-01T00:00:00Z")),
  ],
  [
    "a handler that is not what was pinned",
    "handlers",
    () =>
      `${sound()}[actions.double]\nmodule = "${HANDLER}"\ndigest = "sha256:${"0".repeat(64)}"\n`,
  ],
  [
    "a group that is not there",
    "permissions",
    () => sound().replace("[[approvers]]", 'mode = "0660"\ngroup = "nobody-here"\n[[approvers]]'),
  ],
])("fails for %s, with a remedy", async (_, check, config) => {
  const { code, findings } = await diagnose(config());
  const failures = findings.filter(({ state }) => state === "failed");
  expect(failures.map((finding) => finding.check)).toContain(check);
  expect(failures.every(({ remedy }) => remedy !== null && remedy !== "")).toBe(true);
  expect(code).toBe(1);
});

test("a key is valid until not_after and at that moment, as it is for the daemon", async () => {
  const until = Date.UTC(2026, 5, 1);
  const config = sound().replace(approver(), approver(", not_after = 2026-06-01T00:00:00Z"));
  const keysAt = async (nowMs: number) =>
    failuresOf(await diagnose(config, 0o644, nowMs)).includes("keys");
  expect([await keysAt(until), await keysAt(until + 1)]).toEqual([false, true]);
});

test("fails for everything on the file system that a daemon would stumble over, at once", async () => {
  await Deno.mkdir(`${folder}/world`);
  await Deno.chmod(`${folder}/world`, 0o777);
  await Deno.writeTextFile(`${folder}/file.sock`, "");
  const socket = (path: string) => `[[sockets]]\npath = "${folder}/${path}"\n`;
  const { findings } = await diagnose(
    `state_dir = "${folder}/state"\nanchor = "${folder}/nowhere/checkpoint"\n` +
      ["missing/a.sock", "world/b.sock", "file.sock"].map(socket).join("") + approver() +
      '[actions.echo]\nmodule = "builtin:echo"\nsecrets = ["not_there"]\n',
    0o666,
  );
  const said = findings.filter(({ state }) => state === "failed").map(({ check, detail }) =>
    `${check} ${detail}`
  );
  for (const about of ["openexec.toml", "nowhere", "missing", "world", "file.sock"]) {
    expect(said.filter((line) => line.startsWith("permissions") && line.includes(about)))
      .toHaveLength(1);
  }
  expect(said.filter((line) => line.startsWith("secrets"))).toHaveLength(1);
});

test("finds a lost executor key, another executor's ledger, a foreign anchor and a clock behind", async () => {
  const state = `${folder}/used`;
  await using daemon = await usedLedger(state);
  const config = (executor: string, anchor = "") => {
    const top = `executor_id = "${executor}"\n${anchor}`;
    return `${top}${sound().replace(`${folder}/state`, state)}`;
  };
  expect((await diagnose(config("openexec:test"))).code).toBe(0);
  expect(failuresOf(await diagnose(config("openexec:other")))).toEqual(["ledger"]);
  await Deno.writeTextFile(`${folder}/anchor`, "nothing of ours\n");
  const anchored = config("openexec:test", `anchor = "${folder}/anchor"\n`);
  expect(failuresOf(await diagnose(anchored))).toEqual(["ledger"]);
  await Deno.rename(`${state}/keys/executor.key`, `${folder}/executor.key`);
  const yesterday = Date.now() - 86_400_000;
  expect(failuresOf(await diagnose(config("openexec:test"), 0o644, yesterday))).toEqual([
    "executor key",
    "clock",
  ]);
  expect(daemon.output).toContain("ready");
});

test("finds a lost key of the vault, as does a daemon, which serves the rest", async () => {
  const alice = new Approver("alice");
  let id = "";
  await using daemon = await usedLedger(`${folder}/vaulted`, alice, async ({ socket }) => {
    const approved = alice.approve(request("echo", {}));
    ({ id } = (await call(socket, "POST", "/execute", approved)).json);
  });
  await Deno.remove(`${folder}/vaulted/vault`, { recursive: true });
  const config = `executor_id = "openexec:test"\n${sound()}`;
  const found = await diagnose(config.replace(`${folder}/state`, `${folder}/vaulted`));
  expect(failuresOf(found)).toEqual(["vault"]);

  const second = await Daemon.start({
    directory: daemon.directory,
    arguments: ["--state", `${folder}/vaulted`],
  });
  const { status } = await call(second.socket, "GET", `/executions/${id}`);
  await second.stop();
  const told = () => second.output.join("\n");
  expect(status).toBe(503);
  await expect.poll(told).toContain("keys of the vault are missing or were swapped");
});

/** A state directory that a daemon has used, and left. */
async function usedLedger(
  state: string,
  approver = new Approver("alice"),
  use: (daemon: Daemon) => Promise<void> = () => Promise.resolve(),
): Promise<Daemon & AsyncDisposable> {
  const daemon = await Daemon.start({
    config: `executor_id = "openexec:test"\n${approver.toml()}`,
    arguments: ["--state", state],
  });
  await use(daemon);
  await daemon.stop();
  return Object.assign(daemon, { [Symbol.asyncDispose]: () => daemon.close() });
}

test("finds a daemon that takes no work, and counts what only that one can see as there", async () => {
  const daemon = await Daemon.start({ config: new Approver("alice").toml() });
  await call(daemon.socket, "POST", "/admin/halt");
  await Deno.rename(`${daemon.directory}/state/keys/executor.key`, `${daemon.directory}/away`);
  const run = await openexec(
    ["doctor", "--json", "--config", `${daemon.directory}/openexec.toml`],
    {
      nowMs: Date.now(),
    },
  );
  expect(failuresOf({ findings: findingsIn(run.out) })).toEqual(["daemon"]);
  expect(run.code).toBe(1);
  await daemon.close();
});

test("says of a ledger behind its anchor what lets a daemon start again", async () => {
  const anchor = `${folder}/newest.checkpoint`;
  const daemon = await Daemon.start({
    config: `executor_id = "openexec:test"\nanchor = "${anchor}"\n${new Approver("alice").toml()}`,
  });
  expect((await command(daemon, ["backup", `${daemon.directory}/backup`])).code).toBe(0);
  await command(daemon, ["halt"]);
  await daemon.stop();
  expect((await command(daemon, ["restore", `${daemon.directory}/backup`])).code).toBe(0);
  const look = async () => {
    const { code, stdout } = await command(daemon, ["doctor", "--json"]);
    return { code, found: findingsIn(stdout).find(({ check }) => check === "ledger") };
  };
  const { found } = await look();
  expect(found).toMatchObject({ state: "failed", detail: expect.stringContaining(anchor) });
  expect(found?.remedy).toMatch(
    /accept the loss with `openexec restore`.*, and set that file aside$/,
  );
  await Deno.rename(anchor, `${anchor}.aside`);
  expect(await look()).toMatchObject({ code: 0, found: { state: "ok" } });
  await daemon.close();
});

test("goes on where the daemon that runs does not let this user ask", async () => {
  const daemon = await Daemon.start({
    config: (directory) =>
      `${
        new Approver("alice").toml()
      }[[sockets]]\npath = "${directory}/agent.sock"\nuids = [4242]\n` +
      `[[sockets]]\npath = "${directory}/admin.sock"\nrole = "admin"\n`,
  });
  const run = await openexec(
    ["doctor", "--json", "--config", `${daemon.directory}/openexec.toml`],
    {
      nowMs: Date.now(),
    },
  );
  const findings = findingsIn(run.out);
  expect([run.code, run.err, failuresOf({ findings })]).toEqual([0, "", []]);
  expect(findings.slice(-2).map(({ check }) => check)).toEqual(["executor key", "daemon"]);
  expect(findings.at(-1)?.detail).toBe("one runs; this user may not ask it: peer_denied");
  await daemon.close();
});

test("goes on where the daemon has no time, and where something else listens on its socket", async () => {
  await Deno.writeTextFile(`${folder}/openexec.toml`, sound());
  await using daemon = await FakeDaemon.start();
  const argv = [
    "doctor",
    "--json",
    "--config",
    `${folder}/openexec.toml`,
    "--socket",
    daemon.socketPath,
  ];
  const ask = async () => findingsIn((await openexec(argv, { nowMs: Date.now() })).out).at(-1);
  daemon.mishaps.push(...Array.from({ length: 9 }, () => ({ problem: "rate_limited" } as const)));
  expect(await ask()).toMatchObject({ check: "daemon", state: "ok" });
  daemon.mishaps.splice(0, Infinity, ...Array.from({ length: 9 }, () => ({ answer: "hello" })));
  expect(await ask()).toMatchObject({ check: "daemon", state: "failed" });
});

testWith("prlimit")("fails where a process may open too few files", async () => {
  await Deno.writeTextFile(`${folder}/openexec.toml`, sound());
  const { stdout, code } = await new Deno.Command("prlimit", {
    args: ["--nofile=300:300", OPENEXEC, "doctor", "--json", "--config", `${folder}/openexec.toml`],
  }).output();
  expect(failuresOf({ findings: findingsIn(new TextDecoder().decode(stdout)) })).toEqual([
    "descriptors",
  ]);
  expect(code).toBe(1);
});

test.skipIf(!MAY_MOUNT)(
  "fails where the disk is nearly full [needs mount(8) as root]",
  async () => {
    using disk = mountSmallDisk(2 ** 20);
    const { findings } = await diagnose(sound().replace(`${folder}/state`, `${disk?.path}/state`));
    expect(failuresOf({ findings })).toEqual(["disk"]);
  },
);

test("fails for files that are open to others", async () => {
  await Deno.mkdir(`${folder}/open`, { mode: 0o755 });
  const { code, findings } = await diagnose(sound().replace(`${folder}/state`, `${folder}/open`));
  expect(findings).toContainEqual(
    expect.objectContaining({ check: "permissions", state: "failed" }),
  );
  expect(code).toBe(1);
});
