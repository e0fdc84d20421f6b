/** Files that do not load: the key to mend, its line, and the text. */

import { KEYS } from "./loading.ts";

export interface BadFile {
  readonly key: string;
  readonly line: number;
  readonly text: string;
}

function bad(key: string, line: number, ...lines: readonly string[]): BadFile {
  return { key, line, text: lines.join("\n") };
}

const APPROVER = `[[approvers]]\nname = "a"\nkeys = [{ keyid = "k", public_key = "${KEYS[0]}" }]`;
const ECHO = '[actions.echo]\nmodule = "builtin:echo"';
const FILE_ACTION = `[actions.pay]\nmodule = "./pay.ts"\ndigest = "sha256:${"0".repeat(64)}"`;

/** The parts of a line that is a security key's, and a passkey's public key. */
const SSH_SK = [
  "sk-ssh-ed25519@openssh.com",
  "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIIFR5/inM+uQN35QilyZmngBliKaenRBhO4cINykDp6G" +
  "AAAABHNzaDo=",
];
const SK_RAW = "ed25519:gVHn+Kcz65A3flCKXJmaeAGWIpp6dEGE7hwg3KQOnoY=";
const PASSKEY = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnZ0RfvpzvD6GyqKtfVCEcF9+v4G3nXDjJdDcYFBV4YgT" +
  "AcaikzscaHkqttyEeIDkI3ANOF7qPkOMAaFu0XQInQ==";

function passkey(fields: string): string {
  return key(`keyid = "k", passkey = "${PASSKEY}", ${fields}`);
}

function key(fields: string): string {
  return `[[approvers]]\nname = "a"\nkeys = [{ ${fields} }]`;
}

/** Wrong in themselves: a key that does not exist or a value of the wrong shape. */
export const MISSHAPEN: readonly BadFile[] = [
  bad("", 1, "mode ="),
  bad("", 2, 'mode = "demo"', 'mode = "demo"'),
  bad("", 3, "[limits]", "in_flight = 1", "[limits]"),
  bad("colour", 1, 'colour = "red"'),
  bad("Mode", 1, 'Mode = "enforced"'),
  bad("__proto__", 2, 'mode = "demo"', "__proto__ = 1"),
  bad("actions.constructor", 1, "[actions.constructor]", 'module = "builtin:echo"'),
  bad("limits.toString", 2, "[limits]", "toString = 1"),
  bad("executor_id", 1, "executor_id = 7"),
  bad("executor_id", 1, 'executor_id = "host 1"'),
  bad("executor_id", 1, 'executor_id = "host+1"'),
  bad("executor_id", 1, 'executor_id = ""'),
  bad("executor_id", 1, `executor_id = "${"x".repeat(256)}"`),
  bad("mode", 1, 'mode = "permissive"'),
  bad("mode", 1, "mode = true"),
  bad("tenant", 1, "tenant = 1.5"),
  bad("tenant", 1, 'tenant = "t\\u00e9"'),
  bad("state_dir", 1, 'state_dir = "~/openexec"'),
  bad("state_dir", 1, 'state_dir = ""'),
  bad("state_dir", 1, 'state_dir = "a\\u0000b"'),
  bad("sockets", 1, 'sockets = "agent.sock"'),
  bad("sockets", 1, "sockets = []"),
  bad("sockets[0]", 1, 'sockets = ["agent.sock"]'),
  bad("sockets[0].path", 1, "[[sockets]]", 'mode = "0600"'),
  bad("sockets[0].mode", 3, "[[sockets]]", 'path = "a"', 'mode = "0606"'),
  bad("sockets[0].mode", 3, "[[sockets]]", 'path = "a"', "mode = 0o660"),
  bad("sockets[0].mode", 3, "[[sockets]]", 'path = "a"', 'mode = "4660"'),
  bad("sockets[0].mode", 3, "[[sockets]]", 'path = "a"', 'mode = "u=rw"'),
  bad("sockets[0].group", 3, "[[sockets]]", 'path = "a"', 'group = "a:b"'),
  bad(
    "sockets[1].role",
    5,
    "[[sockets]]",
    'path = "a"',
    "[[sockets]]",
    'path = "b"',
    'role = "root"',
  ),
  bad("sockets[0].uids[1]", 3, "[[sockets]]", 'path = "a"', "uids = [0, -1]"),
  bad("sockets[0].uids[0]", 4, "[[sockets]]", 'path = "a"', "uids = [", "  4294967295]"),
  bad("sockets[0].uids[0]", 3, "[[sockets]]", 'path = "a"', "uids = [1.0]"),
  bad("sockets[0].actions", 3, "[[sockets]]", 'path = "a"', 'actions = "echo"'),
  bad("sockets[0].owner", 3, "[[sockets]]", 'path = "a"', 'owner = "root"'),
  bad("approvers", 1, "[approvers]"),
  bad(
    "approvers[0].name",
    1,
    "[[approvers]]",
    `keys = [{ keyid = "k", public_key = "${KEYS[0]}" }]`,
  ),
  bad("approvers[0].keys", 1, "[[approvers]]", 'name = "a"'),
  bad("approvers[0].keys", 3, "[[approvers]]", 'name = "a"', "keys = []"),
  bad("approvers[0].max_ttl", 4, APPROVER, 'max_ttl = "15"'),
  bad("approvers[0].max_ttl", 4, APPROVER, 'max_ttl = "1500ms"'),
  bad("approvers[0].max_ttl", 4, APPROVER, 'max_ttl = "none"'),
  bad("approvers[0].keys[0].keyid", 3, key(`public_key = "${KEYS[0]}"`)),
  bad("approvers[0].keys[0].public_key", 3, key('keyid = "k", public_key = "ed25519:AAAA"')),
  bad(
    "approvers[0].keys[0].public_key",
    3,
    key(`keyid = "k", public_key = "ed25519:${"A".repeat(43)}="`),
  ),
  bad("approvers[0].keys[0].public_key", 3, key('keyid = "k", public_key = "ssh-rsa AAAA"')),
  bad("approvers[0].groups", 4, APPROVER, 'groups = "ops"'),
  bad("approvers[0].keys[0].ssh", 3, key(`keyid = "k", ssh = "ssh-ed25519 ${SSH_SK[1]}"`)),
  bad("approvers[0].keys[0].ssh", 3, key('keyid = "k", ssh = "ssh-rsa AAAAB3NzaC1yc2EAAAA="')),
  bad("approvers[0].keys[0].ssh", 3, key(`keyid = "k", ssh = "ed25519:${KEYS[0]}"`)),
  bad("approvers[0].keys[0].passkey", 3, key('keyid = "k", passkey = "AAAA", rp_id = "localhost"')),
  ...["Localhost", "https://a.example", "a.example:1", "-a", "a..b", ""].map((rpId) =>
    bad("approvers[0].keys[0].rp_id", 3, passkey(`rp_id = "${rpId}"`))
  ),
  ...["localhost:8822", "http://localhost/", "http://localhost:80", "http://a.example", ""].map(
    (origin) =>
      bad(
        "approvers[0].keys[0].origins[0]",
        3,
        passkey(`rp_id = "localhost", origins = ["${origin}"]`),
      ),
  ),
  bad("approvers[0].keys[0].origins", 3, passkey('rp_id = "localhost", origins = []')),
  bad("actions.echo.require", 3, ECHO, 'require = "strong"'),
  bad("actions.echo.approvals", 3, ECHO, 'approvals = "2"'),
  bad("actions.echo.approvals.ops", 3, ECHO, "approvals = { ops = 0 }"),
  bad("actions.echo.approvals", 3, ECHO, "approvals = { ops = 1.5 }"),
  bad(
    "approvers[0].keys[0].not_after",
    3,
    key(`keyid = "k", public_key = "${KEYS[0]}", not_after = "2027-01-01T00:00:00Z"`),
  ),
  bad(
    "approvers[0].keys[0].not_before",
    3,
    key(`keyid = "k", public_key = "${KEYS[0]}", not_before = 2027-01-01`),
  ),
  bad(
    "approvers[0].keys[0].secret",
    3,
    key(`keyid = "k", public_key = "${KEYS[0]}", secret = "s"`),
  ),
  bad("actions.echo.module", 1, "[actions.echo]"),
  bad('actions."a b"', 1, '[actions."a b"]', 'module = "builtin:echo"'),
  bad("actions.echo", 2, "[actions]", 'echo = "builtin:echo"'),
  bad("actions.pay.digest", 3, "[actions.pay]", 'module = "p.ts"', `digest = "${"0".repeat(64)}"`),
  bad(
    "actions.pay.digest",
    3,
    "[actions.pay]",
    'module = "p.ts"',
    `digest = "sha256:${"A".repeat(64)}"`,
  ),
  bad("actions.echo.approvals", 3, ECHO, "approvals = 0"),
  bad("actions.echo.approvals", 3, ECHO, "approvals = 2.0"),
  bad("actions.echo.timeout", 3, ECHO, "timeout = 10"),
  bad("actions.echo.timeout", 3, ECHO, 'timeout = "0s"'),
  bad("actions.echo.timeout", 3, ECHO, 'timeout = "25d"'),
  bad("actions.echo.timeout", 3, ECHO, 'timeout = "10 s"'),
  bad("actions.echo.concurrency", 3, ECHO, "concurrency = 0"),
  bad("actions.echo.isolation", 3, ECHO, 'isolation = "none"'),
  bad("actions.echo.idempotent", 3, ECHO, 'idempotent = "yes"'),
  bad("actions.echo.on_interrupt", 3, ECHO, 'on_interrupt = "retry"'),
  bad("actions.echo.memory", 3, ECHO, 'memory = "1MB"'),
  bad("actions.echo.memory", 3, ECHO, "memory = 1024"),
  bad("actions.echo.secrets[1]", 3, ECHO, 'secrets = ["a", "../b"]'),
  bad("actions.echo.secrets", 3, ECHO, "secrets = true"),
  bad("actions.echo.secrets", 3, ECHO, "secrets = { a = 1 }"),
  bad("actions.echo.retention.payload", 3, ECHO, 'retention = { payload = "never" }'),
  bad("actions.echo.retention.payloads", 3, ECHO, 'retention = { payloads = "1h" }'),
  bad("actions.echo.allow.net[0]", 3, ECHO, 'allow = { net = ["a,b"] }'),
  bad("actions.echo.allow.net[0]", 3, ECHO, 'allow = { net = [""] }'),
  bad("actions.echo.allow.net[0]", 3, ECHO, 'allow = { net = ["unix:/run/docker.sock"] }'),
  bad("actions.echo.allow.net[0]", 3, ECHO, 'allow = { net = ["https://example.com"] }'),
  bad("actions.echo.allow.read[0]", 4, ECHO, "[actions.echo.allow]", 'read = ["data"]'),
  bad("actions.echo.allow.write[0]", 3, ECHO, 'allow = { write = ["/a,/"] }'),
  bad("actions.echo.allow.env[0]", 3, ECHO, 'allow = { env = ["*"] }'),
  bad("actions.echo.allow.run[0]", 3, ECHO, 'allow = { run = ["sh"] }'),
  bad("actions.echo.allow.ffi", 3, ECHO, "allow = { ffi = [] }"),
  bad("actions.echo.allow", 3, ECHO, "allow = []"),
  bad("clawshield.public_key", 2, "[clawshield]", 'public_key = "PEM"', 'tenant = "t"'),
  bad("clawshield.secret", 2, "[clawshield]", 'secret = "s"'),
  bad("retention.payload", 2, "[retention]", "payload = 24"),
  bad("retention.result", 2, "[retention]", 'result = "500ms"'),
  bad("retention", 1, "retention = 2026-01-01T00:00:00Z"),
  bad("limits", 1, "[[limits]]"),
  bad("limits.request_bytes", 2, "[limits]", "request_bytes = 0"),
  bad("limits.request_bytes", 2, "[limits]", 'request_bytes = "2 MiB"'),
  bad("limits.in_flight", 2, "[limits]", "in_flight = 0"),
  bad("limits.in_flight", 2, "[limits]", "in_flight = inf"),
  bad("limits.requests_per_second", 2, "[limits]", "requests_per_second = -1"),
  bad("limits.header_timeout", 2, "[limits]", 'header_timeout = "none"'),
  bad("limits.drain_timeout", 2, "[limits]", 'drain_timeout = "30s"'),
  bad("checkpoints.command", 2, "[checkpoints]", "command = []"),
  bad("checkpoints.command[1]", 2, "[checkpoints]", 'command = ["/bin/tee", 1]'),
];

/** Every key is well-formed; together they are not. */
export const CONTRADICTORY: readonly BadFile[] = [
  bad(
    "sockets[1].path",
    4,
    "[[sockets]]",
    'path = "/a/x.sock"',
    "[[sockets]]",
    'path = "/b/x.sock"',
  ),
  bad("sockets[0].path", 2, "[[sockets]]", `path = "/${"d".repeat(104)}"`),
  bad("sockets[0].path", 2, "[[sockets]]", 'path = "/run/my agent.sock"'),
  bad("approvers[0].name", 2, APPROVER.replace('"a"', '"clawshield"')),
  bad("approvers[1].name", 5, APPROVER, key(`keyid = "l", public_key = "${KEYS[1]}"`)),
  bad(
    "approvers[1].keys[0].keyid",
    6,
    APPROVER,
    key(`keyid = "k", public_key = "${KEYS[1]}"`).replace('"a"', '"b"'),
  ),
  bad(
    "approvers[1].keys[0].public_key",
    6,
    APPROVER,
    key(`keyid = "l", public_key = "${KEYS[0]}"`).replace('"a"', '"b"'),
  ),
  bad("approvers[0].keys[0]", 3, key('keyid = "k"')),
  bad(
    "approvers[0].keys[0]",
    3,
    key(`keyid = "k", public_key = "${KEYS[0]}", ssh = "${SSH_SK.join(" ")}"`),
  ),
  bad("approvers[0].keys[0].rp_id", 3, key(`keyid = "k", passkey = "${PASSKEY}"`)),
  bad(
    "approvers[0].keys[0].rp_id",
    3,
    key(`keyid = "k", public_key = "${KEYS[0]}", rp_id = "localhost"`),
  ),
  bad(
    "approvers[0].keys[0].origins",
    3,
    key(`keyid = "k", ssh = "${SSH_SK.join(" ")}", origins = ["http://localhost:8822"]`),
  ),
  ...["http://localhost:8822", "https://b.a.example", "https://example"].map((origin) =>
    bad(
      "approvers[0].keys[0].origins[0]",
      3,
      passkey(`rp_id = "a.example", origins = ["${origin}"]`),
    )
  ),
  bad(
    "approvers[0].keys[0].origins[1]",
    3,
    passkey('rp_id = "localhost", origins = ["http://localhost:1", "https://a.example"]'),
  ),
  // one key is one person's, in whatever clothes it comes
  bad(
    "approvers[1].keys[0].ssh",
    6,
    key(`keyid = "k", public_key = "${SK_RAW}"`),
    key(`keyid = "l", ssh = "${SSH_SK.join(" ")}"`).replace('"a"', '"b"'),
  ),
  bad(
    "approvers[1].keys[0].passkey",
    6,
    passkey('rp_id = "localhost"'),
    passkey('rp_id = "a.example"').replace('"a"', '"b"').replace('"k"', '"l"'),
  ),
  bad("actions.echo.approvals", 6, APPROVER, ECHO, "approvals = { ops = 1 }"),
  bad(
    "actions.echo.approvals",
    7,
    APPROVER,
    'groups = ["ops", "finance"]',
    ECHO,
    "approvals = { ops = 1, finance = 1 }",
  ),
  bad("actions.echo.approvals", 3, ECHO, "approvals = {}"),
  bad("actions.echo.approvals", 3, ECHO, "approvals = { ops = 40, finance = 40 }"),
  bad(
    "approvers[0].keys[0].public_key",
    3,
    APPROVER,
    "[clawshield]",
    `public_key = "${KEYS[0]}"`,
    'tenant = "t"',
  ),
  bad(
    "approvers[0].keys[0].not_after",
    3,
    key(
      `keyid = "k", public_key = "${
        KEYS[0]
      }", not_before = 2027-01-01T00:00:00Z, not_after = 2026-01-01T00:00:00Z`,
    ),
  ),
  bad("actions.x.module", 2, "[actions.x]", 'module = "builtin:sh"'),
  bad("actions.echo.digest", 3, ECHO, `digest = "sha256:${"0".repeat(64)}"`),
  bad("actions.pay.digest", 1, "[actions.pay]", 'module = "./pay.ts"'),
  bad("actions.pay.on_interrupt", 4, FILE_ACTION, 'on_interrupt = "rerun"'),
  bad(
    "actions.pay.on_interrupt",
    5,
    FILE_ACTION,
    "idempotent = true",
    'on_interrupt = "rerun"',
    'retention = { payload = "none" }',
  ),
  bad(
    "actions.pay.on_interrupt",
    5,
    FILE_ACTION,
    "idempotent = true",
    'on_interrupt = "rerun"',
    "[retention]",
    'payload = "none"',
  ),
  bad("actions.echo.approvals", 6, APPROVER, ECHO, "approvals = 2"),
  bad(
    "actions.echo.approvals",
    10,
    APPROVER,
    'actions = ["add"]',
    "[clawshield]",
    `public_key = "${KEYS[1]}"`,
    'tenant = "t"',
    ECHO,
    "approvals = 2",
  ),
  bad(
    "clawshield.tenant",
    4,
    'tenant = "t1"',
    "[clawshield]",
    `public_key = "${KEYS[0]}"`,
    'tenant = "t2"',
  ),
  bad("clawshield", 1, "[clawshield]", 'tenant = "t"'),
  bad("clawshield", 1, "[clawshield]", `public_key = "${KEYS[0]}"`),
  bad("checkpoints.command", 2, "[checkpoints]", 'command = ["tee", "x"]'),
  bad("notify.command", 2, "[notify]", 'command = ["mail"]'),
  bad("proposals.expires", 2, "[proposals]", 'expires = "8d"'),
  bad("proposals.per_uid", 2, "[proposals]", "per_uid = 0"),
  bad(
    "sockets[0].role",
    4,
    'mode = "demo"',
    "[[sockets]]",
    'path = "/run/o/review.sock"',
    'role = "approver"',
  ),
];
