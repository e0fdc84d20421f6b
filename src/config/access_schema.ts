/** Who gets in and who may approve: [[sockets]], [[approvers]] and [clawshield]. */

import * as v from "valibot";
import {
  choice,
  defaulted,
  instant,
  integer,
  list,
  mode,
  name,
  names,
  optional,
  path,
  patterns,
  publicKey,
  required,
  span,
  table,
  text,
} from "./fields.ts";

export const socketSchema = table({
  path: required(
    path,
    "Where the socket is. At most 104 bytes; the file names of all sockets differ, because receipts name them.",
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
    choice(["agent", "admin"]),
    "agent",
    "An admin socket also serves /metrics and /admin, and shows every peer's executions.",
  ),
  actions: optional(names, "Actions that may be asked for through this socket. Left out: all."),
  uids: optional(
    list(integer(0, 2 ** 32 - 2), "a list of user numbers"),
    "Users admitted, by the kernel's word (SO_PEERCRED). Left out: all that `mode` and `group` let in.",
  ),
});

const keySchema = table({
  keyid: required(name, "What the approver's signatures call this key. Unique in the file."),
  public_key: required(
    publicKey,
    'Ed25519: "ed25519:BASE64", PEM (SPKI) or "ssh-ed25519 ...". Unique in the file.',
  ),
  not_before: optional(instant, "Signatures by this key count from then on. Left out: always."),
  not_after: optional(instant, "Signatures by this key count until then. Left out: for ever."),
});

export const approverSchema = table({
  name: required(name, 'The `iss` of this approver\'s approvals. Unique; "clawshield" is taken.'),
  actions: defaulted(patterns, ["*"], "Actions this approver may approve."),
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

export type SocketSettings = v.InferOutput<typeof socketSchema>;
export type ApproverSettings = v.InferOutput<typeof approverSchema>;
