/**
 * The configuration file: every key, what it takes, what it means and what stands for it when it is left out. The parser,
 * docs/config.md and docs/config.schema.json all come from here.
 *
 * Invariant: closed. A key that is not here is an error, so that a misspelt restriction never reads as none.
 */

import * as v from "valibot";
import { approverSchema, clawshieldSchema, socketSchema } from "./access_schema.ts";
import { actionSchema, retentionDocs } from "./action_schema.ts";
import {
  choice,
  defaulted,
  integer,
  list,
  name,
  optional,
  path,
  retention,
  size,
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

const limitsSchema = table({
  request_bytes: defaulted(size(1, GIB), 2097152, "Largest request body."),
  result_bytes: defaulted(size(1, GIB), 1048576, "Largest result, as JSON."),
  in_flight: defaulted(integer(1, 65_536), 256, "Requests being worked on at a time."),
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
  connections_per_uid: defaulted(
    integer(1, 65_536),
    512,
    "Open connections per peer uid and socket.",
  ),
  header_timeout: defaulted(timer, "10s", "For a request's headers to arrive."),
  body_timeout: defaulted(timer, "30s", "For a whole request to arrive."),
  drain: defaulted(timer, "30s", "How long a stopping daemon waits for what still runs."),
});

const checkpointsSchema = table({
  file: optional(path, "Each new signed checkpoint is written here as well."),
  command: optional(
    v.pipe(
      list(v.string("text"), "a list of texts"),
      v.minLength(1, "at least the program's path"),
    ),
    "Each new checkpoint is given to this program's standard input. The program's path is absolute.",
  ),
  interval: defaulted(timer, "1m", "At most one checkpoint is kept or handed on in this time."),
});

export const settingsSchema = table({
  executor_id: optional(
    executorId,
    "The audience approvals name, and the origin of the log. Left out: a random one, made at first start. The state " +
      "directory remembers it and refuses another.",
  ),
  mode: defaulted(
    choice(["enforced", "demo"]),
    "enforced",
    "demo neither needs nor reads approvals and says so everywhere. The state directory remembers the mode and refuses another.",
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
    "Where to listen. Left out: an agent and an admin socket, mode 0600, in $XDG_RUNTIME_DIR/openexec, else ~/.openexec/run.",
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
  checkpoints: defaulted(
    checkpointsSchema,
    {},
    "Where signed checkpoints of the log go besides the log.",
  ),
});

/** The file as parsed: units converted, defaults in place, paths as they were written. */
export type Settings = v.InferOutput<typeof settingsSchema>;
