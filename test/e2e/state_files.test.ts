import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { shared, sharedStep } from "../support/shared.ts";
import { until } from "../support/until.ts";
import { asUser, OTHER_GID, OTHER_UID, testAsOthers } from "../support/other_users.ts";

const PATHS = [
  "openexec.toml",
  "state/lock",
  "state/ballast",
  "state/executor.pub",
  "state/executors",
  "state/vault",
  "state/keys/executor.key",
  "state/ledger/data.mdb",
  "state/ledger/lock.mdb",
];

/** A daemon that serves. */
const serving = shared(async () => {
  const daemon = await Daemon.start({ config: new Approver("alice").toml() });
  return { daemon, [Symbol.asyncDispose]: () => daemon.close() };
});

/** The folder in which it ran, once it has ended. Each test has a copy. */
const ended = sharedStep(async () => {
  const { daemon } = await serving();
  await daemon.stop();
  return daemon.directory;
});

async function used(): Promise<string> {
  const from = await ended();
  const directory = Deno.makeTempDirSync({ prefix: "openexec-used-" });
  onTestFinished(() => Deno.removeSync(directory, { recursive: true }));
  execFileSync("cp", ["-a", `${from}/.`, directory]);
  const config = join(directory, "openexec.toml");
  Deno.writeTextFileSync(config, Deno.readTextFileSync(config).replaceAll(from, directory));
  return directory;
}

async function start(directory: string, wrapper: readonly string[] = []) {
  const daemon = Daemon.launch({ directory, wrapper });
  const { code } = await daemon.process.status;
  await until(() => daemon.output.length > 0); // its pipe is read later than its end is told
  return { code, said: daemon.output.join("\n") };
}

test("a reload that finds a pipe in the place of the configuration fails, and work goes on", async () => {
  const { daemon } = await serving();
  const config = join(daemon.directory, "openexec.toml");
  Deno.renameSync(config, `${config}.aside`);
  execFileSync("mkfifo", [config]);
  daemon.process.kill("SIGHUP");
  await expect.poll(() => daemon.output.join("\n")).toContain("reload failed");
  expect((await call(daemon.socket, "GET", "/ready")).status).toBe(200);
  Deno.renameSync(`${config}.aside`, config);
});

test("a pipe in the place of any file ends a start with 2, and does not keep it waiting", async () => {
  const directory = await used();
  for (const path of PATHS.map((name) => join(directory, name))) {
    Deno.renameSync(path, `${directory}/aside`);
    execFileSync("mkfifo", [path]);
    const { code, said } = await start(directory);
    expect([code, said], path).toEqual([2, expect.stringContaining(path)]);
    Deno.removeSync(path);
    Deno.renameSync(`${directory}/aside`, path);
  }
});

test("a folder in the place of the ballast ends a start with 2, and is named", async () => {
  const directory = await used();
  const ballast = join(directory, "state/ballast");
  Deno.removeSync(ballast);
  Deno.mkdirSync(ballast);
  expect(await start(directory)).toEqual({ code: 2, said: expect.stringContaining(ballast) });
});

test("below a symbolic link all of it works: ballast, anchor, pruning and a second start", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-linked-" });
  onTestFinished(() => Deno.removeSync(folder, { recursive: true }));
  Deno.mkdirSync(join(folder, "real/elsewhere"), { recursive: true });
  const directory = join(folder, "link");
  Deno.symlinkSync(join(folder, "real"), directory);
  const alice = new Approver("alice");
  const daemon = await Daemon.start({
    directory,
    config: `executor_id = "openexec:test"
anchor = "${directory}/elsewhere/newest"
${alice.toml()}
[retention]
payload = "1s"
result = "1s"
[checkpoints]
file = "${directory}/elsewhere/all"
interval = "50ms"`,
  });
  const approved = alice.approve(request("echo", {}));
  const { json } = await call(daemon.socket, "POST", "/execute", approved);
  expect(json.status).toBe("succeeded");
  await until(async () => {
    await call(daemon.socket, "POST", "/admin/prune");
    return !isThereKey(directory);
  });
  await daemon.stop();
  expect(daemon.output.join("\n")).not.toMatch(/"level":"(error|warning)"/);
  const again = await Daemon.start({ directory });
  expect((await call(again.socket, "GET", "/ready")).status).toBe(200);
  await again.stop();
});

function isThereKey(directory: string): boolean {
  return [...Deno.readDirSync(join(directory, "state/vault"))].length > 0;
}

testAsOthers("a file of another user ends a start with 2, and is named", async () => {
  const directory = await used();
  Deno.chmodSync(directory, 0o755);
  execFileSync("chown", ["-R", `${OTHER_UID}:${OTHER_GID}`, directory]);
  for (
    const name of ["lock", "ballast", "keys/executor.key", "ledger/data.mdb", "ledger/lock.mdb"]
  ) {
    const path = join(directory, "state", name);
    Deno.chownSync(path, 0, 0);
    const { code, said } = await start(directory, asUser(OTHER_UID, OTHER_GID));
    expect([code, said], path).toEqual([2, expect.stringContaining(path)]);
    Deno.chownSync(path, OTHER_UID, OTHER_GID);
  }
});

testAsOthers("what root restores belongs to the daemon's user, who starts on it", async () => {
  const directory = await used();
  Deno.chmodSync(directory, 0o755);
  const as = { directory, socket: join(directory, "agent.sock") };
  expect((await openexecHere(as, ["backup", `${directory}/copy`])).code).toBe(0);
  for (const gone of ["state/ledger", "state/lock"]) {
    Deno.removeSync(join(directory, gone), { recursive: true });
  }
  execFileSync("chown", ["-R", `${OTHER_UID}:${OTHER_GID}`, directory]);
  expect((await openexecHere(as, ["restore", `${directory}/copy`])).code).toBe(0);
  expect((await openexecHere(as, ["audit"])).code).toBe(0);
  expect(ownersIn(join(directory, "state"))).toEqual(new Set([OTHER_UID]));

  const wrapper = asUser(OTHER_UID, OTHER_GID);
  const daemon = await Daemon.start({ directory, wrapper });
  await daemon.stop();
  const lock = join(directory, "state/lock");
  Deno.chownSync(lock, 0, 0);
  const { code, stdout } = await openexecHere(as, ["doctor"]);
  expect([code, stdout]).toEqual([1, expect.stringContaining(`${lock} belongs to another user`)]);
});

function ownersIn(folder: string): Set<number | null> {
  const owners = Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return [Deno.lstatSync(path).uid, ...(isDirectory ? ownersIn(path) : [])];
  });
  return new Set(owners);
}

test("a restore is refused while a service manager listens on a socket, and connects to none", async () => {
  const directory = await used();
  const path = join(directory, "agent.sock");
  const as = { directory, socket: path };
  expect((await openexecHere(as, ["backup", `${directory}/copy`])).code).toBe(0);
  const connections: unknown[] = [];
  const manager = createServer((connection) => void connections.push(connection)).listen(path);
  await once(manager, "listening");
  const { code, stderr } = await openexecHere(as, ["restore", `${directory}/copy`]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("systemctl stop")]);
  manager.close();
  await once(manager, "close");
  expect((await openexecHere(as, ["restore", `${directory}/copy`])).code).toBe(0);
  expect(connections).toEqual([]);
});
