/**
 * Every route of openexec, as one table: what may be asked, by whom, in which shape, and who answers. The OpenAPI document is
 * made from this very table, so it cannot name a route that is not served.
 */

import type { GenericSchema } from "valibot";
import type { Role } from "../core/types.ts";
import * as admin from "./admin_routes.ts";
import type { Call, Handlers } from "./call.ts";
import * as read from "./read_routes.ts";
import { execute, verifyLegacyReceipt } from "./execute_route.ts";
import type { Reply } from "./reply.ts";
import * as shape from "./schemas.ts";

export interface Route {
  readonly method: "GET" | "POST";
  /** A segment in braces stands for any one segment. Of two that fit, the first in the table is meant. */
  readonly path: string;
  /** "agent": on every socket; "admin": on admin sockets only. */
  readonly role: Role;
  readonly summary: string;
  /** Names the query may hold. */
  readonly query: readonly string[];
  /** Shape of the body; null for none. */
  readonly body: GenericSchema | null;
  /** Shape of a 200's body; null for text. */
  readonly answer: GenericSchema | null;
  readonly handle: (call: Call, handlers: Handlers) => Reply | Promise<Reply>;
}

type Rest = Partial<Pick<Route, "role" | "query">>;

function get(
  path: string,
  summary: string,
  answer: Route["answer"],
  handle: Route["handle"],
  rest: Rest = {},
): Route {
  return {
    method: "GET",
    path,
    role: "agent",
    summary,
    query: [],
    body: null,
    answer,
    handle,
    ...rest,
  };
}

function post(
  path: string,
  summary: string,
  body: GenericSchema,
  answer: GenericSchema,
  handle: Route["handle"],
  rest: Rest = {},
): Route {
  return { method: "POST", path, role: "agent", summary, query: [], body, answer, handle, ...rest };
}

const ADMIN: Rest = { role: "admin" };

export const ROUTES: readonly Route[] = [
  get("/", "Who serves here, and what approvals have to name.", shape.Service, read.service),
  get("/health", "Whether work can be done; 503 when not.", shape.Health, read.health),
  get("/ready", "Whether work can be done, in one word; 503 when not.", shape.Ready, read.ready),
  get("/version", "The version that serves.", shape.Version, read.version),
  get("/openapi.json", "This API as an OpenAPI 3.1 document.", shape.AnyObject, read.openapi),
  post(
    "/execute",
    "Runs an approved action, at most once.",
    shape.ExecuteRequest,
    shape.Execution,
    execute,
  ),
  get("/actions", "What this socket may ask for.", shape.Actions, read.actions),
  get(
    "/executions",
    "Executions, newest first, or the one of a nonce.",
    shape.Executions,
    read.executions,
    {
      query: ["nonce", "limit", "before"],
    },
  ),
  get("/executions/{id}", "One execution.", shape.Execution, read.execution),
  post(
    "/receipts/verify",
    "Checks OpenExec 0.1.10's unkeyed receipt.",
    shape.LegacyReceipt,
    shape.Validity,
    verifyLegacyReceipt,
  ),
  get(
    "/receipts/{log_index}",
    "A receipt with its proof of inclusion.",
    shape.Receipt,
    read.receipt,
  ),
  get(
    "/log/checkpoint",
    "The newest signed checkpoint (C2SP tlog-checkpoint).",
    null,
    read.checkpoint,
  ),
  get("/log/proof", "An inclusion proof (RFC 9162).", shape.InclusionProof, read.inclusionProof, {
    query: ["index", "size"],
  }),
  get(
    "/log/consistency",
    "A consistency proof (RFC 9162).",
    shape.ConsistencyProof,
    read.consistencyProof,
    {
      query: ["from", "to"],
    },
  ),
  get("/metrics", "Prometheus text.", null, read.metrics, ADMIN),
  get("/admin/status", "What `openexec status` shows.", shape.AnyObject, admin.status, ADMIN),
  post("/admin/halt", "Starts nothing more.", shape.NoMembers, shape.Halted, admin.halt, ADMIN),
  post("/admin/resume", "Lifts a halt.", shape.NoMembers, shape.Halted, admin.resume, ADMIN),
  post(
    "/admin/revoke",
    "Withdraws an approval.",
    shape.Revocation,
    shape.Revoked,
    admin.revoke,
    ADMIN,
  ),
  post(
    "/admin/resolve",
    "Declares an unknown outcome.",
    shape.ResolutionRequest,
    shape.Execution,
    admin.resolve,
    ADMIN,
  ),
  post(
    "/admin/prune",
    "Destroys what has expired.",
    shape.NoMembers,
    shape.Pruned,
    admin.prune,
    ADMIN,
  ),
  post(
    "/admin/backup",
    "Copies the ledger.",
    shape.BackupRequest,
    shape.AnyObject,
    admin.backup,
    ADMIN,
  ),
];
