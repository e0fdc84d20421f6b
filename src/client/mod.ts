/**
 * `openexec/client`: ask a daemon for an action, approve a request, verify a receipt. It runs in
 * Deno and Node 20, and what needs no socket runs in a browser.
 */

export type { HandlerTypes, PayloadOf, ResultOf } from "./action.ts";
export {
  type AcceptedTerms,
  type ApprovalTerms,
  type ApproveOptions,
  CarriedTermError,
  TTL_SECONDS_DEFAULT,
} from "./approval_terms.ts";
export { approveRequest, countersign, readApproval } from "./approve.ts";
export type { CarriedApproval as UnverifiedApproval } from "./approve.ts";
export type { ApprovalClaims } from "../core/signed_claims.ts";
export {
  type ApproverKey,
  type ApproverSigner,
  formatApproverKey,
  InvalidApproverKey,
  keySigner,
  newApproverKey,
  parseApproverKey,
} from "./approver_key.ts";
export { OpenExecClient, TypedAction } from "./client.ts";
export type { CallOptions, ConnectionOptions, ExecuteOptions } from "./connection.ts";
export type { ActionDescription, Description, Status } from "./description.ts";
export { OpenExecError, OpenExecUnreachable, type Problem, type ProblemCode } from "./errors.ts";
export type { DaemonEvent, ProposalEvent } from "./proposals/events.ts";
export type { Execution } from "./execution.ts";
export {
  type GivenSignature,
  isUndecided,
  outcomeOf,
  type Proposal,
  type ProposalProblem,
} from "./proposals/proposal.ts";
export type { ProposalTarget, ProposeOptions, WaitOptions } from "./proposals/proposals.ts";
export {
  ContradictoryProposal,
  type ReviewedProposal,
  type SimilarProposal,
} from "./proposals/reviewed.ts";
export {
  type ApprovalOptions,
  ChangedProposal,
  ClocksDiffer,
  OtherExecutor,
  Reviewer,
  type ReviewerOptions,
} from "./proposals/reviewer.ts";
export { type ShownPayload, shownPayload } from "./shown_payload.ts";
export {
  actionDigest,
  type ExecutionRequest,
  newRequest,
  parseRequest,
  requestText,
} from "./request.ts";
export { Operator, type Pruned } from "./operator.ts";
export type { RetryPolicy } from "./retry.ts";
export { type VerifyOptions, verifyReceipt } from "../log/verify_receipt.ts";
export type { Check, CheckName, CheckOutcome, Verification } from "../log/verification.ts";
export type { Receipt } from "../log/receipt.ts";
export { formatPublicKey, parsePublicKey } from "../core/keys/public_key.ts";
export type { Effect, ErrorCode, Retry } from "../core/errors.ts";
export type { ProposalStatus } from "../core/proposal.ts";
export { marked, visible } from "../core/visible.ts";
export type { Digest, ExecutionStatus, Json, JsonObject } from "../core/types.ts";
