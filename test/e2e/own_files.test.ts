/** A daemon whose files others can change does not start; one that runs is closed to its user. */

import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { join } from "node:path";
import { StartupError } from "../../src/core/startup_error.ts";
import { requireOwnFiles } from "../../src/daemon/own_files.ts";
import { load } from "../config/loading.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver } from "../support/approver.ts";
import { Daemon, OPENEXEC } from "../support/daemon.ts";
import { asUser, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { publicCheckout } from "../support/public_checkout.ts";
import { until } from "../support/until.ts";

const checkout = publicCheckout();
afterAll(() => checkout.remove());

const FOLDERS = ["handlers", "state", "sockets", "secrets", "kept", "anchor", "commands"];
const FILES = ["handlers/tell.ts", "secrets/token", "kept/log", "commands/tell"];

const alice = new Approver("alice");
let directory: string;
beforeEach(() => {
  directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "openexec-own-" }));
  for (const name of FOLDERS) Deno.mkdirSync(at(name), { mode: 0o755 });
  Deno.writeTextFileSync(at("secrets/token"), "a secret of the handler", { mode: 0o600 });
  Deno.writeTextFileSync(at("kept/log"), "", { mode: 0o600 });
  Deno.writeTextFileSync(at("commands/tell"), "#!/bin/sh\n", { mode: 0o755 });
  Deno.copyFileSync(handler("tell.ts"), at("handlers/tell.ts"));
});
afterEach(() => Deno.removeSync(directory, { recursive: true }));

const at = (name: string): string => join(directory, name);
const config = (): string =>
  `executor_id = "openexec:test"\nanchor = "${at("anchor/newest")}"\n` +
  alice.toml() +
  actionToml("tell", at("handlers/tell.ts"), `secrets = { token = "${at("secrets/token")}" }`) +
  `[checkpoints]\nfile = "${at("kept/log")}"\n[notify]\ncommand = ["${at("commands/tell")}"]\n` +
  `[[sockets]]\npath = "${at("sockets/admin.sock")}"\nrole = "admin"\n`;

function writeConfig(): void {
  Deno.writeTextFileSync(at("openexec.toml"), `state_dir = "${at("state")}"\n${config()}`, {
    mode: 0o600,
  });
}

async function expectRefusal(path: string, why: string): Promise<void> {
  const daemon = Daemon.launch({ directory, config: config() });
  const { code } = await daemon.process.status;
  await until(() => daemon.output.length > 0);
  expect(code, daemon.output.join("\n")).toBe(2);
  expect(daemon.output.join("\n")).toContain(path);
  expect(daemon.output.join("\n")).toContain(why);
}

/** What a start says of the configuration's files, before anything else happens. */
function faultOfFiles(): string | undefined {
  const text = Deno.readTextFileSync(at("openexec.toml"));
  const { config: loaded } = load(text, { config: at("openexec.toml") });
  try {
    requireOwnFiles(loaded);
    return undefined;
  } catch (error) {
    if (error instanceof StartupError) return error.message;
    throw error;
  }
}

test.each([
  ["its state directory", "state", 0o777],
  ["its state directory, sticky as it is", "state", 0o1777],
  ["its handler", "handlers/tell.ts", 0o646],
  ["the folder of its handler", "handlers", 0o757],
  ["a secret", "secrets/token", 0o602],
  ["the folder of a secret", "secrets", 0o757],
  ["the folder of its anchor", "anchor", 0o757],
  ["the file of its checkpoints", "kept/log", 0o646],
  ["the command that it tells people by", "commands/tell", 0o757],
  ["its configuration", "openexec.toml", 0o666],
  ["the folder above them all", "", 0o777],
])("requireOwnFiles() refuses what everyone can write to: %s", (_, name, mode) => {
  writeConfig();
  expect(faultOfFiles()).toBeUndefined();
  Deno.chmodSync(at(name), mode);
  expect(faultOfFiles()).toContain(at(name));
  expect(faultOfFiles()).toContain("chmod o-w");
});

testAsOthers("requireOwnFiles() refuses each file that is another user's", () => {
  writeConfig();
  for (const name of [...FOLDERS, ...FILES, "openexec.toml"].filter((name) => name !== "sockets")) {
    Deno.chownSync(at(name), OTHER_UID, 0);
    expect(faultOfFiles()).toContain(at(name));
    expect(faultOfFiles()).toContain("belongs to another user");
    Deno.chownSync(at(name), 0, 0);
  }
});

test.each([
  ["its state directory", "state"],
  ["the folder of its socket", "sockets"],
])("a daemon refuses to start where everyone can write to %s", async (_, name) => {
  Deno.chmodSync(at(name), 0o777);
  await expectRefusal(at(name), "chmod o-w");
});

testAsOthers("a daemon refuses to start where a file of its is another user's", async () => {
  for (const name of ["handlers/tell.ts", "sockets"]) {
    Deno.chownSync(at(name), OTHER_UID, 0);
    await expectRefusal(at(name), "belongs to another user");
    Deno.chownSync(at(name), 0, 0);
  }
});

test("a start names a secret that everyone can read, and a closed one never", async () => {
  const said = `everyone on this host can read the secret in ${at("secrets/token")}`;
  const start = async (): Promise<boolean> => {
    const daemon = await Daemon.start({ directory, config: config() });
    await daemon.close();
    return daemon.output.join("\n").includes(said);
  };
  expect(await start()).toBe(false);
  Deno.chmodSync(at("secrets/token"), 0o644);
  expect(await start()).toBe(true);
});

test("a reload takes nothing from a configuration that others can change", async () => {
  const daemon = await Daemon.start({ directory, config: config() });
  Deno.chmodSync(at("openexec.toml"), 0o666);
  daemon.process.kill("SIGHUP");
  await until(() => daemon.output.some((line) => line.includes("reload failed")));
  expect(daemon.output.join("\n")).toContain(at("openexec.toml"));
  await daemon.close();
});

const LOOK = `
import os, sys
opened = []
for name in ["environ", "maps", "mem", "fd/0", "cwd", "root"]:
    path = "/proc/" + sys.argv[1] + "/" + name
    try:
        os.readlink(path) if name in ("fd/0", "cwd", "root") else os.close(os.open(path, os.O_RDONLY))
        opened.append(name)
    except PermissionError:
        pass
print(" ".join(opened))
`;

testAsOthers(
  "others of a daemon's user find nothing of it in /proc, and no core is left",
  async () => {
    for (const name of ["", ...FOLDERS, ...FILES]) Deno.chownSync(at(name), OTHER_UID, OTHER_UID);
    const [setpriv = "", ...who] = asUser(OTHER_UID, OTHER_UID);
    const look = async (pid: number): Promise<string> => {
      const args = [...who, "/usr/bin/python3", "-I", "-c", LOOK, String(pid)];
      const { stdout } = await new Deno.Command(setpriv, { args }).output();
      return new TextDecoder().decode(stdout).trim();
    };
    const daemon = await Daemon.start({
      directory,
      config: config(),
      wrapper: [setpriv, ...who],
      openexec: checkout.openexec,
    });
    expect(await look(daemon.pid)).toBe("");
    const other = new Deno.Command(setpriv, { args: [...who, "sleep", "60"] }).spawn();
    await until(async () => (await look(other.pid)).startsWith("environ maps"));
    other.kill();
    await other.status;
    const limits = Deno.readTextFileSync(`/proc/${daemon.pid}/limits`);
    expect(limits).toMatch(/^Max core file size +0 +0 /m);
    await daemon.close();
  },
);

test("a daemon refuses to start under a limit to the size of files, and says so", async () => {
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'ulimit -f 2048; exec "$0" serve --config "$1"', OPENEXEC, at("openexec.toml")],
  }).output();
  expect(code).toBe(2);
  expect(new TextDecoder().decode(stderr)).toContain("LimitFSIZE");
});
