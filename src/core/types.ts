/** The words every part of openexec shares. No behaviour here. */

import type { ErrorCode } from "./errors.ts";

/** A JSON value (RFC 8259). Objects parsed from outside have no prototype, so `__proto__` is an ordinary key. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

/** `enforced`: nothing runs without an approval. `demo`: approvals are neither needed nor read. */
export type Mode = "enforced" | "demo";

export type Role = "agent" | "admin";

/** Who connected, as the kernel says (SO_PEERCRED); `socket` is the file name of the socket they came through. */
export interface Peer {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  readonly socket: string;
}

/** How an approval was written: a DSSE envelope, or an artifact of OpenExec 0.1.10. */
export type ApprovalScheme = "dsse" | "clawshield";

export interface Signer {
  /** The approver's name in the config; "clawshield" for the legacy scheme. */
  readonly name: string;
  readonly keyid: string;
}

/** What records and receipts say of an approval: never its payload digest, never its bytes. */
export interface ApprovalReference {
  readonly scheme: ApprovalScheme;
  readonly iss: string;
  readonly jti: string;
  readonly signers: readonly Signer[];
}

export type ExecutionStatus =
  | "reserved"
  | "succeeded"
  | "failed"
  | "timed_out"
  | "crashed"
  | "outcome_unknown";

/** How a run ended. `resultText` is JSON text as the handler's side made it; the engine parses it strictly. */
export type Outcome =
  | { readonly status: "succeeded"; readonly resultText: string }
  | {
    readonly status: "failed";
    readonly code: Extract<ErrorCode, "handler_failed" | "result_invalid">;
  }
  | { readonly status: "timed_out"; readonly code: "handler_timed_out" }
  | { readonly status: "crashed"; readonly code: "handler_crashed" }
  | { readonly status: "outcome_unknown"; readonly code: "outcome_unknown" };
