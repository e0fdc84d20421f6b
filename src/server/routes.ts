/**
 * Every route, as one table: what may be asked, through which sockets, in which shape, and who
 * answers. The OpenAPI document is made from it.
 */

import type { GenericSchema } from "valibot";
import { Refusal } from "../core/errors.ts";
import type { Role } from "../core/types.ts";
import * as admin from "./admin_routes.ts";
import type { Backend, Call } from "./call.ts";
import * as page from "./page.ts";
import * as proposed from "./proposal_schemas.ts";
import * as read from "./read_routes.ts";
import {
  approve,
  decline,
  deliver,
  events,
  execute,
  hold,
  proposal,
  proposalsOf,
  propose,
  verifyLegacyReceipt,
  withdraw,
} from "./request_routes.ts";
import type { Reply } from "./reply.ts";
import * as shape from "./schemas.ts";

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** A segment in braces stands for any one segment. If two paths fit, the first one counts. */
  readonly path: string;
  /** The sockets that serve it. */
  readonly roles: readonly Role[];
  readonly summary: string;
  /** Names the query may hold. */
  readonly query: readonly string[];
  /** Shape of the body; null for none. */
  readonly body: GenericSchema | null;
  /** Shape of a 200's body; null for text. */
  readonly answer: GenericSchema | null;
  readonly handle: (call: Call, backend: Backend) => Reply | Promise<Reply>;
}

type Rest = Partial<Pick<Route, "roles" | "query">>;

const EVERY_SOCKET: readonly Role[] = ["agent", "approver", "admin"];
/** Where actions are asked for: an approver's socket can execute nothing. */
const ASKING: Rest = { roles: ["agent", "admin"] };
const AGENT: Rest = { roles: ["agent"] };
const REVIEWING: Rest = { roles: ["approver"] };
const ADMIN: Rest = { roles: ["admin"] };

function get(
  path: string,
  summary: string,
  answer: Route["answer"],
  handle: Route["handle"],
  rest: Rest = {},
): Route {
  const common = { method: "GET", roles: EVERY_SOCKET, query: [], body: null } as const;
  return { ...common, path, summary, answer, handle, ...rest };
}

function post(
  path: string,
  summary: string,
  body: GenericSchema,
  answer: GenericSchema,
  handle: Route["handle"],
  rest: Rest = {},
): Route {
  const common = { method: "POST", roles: EVERY_SOCKET, query: [] } as const;
  return { ...common, path, summary, body, answer, handle, ...rest };
}

export const ROUTES: readonly Route[] = [
  get("/", "Who serves here, and what approvals have to name.", shape.Service, read.service),
  get("/health", "Whether work can be done; 503 when not.", shape.Health, read.health),
  get("/ready", "Whether work can be done, in one word; 503 when not.", shape.Ready, read.ready),
  get("/version", "The version that serves.", shape.Version, read.version),
  get(
    "/openapi.json",
    "This API as an OpenAPI 3.1 document.",
    shape.AnyObject,
    read.openapi,
    ASKING,
  ),
  post(
    "/execute",
    "Runs an approved action, at most once.",
    shape.ExecuteRequest,
    shape.Execution,
    execute,
    ASKING,
  ),
  get("/actions", "What this socket may ask for.", shape.Actions, read.actions),
  get(
    "/executions",
    "Executions, newest first, or the one of a nonce.",
    shape.Executions,
    read.executions,
    { query: ["nonce", "limit", "before"] },
  ),
  get("/executions/{id}", "One execution.", shape.Execution, read.execution),
  post(
    "/proposals",
    "Proposes an action: it waits for a person.",
    proposed.ProposalRequest,
    proposed.Proposal,
    propose,
    AGENT,
  ),
  get(
    "/proposals",
    "Proposals, newest first, or the one of a nonce.",
    proposed.Proposals,
    proposalsOf,
    { query: ["nonce", "status", "cursor", "limit"] },
  ),
  get("/proposals/{id}", "One proposal.", proposed.Proposal, proposal),
  {
    ...get("/proposals/{id}", "Withdraws a proposal.", proposed.Proposal, withdraw, AGENT),
    method: "DELETE",
  },
  post(
    "/proposals/{id}/approvals",
    "Adds an approver's signature; the last one starts it.",
    proposed.SignedDecision,
    proposed.Proposal,
    approve,
    REVIEWING,
  ),
  post(
    "/proposals/{id}/decline",
    "Declines a proposal.",
    proposed.SignedDecision,
    proposed.Proposal,
    decline,
    REVIEWING,
  ),
  post(
    "/proposals/{id}/hold",
    "Keeps other calls of the same client from attaching to it, while the connection lasts.",
    shape.NoMembers,
    proposed.Proposal,
    hold,
    AGENT,
  ),
  post(
    "/proposals/{id}/delivered",
    "Notes that its client was told the end.",
    shape.NoMembers,
    proposed.Proposal,
    deliver,
    AGENT,
  ),
  get("/events", "Proposals' events, as text/event-stream.", null, events),
  post(
    "/receipts/verify",
    "Checks OpenExec 0.1.10's unkeyed receipt.",
    shape.LegacyReceipt,
    shape.Validity,
    verifyLegacyReceipt,
    ASKING,
  ),
  get(
    "/receipts/{log_index}",
    "A receipt with its proof of inclusion.",
    shape.Receipt,
    read.receipt,
  ),
  get("/log/keys", "The receipts that name the executor's keys.", shape.Keys, read.keys),
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
  get("/review", "The review page.", null, page.page, REVIEWING),
  get("/review/{file}", "A file of the review page.", null, page.pageFile, REVIEWING),
  get("/metrics", "Prometheus text.", null, read.metrics, ADMIN),
  get("/admin/status", "What `openexec status` shows.", shape.Status, admin.status, ADMIN),
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

export interface Match {
  readonly route: Route;
  readonly parameter: string;
}

/** Throws a Refusal: route_not_found, method_not_allowed, then admin_only or role_denied. */
export function matchRoute(method: string, path: string, role: Role): Match {
  const candidates = routesOf(path);
  const route = candidates.find((candidate) => candidate.method === method);
  if (candidates.length === 0) throw new Refusal("route_not_found");
  if (route === undefined) throw new Refusal("method_not_allowed");
  if (!route.roles.includes(role)) {
    throw new Refusal(
      route.roles.every((served) => served === "admin") ? "admin_only" : "role_denied",
    );
  }
  return { route, parameter: parameterOf(route.path, path) ?? "" };
}

/** For the Allow field of a 405 (RFC 9110 section 10.2.1). */
export function allowedMethods(path: string): string {
  return routesOf(path).map(({ method }) => method).join(", ");
}

/** The routes under the first pattern that fits: `/receipts/verify` is no receipt. */
function routesOf(path: string): readonly Route[] {
  const first = ROUTES.find((route) => parameterOf(route.path, path) !== null);
  return first === undefined ? [] : ROUTES.filter((route) => route.path === first.path);
}

/** The segment that braces stand for, "" without braces; null when the path does not fit. */
function parameterOf(pattern: string, path: string): string | null {
  const open = pattern.indexOf("{");
  if (open === -1) return path === pattern ? "" : null;
  const [before, after] = [pattern.slice(0, open), pattern.slice(pattern.indexOf("}") + 1)];
  const segment = path.slice(open, path.length - after.length);
  const isFit = path.startsWith(before) && path.endsWith(after) && !segment.includes("/");
  return isFit && segment !== "" ? segment : null;
}
