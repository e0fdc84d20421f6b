/** An action that may be asked for, and what its handler may reach: [actions.NAME]. */

import * as v from "valibot";
import { SIGNATURES_MAX } from "../core/limits.ts";
import { REQUIREMENTS } from "../core/approvers_needed.ts";
import { DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX } from "../core/presentation.ts";
import {
  choice,
  defaulted,
  digest,
  flag,
  integer,
  list,
  name,
  optional,
  path,
  required,
  retention,
  size,
  table,
  tableOf,
  text,
  timer,
} from "./fields.ts";

const GIB = 2 ** 30;
/** An envelope has no more signatures. */
const APPROVALS_MAX = SIGNATURES_MAX;

const absolutePaths = list(
  text(/^\/[^,\0]*$/, "a path, absolute and without a comma"),
  "a list of paths",
);

export const allowSchema = table({
  net: defaulted(
    list(
      text(
        /^(?:\[[0-9A-Fa-f:.]+\]|(?:\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::\d{1,5})?$/,
        '"host:port", such as "api.example.com:443"',
      ),
      "a list of hosts",
    ),
    [],
    "Hosts, with port where possible, that the handler may connect to.",
  ),
  read: defaulted(
    absolutePaths,
    [],
    "Files and folders it may read, which have to be there. Links lead to nothing outside of them.",
  ),
  write: defaulted(
    absolutePaths,
    [],
    "Files and folders it may write, which have to be there. What it makes in a folder is for " +
      "the daemon's user alone.",
  ),
  env: defaulted(
    list(
      text(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable"),
      "a list of names",
    ),
    [],
    "Variables of the daemon's environment it may read.",
  ),
  run: defaulted(
    absolutePaths,
    [],
    "Programs it may start. They run in the same box, with the system's libraries to read " +
      "beside what is permitted here.",
  ),
  unix: defaulted(
    absolutePaths,
    [],
    "Unix sockets it may connect to. The kernel tells no path from another: native code " +
      "reaches every socket of the daemon's user then.",
  ),
});

const credential = text(
  /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/,
  "the name of a credential: letters, digits, _, . and -",
);

const secretsSchema = v.union(
  [list(credential, "a list of names"), tableOf(credential, path)],
  "a list of credential names, or a table of names and files such as " +
    '{ stripe_key = "/etc/keys/stripe" }',
);

const SEATS = "a whole number from 1 to 64, or numbers by group such as { finance = 1, ops = 1 }";
const seat = integer(1, APPROVALS_MAX);
const approvalsSchema = v.union([
  seat,
  v.pipe(
    tableOf(name, seat),
    v.check((groups) => {
      const counts = Object.values(groups);
      return counts.length > 0 && counts.reduce((sum, each) => sum + each) <= APPROVALS_MAX;
    }, SEATS),
  ),
], SEATS);

export const retentionDocs = {
  payload:
    "How long payload, salt and approval are kept. After that no byte of the state directory " +
    "reveals them.",
  result: "The same for results, and for the public reasons of failures.",
};

const MODULE = '"builtin:NAME" or the path of one file, absolute or relative to this file';

const title = text(
  new RegExp(`^[^\\x00-\\x1f\\x7f]{1,${TITLE_LENGTH_MAX}}$`),
  `a text of 1 to ${TITLE_LENGTH_MAX} characters on one line`,
);
const description = text(
  new RegExp(`^[^]{1,${DESCRIPTION_LENGTH_MAX}}$`),
  `a text of 1 to ${DESCRIPTION_LENGTH_MAX} characters`,
);

export const actionSchema = table({
  module: required(
    v.pipe(text(/^[^~]/, MODULE), v.excludes("\0", MODULE)),
    "The handler's code: builtin:echo, builtin:add, or one file that imports nothing but " +
      "openexec, valibot and node: built-ins.",
  ),
  digest: optional(
    digest,
    "Of the file's bytes. Required in enforced mode; the daemon refuses to start on another file.",
  ),
  title: optional(title, "Its name for people. Left out: what the handler says."),
  description: optional(
    description,
    "What it does and when to ask for it, for people and models. Left out: what the handler says.",
  ),
  fields: defaulted(
    tableOf(v.string(), description),
    {},
    "What members of the payload mean, by name. They go before the handler's own descriptions.",
  ),
  read_only: optional(
    flag,
    "A hint for models: it changes nothing. Left out: what the handler says.",
  ),
  destructive: optional(
    flag,
    "A hint for models: it may destroy or overwrite. Left out: what the handler says.",
  ),
  open_world: optional(
    flag,
    "A hint for models: it reaches things that others can change. Left out: what the handler says.",
  ),
  approvals: defaulted(
    approvalsSchema,
    1,
    "Distinct approvers that have to sign. By group, each seat takes a person of its own, who is " +
      "in that group.",
  ),
  require: defaulted(
    choice(REQUIREMENTS),
    "any",
    "Keys that count. hardware: those of security keys, and passkeys that cannot be synced; " +
      "user_verified: these, where a PIN or a finger was asked for.",
  ),
  timeout: defaulted(timer, "10s", "A handler that runs longer is ended and settled as timed_out."),
  concurrency: optional(
    integer(1, 1024),
    "Executions at a time, each in a process of its own. Left out: 4, and limits.in_flight for " +
      "built-ins.",
  ),
  isolation: optional(
    choice(["fresh", "process", "reuse"]),
    "fresh: a new process each time, started beforehand; process: the same; reuse: the same " +
      "process again. Left out: fresh, and reuse for built-ins.",
  ),
  idempotent: defaulted(
    flag,
    false,
    "Running it twice with one idempotency key does no more than running it once.",
  ),
  on_interrupt: defaulted(
    choice(["unknown", "rerun"]),
    "unknown",
    "What becomes of it when the daemon dies mid-way. rerun needs `idempotent = true` and stored " +
      "payloads.",
  ),
  allow: defaulted(
    allowSchema,
    {},
    "What the handler may reach; nothing else, and nothing by default.",
  ),
  unconfined: defaulted(
    flag,
    false,
    "Takes the handler and its programs out of the kernel's box: they can do whatever the " +
      "daemon's user can.",
  ),
  secrets: defaulted(
    secretsSchema,
    [],
    "Given to this handler alone: credentials from $CREDENTIALS_DIRECTORY by name, or a table of " +
      "names and files.",
  ),
  memory: defaulted(
    size(16 * 2 ** 20, 64 * GIB),
    "256MiB",
    "Memory of one of its processes, before it is ended.",
  ),
  retention: defaulted(
    table({
      payload: optional(retention, retentionDocs.payload),
      result: optional(retention, retentionDocs.result),
    }),
    {},
    "Left out: as in [retention].",
  ),
});

export type ActionSettings = v.InferOutput<typeof actionSchema>;
