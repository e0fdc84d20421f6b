import { afterEach, expect, test } from "vitest";
import { ConfigError } from "../../src/config/config_error.ts";
import { checkPaths } from "../../src/config/load.ts";
import { realPath } from "../../src/os/files.ts";
import { load } from "./loading.ts";

/** A file system in which everything is there and nothing is a link, except as said. */
function world(links: Readonly<Record<string, string>> = {}) {
  return (path: string): string => {
    const link = Object.keys(links).find((from) => path === from || path.startsWith(`${from}/`));
    return link === undefined ? path : `${links[link]}${path.slice(link.length)}`;
  };
}

const CONFIGURED = `
mode = "demo"
state_dir = "/var/lib/openexec"
anchor = "/mnt/a/checkpoint"
[[sockets]]
path = "/run/openexec/agent.sock"
[checkpoints]
file = "/srv/log/checkpoint"
[actions.other]
module = "/opt/handlers/other.ts"
secrets = { token = "/srv/secrets/token" }
`;

function refusedKeys(text: string, real: (path: string) => string | undefined): string[] {
  try {
    checkPaths(load(text), "/usr/lib/openexec", real);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.map(({ line, key }) => `${line} ${key}`);
    }
    throw error;
  }
}

function allowing(kind: "read" | "write", path: string): string {
  const action = '[actions.x]\nmodule = "builtin:echo"';
  return `${CONFIGURED}${action}\nallow = { ${kind} = ["/data", "${path}"] }`;
}

const TOUCHING = [
  "/",
  "/var",
  "/var/lib/openexec",
  "/var/lib/openexec/",
  "/var/lib/../lib/openexec/vault",
  "/var/lib/openexec/vault",
  "/etc/openexec",
  "/etc/openexec/openexec.toml",
  "/run/openexec/agent.sock",
  "/run",
  "/opt/handlers",
  "/opt/handlers/other.ts",
  "/srv/secrets/token",
  "/srv",
  "/mnt/a/checkpoint",
  "/srv/log/checkpoint",
];

test.each(TOUCHING)("checkPaths() refuses permissions to read or write %s", (path) => {
  for (const kind of ["read", "write"] as const) {
    expect(refusedKeys(allowing(kind, path), world())).toEqual([`14 actions.x.allow.${kind}[1]`]);
  }
});

test.each([
  "/var/lib/openexec2",
  "/var/lib/open",
  "/etc/openexec/data",
  "/run/openexec/agent",
  "/home",
])(
  "checkPaths() admits a permission for %s",
  (path) => {
    expect(refusedKeys(allowing("write", path), world())).toEqual([]);
  },
);

test("openexec's own files may be read but not written", () => {
  expect(refusedKeys(allowing("read", "/usr/lib"), world())).toEqual([]);
  expect(refusedKeys(allowing("write", "/usr/lib"), world())).toHaveLength(1);
});

test.each([
  ["a permission for a link to the state directory", "/data/link", {
    "/data/link": "/var/lib/openexec",
  }],
  ["a permission below a link to it", "/data/link/vault", { "/data/link": "/var/lib/openexec" }],
  ["a permission for where the state directory really is", "/disk2", {
    "/var/lib/openexec": "/disk2/openexec",
  }],
  ["a permission for the folder of the link to it", "/var/lib", {
    "/var/lib/openexec": "/disk2/openexec",
  }],
])("checkPaths() refuses %s", (_, path, links) => {
  expect(refusedKeys(allowing("read", path), world(links))).toHaveLength(1);
});

test("checkPaths() looks at what is not there yet by its folder", () => {
  const real = (path: string) =>
    path === "/data" ? "/var/lib/openexec" : path === "/" ? "/" : undefined;
  expect(refusedKeys(allowing("write", "/data/new/deep"), real)).toHaveLength(2);
});

test("checkPaths() refuses an anchor inside the state directory, links resolved", () => {
  const text = 'state_dir = "/s"\nanchor = "/elsewhere/c"';
  expect(refusedKeys(text, world())).toEqual([]);
  expect(refusedKeys(text.replace("/elsewhere", "/s"), world())).toEqual(["2 anchor"]);
  expect(refusedKeys(text, world({ "/elsewhere": "/s" }))).toEqual(["2 anchor"]);
});

const scratch: string[] = [];
afterEach(() => {
  for (const path of scratch.splice(0)) Deno.removeSync(path, { recursive: true });
});

test("checkPaths() refuses a permission for a link to the state directory on the disk", () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  scratch.push(folder);
  Deno.mkdirSync(`${folder}/state`);
  Deno.symlinkSync(`${folder}/state`, `${folder}/link`);
  const text = (path: string) => `
state_dir = "${folder}/state"
[actions.x]
module = "builtin:echo"
allow = { write = ["${folder}/${path}"] }`;
  expect(refusedKeys(text("link"), realPath)).toHaveLength(1);
  expect(refusedKeys(text("link/not/there"), realPath)).toHaveLength(1);
  expect(refusedKeys(text("other"), realPath)).toHaveLength(0);
});
