/**
 * The configuration file: every key, what it takes, what it means and what stands for it when it is
 * left out. The parser, docs/config.md and docs/config.schema.json all come from here.
 *
 * Invariant: closed. A key that is not here is an error, so that a misspelt restriction never reads
 * as none.
 */

import * as v from "valibot";
import { actionSchema, retentionDocs } from "./action_schema.ts";
import {
  choice,
  command,
  defaulted,
  domain,
  expiry,
  instant,
  integer,
  list,
  mode,
  name,
  names,
  optional,
  origin,
  passkey,
  path,
  patterns,
  publicKey,
  required,
  retention,
  size,
  span,
  sshKey,
  table,
  tableOf,
  text,
  timer,
} from "./fields.ts";

const GIB = 2 ** 30;

const executorId = text(
  /^[\x21-\x2a\x2c-\x7e]{1,255}$/,
  'a name of 1 to 255 visible ASCII characters, no space and no "+"',
);

const socketSchema = table({
  path: required(
    path,
    "Where the socket is. At most 104 bytes; the file names of all sockets differ, because " +
      "receipts name them.",
  ),
  mode: defaulted(
    mode,
    "0600",
    "Permission bits the socket is born with. Any bit for others is refused.",
  ),
  group: optional(
    text(/^[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,254}$/, "a group's name or number"),
    "Group of the socket. Left out: the daemon's own.",
  ),
  role: defaulted(
    choice(["agent", "approver", "admin"]),
    "agent",
    "An approver socket shows the proposals of its `actions` and takes signed decisions; it " +
      "executes nothing. An admin socket also serves /metrics and /admin, and shows every peer's " +
      "executions.",
  ),
  actions: optional(names, "Actions that may be asked for through this socket. Left out: all."),
  uids: optional(
    list(integer(0, 2 ** 32 - 2), "a list of user numbers"),
    "Users admitted, by the kernel's word (SO_PEERCRED). Left out: all that `mode` and `group` " +
      "let in.",
  ),
});

const keySchema = table({
  keyid: required(name, "What the approver's signatures call this key. Unique in the file."),
  public_key: optional(
    publicKey,
    'A key that signs by itself, of `openexec keygen`: "ed25519:BASE64", PEM (SPKI) or ' +
      '"ssh-ed25519 ...". A key is one of public_key, ssh and passkey, and unique in the file.',
  ),
  ssh: optional(
    sshKey,
    "A key that signs by ssh-keygen -Y sign, from a file, an agent or a security key (sk-).",
  ),
  passkey: optional(passkey, "A passkey that signs on the review page, which prints this line."),
  rp_id: optional(domain, "The name that the passkey was made for. Required with it."),
  origins: optional(
    v.pipe(list(origin, "a list of origins"), v.minLength(1, "at least one origin")),
    "Where the passkey may be asked. Left out: http://localhost:8822, and https://RP_ID for any " +
      "other name.",
  ),
  not_before: optional(instant, "Signatures by this key count from then on. Left out: always."),
  not_after: optional(
    instant,
    "The last moment at which signatures by this key count. Left out: for ever.",
  ),
});

const approverSchema = table({
  name: required(name, 'The `iss` of this approver\'s approvals. Unique; "clawshield" is taken.'),
  actions: defaulted(patterns, ["*"], "Actions this approver may approve."),
  groups: defaulted(names, [], "Groups this approver is in, for actions that ask for some."),
  max_ttl: defaulted(
    span,
    "15m",
    "Longest life (`exp` - `iat`) of an approval this approver signs.",
  ),
  keys: required(
    v.pipe(list(keySchema, "a list of keys"), v.minLength(1, "at least one key")),
    "The approver's keys. Keep the old one beside the new one while rotating.",
  ),
});

export const clawshieldSchema = table({
  public_key: optional(
    publicKey,
    "The key ClawShield signs with. Also from CLAWSHIELD_PUBLIC_KEY.",
  ),
  tenant: optional(
    name,
    "Required, here or as CLAWSHIELD_TENANT_ID; equal to the top-level `tenant` where that is set.",
  ),
  actions: defaulted(patterns, ["*"], "Actions its artifacts may approve."),
  max_ttl: defaulted(span, "15m", "Longest life of an artifact."),
});

const limitsSchema = table({
  request_bytes: defaulted(size(1, GIB), 2097152, "Largest request body."),
  result_bytes: defaulted(size(1, GIB), 1048576, "Largest result, as JSON."),
  in_flight: defaulted(integer(1, 65_536), 256, "Requests being worked on at a time."),
  in_flight_per_uid: defaulted(integer(1, 65_536), 128, "Of them, those of one peer uid."),
  requests_per_second: defaulted(
    integer(0),
    0,
    "Per peer uid, on all agent sockets together; 0 is no limit.",
  ),
  refusal_receipts_per_minute: defaulted(
    integer(0),
    60,
    "Per peer uid; what is over is counted in a signed summary.",
  ),
  refusal_receipts_per_day: defaulted(
    integer(0),
    1000,
    "Per peer uid, and ten times as many for all; what is over is one count at the day's end.",
  ),
  connections_per_uid: defaulted(
    integer(1, 65_536),
    256,
    "Open connections per peer uid, on all agent sockets together and on each other socket.",
  ),
  connections: defaulted(
    integer(64, 65_536),
    1024,
    "Open connections of all sockets. Eight of them are for operators and approvers.",
  ),
  held_bytes_per_uid: defaulted(
    size(1, GIB),
    33554432,
    "Bodies that arrive or are worked on, and answers that wait for their reader, per peer uid " +
      "on agent sockets. What has at most 16KiB does not count. A request that is over it waits.",
  ),
  held_bytes: defaulted(size(1, 16 * GIB), 134217728, "The same for all uids together."),
  header_timeout: defaulted(timer, "10s", "For a request's headers to arrive."),
  body_timeout: defaulted(timer, "30s", "For a whole request to arrive."),
  body_idle_timeout: defaulted(timer, "5s", "For the next piece of a request to arrive."),
  drain: defaulted(timer, "30s", "How long a stopping daemon waits for what still runs."),
});

const proposalsSchema = table({
  expires: defaulted(
    expiry,
    "1h",
    "How long a proposal waits for its decisions, at most 7d; then it ends as expired.",
  ),
  per_uid: defaulted(integer(1, 65_536), 32, "Waiting proposals of one peer uid."),
  total: defaulted(integer(1, 65_536), 1000, "Waiting proposals of all peers together."),
  per_minute: defaulted(integer(1), 60, "Proposals that one peer uid may begin in a minute."),
  decline_cooldown: defaulted(
    span,
    "10m",
    "After a decline, the same action and payload of the same uid is declined at once for so long.",
  ),
});

const notifySchema = table({
  command: optional(
    command,
    "This program is told of each new proposal: id, action, expiry and how many wait, as JSON on " +
      "its standard input. The program's path is absolute.",
  ),
});

const boxSchema = table({
  kernel: defaulted(
    choice(["available", "required"]),
    "available",
    "required: refuse to start where the kernel lacks a part of the box (Landlock of version 6 " +
      "or later, seccomp). " +
      "available: start, and say at every start, in /health and in doctor what is missing.",
  ),
});

const checkpointsSchema = table({
  file: optional(path, "Each new signed checkpoint is written here as well."),
  command: optional(
    command,
    "Each new checkpoint is given to this program's standard input. The program's path is " +
      "absolute.",
  ),
  interval: defaulted(timer, "1m", "At most one checkpoint is kept or handed on in this time."),
});

export const settingsSchema = table({
  executor_id: optional(
    executorId,
    "The audience approvals name, and the origin of the log. Left out: a random one, made at " +
      "first start. The state directory remembers it and refuses another.",
  ),
  mode: defaulted(
    choice(["enforced", "demo"]),
    "enforced",
    "demo neither needs nor reads approvals and says so everywhere. The state directory " +
      "remembers the mode and refuses another.",
  ),
  tenant: optional(name, "Where set, every approval must carry it; where not, none may."),
  state_dir: optional(
    path,
    "Ledger, log and keys. Left out: $XDG_STATE_HOME/openexec, else ~/.local/state/openexec.",
  ),
  anchor: optional(
    path,
    "The newest checkpoint is kept here too, best on another disk; a ledger behind it is refused.",
  ),
  sockets: optional(
    v.pipe(list(socketSchema, "a list of [[sockets]]"), v.minLength(1, "at least one socket")),
    "Where to listen. Left out: an agent, a review and an admin socket, mode 0600, in " +
      "$XDG_RUNTIME_DIR/openexec, else ~/.openexec/run.",
  ),
  approvers: defaulted(
    list(approverSchema, "a list of [[approvers]]"),
    [],
    "Who may approve what.",
  ),
  actions: optional(
    tableOf(name, actionSchema),
    "What may be asked for, by name. Left out: the built-ins echo and add.",
  ),
  box: defaulted(boxSchema, {}, "What keeps handlers in."),
  clawshield: optional(
    clawshieldSchema,
    'Accepts artifacts of OpenExec 0.1.10, as one approver named "clawshield".',
  ),
  retention: defaulted(
    table({
      payload: defaulted(retention, "24h", retentionDocs.payload),
      result: defaulted(retention, "7d", retentionDocs.result),
    }),
    {},
    'Durations, or "none" for never stored. Receipts and tombstones stay.',
  ),
  limits: defaulted(limitsSchema, {}, "Bounds of one daemon."),
  proposals: defaulted(
    proposalsSchema,
    {},
    "Bounds of what waits for a person: no agent can flood reviewers, or take another's room.",
  ),
  notify: defaulted(notifySchema, {}, "Who is told that something waits."),
  checkpoints: defaulted(
    checkpointsSchema,
    {},
    "Where signed checkpoints of the log go besides the log.",
  ),
});

export type SocketSettings = v.InferOutput<typeof socketSchema>;
export type KeySettings = v.InferOutput<typeof keySchema>;
export type ApproverSettings = v.InferOutput<typeof approverSchema>;

/** The file as parsed: units converted, defaults in place, paths as they were written. */
export type Settings = v.InferOutput<typeof settingsSchema>;
