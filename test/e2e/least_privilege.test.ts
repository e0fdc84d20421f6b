/** What the real daemon runs with: the permissions its configuration calls for, as a user of its own, from files it cannot change. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dirname } from "node:path";
import { program } from "../../src/os/program.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { asUser, OTHER_GID, OTHER_GROUP, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { argumentsOf, environmentOf } from "../support/processes.ts";
import { publicCheckout } from "../support/public_checkout.ts";
import { until } from "../support/until.ts";

const alice = new Approver("alice");
const ECHO = `[actions.echo]\nmodule = "builtin:echo"\n`;
const NOBODY = asUser(OTHER_UID, OTHER_UID);
const checkout = publicCheckout();
const AS_NOBODY = { wrapper: NOBODY, openexec: checkout.openexec };
afterAll(() => checkout.remove());

const AS_ROOT = /^warning: running as root: .*user of its own/;
const OWN_USER =
  /^warning: agents that connect under the daemon's own user .*: run it as a user of its own/;

/** What `serve` warns of at its start. */
function warningsOf(daemon: Daemon): string[] {
  return daemon.output.filter((line) => line.startsWith("warning: "));
}

/** A fresh folder that belongs to that user, with folders for sockets and checkpoints. */
function folderOf(uid: number): string {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-privilege-" });
  const folders = [
    directory,
    ...["agents", "operators", "kept"].map((name) => `${directory}/${name}`),
  ];
  for (const folder of folders.slice(1)) Deno.mkdirSync(folder);
  if (uid !== Deno.uid()) { for (const folder of folders) Deno.chownSync(folder, uid, uid); }
  return directory;
}

async function end(daemon: Daemon): Promise<void> {
  await daemon.close();
  Deno.removeSync(daemon.directory, { recursive: true });
}

/** Several sockets, an anchor, checkpoints in a file and to a command. */
const rich = (directory: string) =>
  `executor_id = "openexec:test"
anchor = "${directory}/kept/anchor"
${alice.toml()}${ECHO}
[checkpoints]
file = "${directory}/kept/checkpoints"
command = ["/bin/sh", "-c", "cat > ${directory}/kept/handed-over"]
interval = "200ms"
[[sockets]]
path = "${directory}/agents/first.sock"
[[sockets]]
path = "${directory}/agents/second.sock"
actions = ["echo"]
[[sockets]]
path = "${directory}/operators/admin.sock"
role = "admin"
`;

/** Every part of that configuration at work. */
async function exercise(directory: string): Promise<void> {
  for (const socket of ["agents/first", "agents/second", "operators/admin"]) {
    const approved = alice.approve(request("echo", { socket }));
    const { json } = await call(`${directory}/${socket}.sock`, "POST", "/execute", approved);
    expect(json).toMatchObject({ status: "succeeded", result: { socket } });
  }
  const admin = `${directory}/operators/admin.sock`;
  const { text } = await call(admin, "GET", "/log/checkpoint");
  for (const name of ["anchor", "checkpoints", "handed-over"]) {
    await until(() => read(`${directory}/kept/${name}`).includes(text));
  }
  const copy = { directory: `${directory}/state/copy-${crypto.randomUUID()}` };
  expect((await call(admin, "POST", "/admin/backup", copy)).status).toBe(200);
}

describe("as whoever runs this", () => {
  /** Would load code into the runtime, or is a secret of the shell. */
  const foreign = {
    LD_BIND_NOW: "1",
    NODE_OPTIONS: "--no-warnings",
    DENO_V8_FLAGS: "--expose-gc",
    TOKEN: "x",
  };
  let directory: string;
  let daemon: Daemon;
  beforeAll(async () => {
    directory = folderOf(Deno.uid() ?? 0);
    daemon = await Daemon.start({ directory, config: rich(directory), env: foreign });
  });
  afterAll(() => end(daemon));

  test("its permissions are listed one by one: its own files, no network, no program but the configured", async () => {
    const granted = argumentsOf(daemon.pid).filter((argument) =>
      /^-(A|-allow|-deny|[RWNESI]$)/.test(argument)
    );
    const lists = new Map(granted.map((flag) => {
      const [name = "", list] = flag.split("=");
      return [name, list?.split(",") ?? "all"];
    }));
    const kinds = ["env", "ffi", "read", "run", "sys", "write"].map((kind) => `--allow-${kind}`);
    expect([...lists.keys()].sort()).toEqual(kinds);
    expect(kinds.filter((kind) => lists.get(kind) === "all")).toEqual(["--allow-ffi"]);
    expect(lists.get("--allow-run")).toEqual(["/bin/sh"]);
    const written = [
      "state",
      "kept",
      "agents/first.sock",
      "agents/second.sock",
      "operators/admin.sock",
    ]
      .map((name) => `${directory}/${name}`);
    expect(lists.get("--allow-write")).toEqual(written);
    const read = [program.root, program.packages, `${directory}/openexec.toml`, ...written];
    expect(lists.get("--allow-read")).toEqual(read);
    await exercise(directory);
  });

  test("no variable reaches it that it does not read, and its runtime asks nobody for updates", () => {
    const variables = environmentOf(daemon.pid);
    expect(Object.keys(foreign).filter((name) => name in variables)).toEqual([]);
    expect(variables).toHaveProperty("DENO_NO_UPDATE_CHECK");
  });

  test("it says at its start when it runs as root or as its agents' user, and what to do", () => {
    const warnings = warningsOf(daemon);
    expect(warnings.filter((line) => AS_ROOT.test(line))).toHaveLength(Deno.uid() === 0 ? 1 : 0);
    expect(warnings.filter((line) => OWN_USER.test(line))).toHaveLength(1);
  });
});

testAsOthers(
  "as a user of its own, from files of root's, it does all that its configuration says",
  async () => {
    const directory = folderOf(OTHER_UID);
    const first = await Daemon.start({ directory, ...AS_NOBODY, config: rich(directory) });
    expect(userOf(first.pid)).toEqual(Array(4).fill(String(OTHER_UID)));
    expect(Deno.statSync(AS_NOBODY.openexec).uid).toBe(0);
    await exercise(directory);
    await end(first);
  },
);

testAsOthers("it warns of nothing where agents come in by group", async () => {
  const directory = folderOf(OTHER_UID);
  const daemon = await Daemon.start({
    directory,
    ...AS_NOBODY,
    wrapper: asUser(OTHER_UID, OTHER_GID),
    config: `${alice.toml()}${ECHO}
[[sockets]]
path = "${directory}/agents/agent.sock"
mode = "0660"
group = "${OTHER_GROUP}"
[[sockets]]
path = "${directory}/operators/admin.sock"
role = "admin"
`,
  });
  expect(warningsOf(daemon)).toEqual([]);
  await end(daemon);
});

testAsOthers("the pipe of request, approve and exec works for a user who is nobody", async () => {
  const directory = folderOf(OTHER_UID);
  const daemon = await Daemon.start({ directory, ...AS_NOBODY });
  const [setpriv = "", ...who] = NOBODY;
  const key = `${directory}/state/openexec/approver.key`;
  const pipe =
    `openexec request echo '{"msg":"hi"}' | openexec approve --key ${key} --yes - | openexec exec --json -`;
  const { code, stdout } = await new Deno.Command(setpriv, {
    args: [...who, "sh", "-c", pipe],
    cwd: directory,
    clearEnv: true,
    env: {
      PATH: `${dirname(AS_NOBODY.openexec)}:/usr/bin:/bin`,
      HOME: directory,
      XDG_RUNTIME_DIR: `${directory}/run`,
      XDG_STATE_HOME: `${directory}/state`,
    },
    stderr: "null",
  }).output();
  const printed = JSON.parse(new TextDecoder().decode(stdout));
  expect([code, printed]).toMatchObject([0, { status: "succeeded", result: { msg: "hi" } }]);
  await end(daemon);
});

/** Its real, effective, saved and file system uid. */
function userOf(pid: number): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return /^Uid:\s+(.*)$/m.exec(text)?.[1]?.split(/\s+/) ?? [];
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
