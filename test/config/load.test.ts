import { expect, test } from "vitest";
import { base64Decode } from "../../src/core/bytes.ts";
import { ConfigError, problemText } from "../../src/config/config_error.ts";
import { DEVELOPMENT_APPROVER, DEVELOPMENT_KEYID } from "../../src/config/defaults.ts";
import { readConfigFile } from "../../src/daemon/own_files.ts";
import { FILE, KEYS, load, problemsOf } from "./loading.ts";

const key = Uint8Array.from(base64Decode(KEYS[0].slice("ed25519:".length)) ?? []);

test("loadConfig() prefers --config to OPENEXEC_CONFIG, and that to the system's file", () => {
  const read = (options: { config?: string; variable?: string }): string[] => {
    const asked: string[] = [];
    try {
      load(null, {
        ...(options.config === undefined ? {} : { config: options.config }),
        environment: options.variable === undefined ? {} : { OPENEXEC_CONFIG: options.variable },
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      asked.push(...error.problems.map(({ source }) => source));
    }
    return asked;
  };
  expect(read({ config: "/c.toml", variable: "/v.toml" })).toEqual(["/c.toml"]);
  expect(read({ variable: "v.toml" })).toEqual(["/here/v.toml"]);
  expect(read({})).toEqual([]);
});

test("loadConfig() refuses a file that is not UTF-8, or begins with a byte-order mark", () => {
  expect(problemsOf(Uint8Array.of(0x23, 0xff)).map(({ source, line }) => [source, line])).toEqual([[
    FILE,
    null,
  ]]);
  expect(problemsOf("\ufeffmode = 'demo'").map(({ line }) => line)).toEqual([1]);
});

test("an empty file is the embedded default without its approver", () => {
  const empty = load("").config;
  const embedded = load(null).config;
  expect({ ...empty, path: null, developmentApprover: embedded.developmentApprover }).toEqual(
    embedded,
  );
  expect(empty.developmentApprover).toBeNull();
});

test("the embedded default has per-user paths, the built-ins, and a development approver", () => {
  const asked: string[] = [];
  const { config } = load(null, {
    developmentKey: (file) => {
      asked.push(file);
      return { keyid: DEVELOPMENT_KEYID, publicKey: key };
    },
  });
  expect(asked).toEqual(["/home/u/.local/state/openexec/approver.key"]);
  expect(config).toMatchObject({
    path: null,
    mode: "enforced",
    stateDir: "/home/u/.local/state/openexec",
    developmentApprover: "/home/u/.local/state/openexec/approver.key",
    approvers: [{
      name: DEVELOPMENT_APPROVER,
      keys: [{ keyid: DEVELOPMENT_KEYID, publicKey: key }],
    }],
  });
  expect([...config.actions.keys()]).toEqual(["echo", "add"]);
  expect(config.sockets.map(({ path, mode, role }) => [path, mode, role])).toEqual([
    ["/home/u/.openexec/run/agent.sock", 0o600, "agent"],
    ["/home/u/.openexec/run/review.sock", 0o600, "approver"],
    ["/home/u/.openexec/run/admin.sock", 0o600, "admin"],
  ]);
});

test("the embedded default follows the XDG variables, and ignores relative ones", () => {
  const environment = { XDG_RUNTIME_DIR: "/run/user/1000", XDG_STATE_HOME: "/state" };
  const { config } = load(null, { environment });
  expect(config.stateDir).toBe("/state/openexec");
  expect(config.sockets[0]?.path).toBe("/run/user/1000/openexec/agent.sock");
  expect(load(null, { environment: { XDG_STATE_HOME: "state" } }).config.stateDir).toBe(
    "/home/u/.local/state/openexec",
  );
});

test.each(
  [
    ["in demo mode", { overrides: { mode: "demo" } }],
    ["where ClawShield approves", {
      environment: { CLAWSHIELD_PUBLIC_KEY: KEYS[0], CLAWSHIELD_TENANT_ID: "t" },
    }],
  ] as const,
)("the embedded default makes no approver %s", (_, given) => {
  const { config } = load(null, {
    ...given,
    developmentKey: () => {
      throw new Error("asked for a key");
    },
  });
  expect(config.developmentApprover).toBeNull();
  expect(config.approvers).toEqual([]);
});

test("the embedded default needs to know where the user's files are", () => {
  expect(problemsOf(null, { environment: { HOME: "" } }).map(({ source }) => source)).toEqual([
    "HOME",
  ]);
  const elsewhere = { state: "/s", socket: "/r/x.sock" };
  expect(load(null, { environment: { HOME: "" }, overrides: elsewhere }).config.stateDir).toBe(
    "/s",
  );
});

test("an option that names nothing is refused, and never stands for the working directory", () => {
  const problems = problemsOf(null, { overrides: { state: "", socket: "" } });
  expect(problems.map(({ source }) => source)).toEqual(["--state", "--socket"]);
});

test("options go before variables before the file", () => {
  const text = 'state_dir = "state"\n[[sockets]]\npath = "run/a.sock"\n' +
    '[[sockets]]\npath = "b.sock"\nrole = "admin"';
  const paths = (given: Parameters<typeof load>[1]) => {
    const { stateDir, sockets } = load(text, given).config;
    return [stateDir, ...sockets.map(({ path }) => path)];
  };
  const environment = { OPENEXEC_STATE_DIR: "/v/state", OPENEXEC_SOCKET: "v.sock" };
  expect(paths({})).toEqual([
    "/etc/openexec/state",
    "/etc/openexec/run/a.sock",
    "/etc/openexec/b.sock",
  ]);
  expect(paths({ environment })).toEqual(["/v/state", "/here/v.sock", "/etc/openexec/b.sock"]);
  expect(paths({ environment, overrides: { state: "o", socket: "/o.sock" } })).toEqual([
    "/here/o",
    "/o.sock",
    "/etc/openexec/b.sock",
  ]);
});

test("an overriding socket path replaces that of the first agent socket", () => {
  const text =
    '[[sockets]]\npath = "/admin.sock"\nrole = "admin"\n[[sockets]]\npath = "/agent.sock"';
  const { sockets } = load(text, { overrides: { socket: "/other.sock" } }).config;
  expect(sockets.map(({ path }) => path)).toEqual(["/admin.sock", "/other.sock"]);
});

test("without one it replaces that of the first socket", () => {
  const text = '[[sockets]]\npath = "/admin.sock"\nrole = "admin"';
  const { sockets } = load(text, { overrides: { socket: "/other.sock" } }).config;
  expect(sockets).toMatchObject([{ path: "/other.sock", role: "admin" }]);
});

test("two daemons with their own --socket in one folder have their own other sockets", () => {
  const others = (socket: string) =>
    load(null, { overrides: { socket } }).config.sockets.slice(1).map(({ path }) => path);
  expect(others("/tmp/x.sock")).toEqual(["/tmp/x.review.sock", "/tmp/x.admin.sock"]);
  expect(others("/tmp/z")).toEqual(["/tmp/z.review", "/tmp/z.admin"]);
});

test("in demo mode nothing is decided: the default has no review socket", () => {
  const { sockets } = load('mode = "demo"').config;
  expect(sockets.map(({ role }) => role)).toEqual(["agent", "admin"]);
});

test("proposals wait for an hour, and have bounds, unless the file says otherwise", () => {
  expect(load("").config.proposals).toEqual({
    expiresMs: 3_600_000,
    perUid: 32,
    total: 1000,
    perMinute: 60,
    declineCooldownMs: 600_000,
  });
  expect(load('[proposals]\nexpires = "7d"\nper_uid = 1').config.proposals).toMatchObject({
    expiresMs: 7 * 86_400_000,
    perUid: 1,
  });
});

test("--mode goes before the file", () => {
  expect(load('mode = "enforced"', { overrides: { mode: "demo" } }).config.mode).toBe("demo");
  expect(load('mode = "demo"', { overrides: { mode: "enforced" } }).config.mode).toBe("enforced");
});

test("demo mode needs no digest and no approvers", () => {
  const { config, warnings } = load('mode = "demo"\n[actions.x]\nmodule = "x.ts"\napprovals = 3');
  expect(config.actions.get("x")).toMatchObject({
    module: { file: "/etc/openexec/x.ts" },
    digest: null,
  });
  expect(warnings).toEqual([]);
});

test("built-ins have other defaults than modules", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const { actions } = load(
    '[limits]\nin_flight = 7\n[actions.echo]\nmodule = "builtin:echo"\n' +
      `[actions.m]\nmodule = "m.ts"\ndigest = "${digest}"`,
  ).config;
  expect(actions.get("echo")).toMatchObject({
    concurrency: 7,
    isolation: "reuse",
    module: { builtin: "echo" },
  });
  expect(actions.get("m")).toMatchObject({ concurrency: 4, isolation: "fresh", digest });
});

test("secrets come from the credentials directory, or from the files that are named", () => {
  const text = (secrets: string) => `[actions.echo]\nmodule = "builtin:echo"\nsecrets = ${secrets}`;
  const read = (secrets: string, environment = {}) => [
    ...load(text(secrets), { environment }).config.actions.get("echo")?.secrets ?? [],
  ];
  expect(read('["k"]', { CREDENTIALS_DIRECTORY: "/run/c" })).toEqual([["k", "/run/c/k"]]);
  expect(read('["k"]')).toEqual([["k", "/run/credentials/openexec.service/k"]]);
  expect(read('{ k = "keys/k", l = "/l" }')).toEqual([["k", "/etc/openexec/keys/k"], ["l", "/l"]]);
});

test("units become milliseconds, bytes, bits, seconds and null", () => {
  const { config } = load(`
[[sockets]]
path = "/a"
mode = "0640"
[actions.echo]
module = "builtin:echo"
timeout = "1500ms"
memory = "1GiB"
retention = { result = "none" }
[[approvers]]
name = "a"
max_ttl = "1h"
keys = [{ keyid = "k", public_key = "${KEYS[0]}", not_before = 1970-01-01T01:00:10+01:00 }]
[retention]
payload = "none"
result = "2d"
[limits]
body_timeout = "2m"
result_bytes = "1KiB"
`);
  expect(config.sockets[0]?.mode).toBe(0o640);
  expect(config.actions.get("echo")).toMatchObject({
    timeoutMs: 1500,
    memoryBytes: 2 ** 30,
    retention: { resultMs: null },
  });
  expect(config.approvers[0]).toMatchObject({
    maxTtlSeconds: 3600,
    keys: [{ notBefore: 10, publicKey: key }],
  });
  expect(config.retention).toEqual({ payloadMs: null, resultMs: 172_800_000 });
  expect(config.limits).toMatchObject({ bodyMs: 120_000, resultBytes: 1024 });
});

test("what is unlikely to be meant is warned of, with its line", () => {
  const { warnings } = load(`
[[sockets]]
path = "/a"
actions = ["ehco"]
[actions.echo]
module = "builtin:echo"
`);
  expect(warnings.map(({ source, line, key }) => [source, line, key])).toEqual([
    [FILE, 4, "sockets[0].actions"],
    [FILE, 5, "actions.echo.approvals"],
  ]);
});

test("problems read as FILE:LINE: key: message", () => {
  expect(problemsOf("colour = 1").map(problemText)[0]).toMatch(
    /^\/etc\/openexec\/openexec\.toml:1: colour: /,
  );
  expect(new ConfigError([]).exitCode).toBe(2);
});

test("readConfigFile() knows a file that is not there from one that cannot be read", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/openexec.toml`, "mode");
    expect(readConfigFile(`${folder}/openexec.toml`)).toEqual(new TextEncoder().encode("mode"));
    expect(readConfigFile(`${folder}/other.toml`)).toBeUndefined();
    expect(() => readConfigFile(folder)).toThrow(ConfigError);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
