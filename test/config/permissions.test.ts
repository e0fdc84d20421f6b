import { afterAll, beforeAll, expect, test } from "vitest";
import { SYSTEM_CONFIG } from "../../src/config/defaults.ts";
import { StartupError } from "../../src/core/startup_error.ts";
import { permissionFlags } from "../../src/config/permissions.ts";
import { RUNTIME_FLAGS } from "../../src/os/deno_flags.ts";
import { realPath } from "../../src/os/files.ts";
import { program } from "../../src/os/program.ts";
import { load } from "./loading.ts";

const FILES = { root: "/lib/node_modules/openexec", packages: "/lib/node_modules" };

/** There are no links on the way to any path. */
const AS_WRITTEN = (path: string) => path;

const TEXT = `
mode = "demo"
state_dir = "/state"
anchor = "/mnt/anchor"
[[sockets]]
path = "/run/o/agent.sock"
[actions.x]
module = "x.ts"
secrets = { k = "/keys/k" }
allow = { env = ["LANG"], read = ["/data"], net = ["example.com"] }
[checkpoints]
file = "/pub/checkpoint"
command = ["/bin/publish", "x"]
[notify]
command = ["/bin/notify"]
`;

test("permissionFlags() lists what the configuration names, and no network", () => {
  const flags = permissionFlags(load(TEXT).config, FILES, "/run/credentials/o", AS_WRITTEN);
  const lists = new Map(flags.map((flag) => {
    const [name = "", values] = flag.split("=");
    return [name, values?.split(",") ?? null];
  }));
  expect([...lists.keys()].sort()).toEqual([
    "--allow-env",
    "--allow-ffi",
    "--allow-read",
    "--allow-run",
    "--allow-sys",
    "--allow-write",
    "--ignore-env",
  ]);
  const written = ["/state", "/mnt", "/pub", "/run/o/agent.sock"];
  expect(lists.get("--allow-write")).toEqual(written);
  expect(lists.get("--allow-read")).toEqual([
    "/lib/node_modules/openexec",
    "/lib/node_modules",
    "/etc/openexec/openexec.toml",
    "/etc/openexec/x.ts",
    "/keys/k",
    ...written,
    "/run/credentials/o",
  ]);
  expect(lists.get("--allow-run")).toEqual(["/bin/publish", "/bin/notify"]);
  expect(lists.get("--allow-env")).toContain("LANG");
});

test("permissionFlags() lists a path below a link as it is written, and where it leads", () => {
  const flags = permissionFlags(
    load('mode = "demo"\nstate_dir = "/link/state"').config,
    FILES,
    null,
    (path) => path.startsWith("/link/") ? undefined : path.replace(/^\/link$/, "/real"),
  );
  const write = flags.find((flag) => flag.startsWith("--allow-write="));
  expect(write?.split(/[=,]/)).toEqual(expect.arrayContaining(["/link/state", "/real/state"]));
});

test("permissionFlags() has nothing of what handlers may reach but their variables' names", () => {
  const flags = permissionFlags(load(TEXT).config, FILES, null, AS_WRITTEN).join(" ");
  expect(flags).not.toContain("/data");
  expect(flags).not.toContain("example.com");
});

test("permissionFlags() lets a daemon without a configuration file look for one again", () => {
  const flags = permissionFlags(load(null).config, FILES, null, AS_WRITTEN);
  expect(flags.find((flag) => flag.startsWith("--allow-read="))?.split(/[=,]/)).toContain(
    SYSTEM_CONFIG,
  );
});

test("permissionFlags() never gives a list that is empty, which would mean everything", () => {
  for (const flag of permissionFlags(load('mode = "demo"').config, FILES, null, AS_WRITTEN)) {
    expect(flag).not.toMatch(/=(,|$)/);
  }
});

test("permissionFlags() refuses a path with a comma, which the runtime would read as two", () => {
  const { config } = load('mode = "demo"\nstate_dir = "/state,/etc"');
  expect(() => permissionFlags(config, FILES, null, AS_WRITTEN)).toThrow(StartupError);
});

let folder = "";
let outcomes: unknown;

beforeAll(async () => {
  folder = Deno.realPathSync(Deno.makeTempDirSync());
  for (const name of ["state", "anchors", "run", "handlers"]) Deno.mkdirSync(`${folder}/${name}`);
  Deno.writeTextFileSync(`${folder}/handlers/x.ts`, "handler");
  const { config } = load(`
mode = "demo"
state_dir = "${folder}/state"
anchor = "${folder}/anchors/a"
[[sockets]]
path = "${folder}/run/agent.sock"
[actions.x]
module = "${folder}/handlers/x.ts"
allow = { env = ["GRANTED"] }
`);
  const probe = new URL("./permission_probe.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(program.runtime, {
    args: [
      "run",
      ...RUNTIME_FLAGS,
      ...permissionFlags(config, program, null, realPath),
      probe,
      `${folder}/state`,
      `${folder}/run/agent.sock`,
      `${folder}/handlers/x.ts`,
      `${folder}/anchors/a`,
    ],
    env: { HOME: folder, GRANTED: "yes", PATH: "/bin" },
    clearEnv: true,
  }).output();
  const printed = new TextDecoder().decode(stdout);
  if (!printed.startsWith("{")) throw new Error(new TextDecoder().decode(stderr));
  outcomes = JSON.parse(printed);
});

afterAll(() => Deno.removeSync(folder, { recursive: true }));

test("under these flags the runtime lets the daemon do its work", () => {
  expect(outcomes).toMatchObject({
    "open the ledger": "1",
    "listen": "done",
    "start an executor": "exit code 0",
    "read a handler": "handler",
    "replace the anchor": "done",
    "read the environment": folder,
    "read a granted variable": "yes",
    "ask for free space and user": "true",
  });
});

test("under these flags the runtime lets the daemon do nothing else", () => {
  expect(outcomes).toMatchObject({
    "read another file": "NotCapable",
    "write another file": "NotCapable",
    "rewrite a handler": "NotCapable",
    "start its own runtime otherwise": "NotCapable",
    "start another program": "NotCapable",
    "read another variable": "undefined",
    "listen on TCP": "NotCapable",
    "connect by TCP": "NotCapable",
    "connect to a socket": "NotCapable",
  });
});
