/** The words that every part of openexec shares. */

import type { ErrorCode } from "./errors.ts";

/**
 * A JSON value (RFC 8259). Objects that were parsed have no prototype: see toValue() in json.ts.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

/** Under `enforced` nothing runs without an approval. Under `demo` approvals are not even read. */
export type Mode = "enforced" | "demo";

/**
 * The role of a socket: agents ask, approvers look and decide, admins operate. No role decides
 * anything by itself: a decision counts by its signature alone.
 */
export type Role = "agent" | "approver" | "admin";

/** The process that connected, by the kernel (SO_PEERCRED), and the file name of the socket. */
export interface Peer {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  readonly socket: string;
}

/** Measures what is done for a peer. */
export interface Meter {
  /** Counts bytes that are about to be held in memory. */
  weigh(bytes: number): void;
  /** Counts the time until the returned function is called: so many bytes are worked on. */
  work(bytes: number): () => void;
}

/** The form of an approval: a DSSE envelope, or an artifact of OpenExec 0.1.10. */
export type ApprovalScheme = "dsse" | "clawshield";

/**
 * The form of a signature: Ed25519 itself, OpenSSH's SSHSIG, or an assertion of WebAuthn. The trust
 * store says which form a key signs in.
 */
export type KeyKind = "ed25519" | "sshsig" | "passkey";

/** An approver whose signature was counted. */
export interface Signer {
  /** The approver's name in the config; "clawshield" for the legacy scheme. */
  readonly name: string;
  readonly keyid: string;
  readonly kind: KeyKind;
  /** Whether the authenticator says that it verified the person: by PIN or biometrics. */
  readonly userVerified: boolean;
  /** Whether the key stays in hardware: a security key, or a passkey that cannot be synced. */
  readonly hardware: boolean;
}

/** A key of Ed25519 by itself says nothing else of a signer. */
export const PLAIN_KEY = { kind: "ed25519", userVerified: false, hardware: false } as const;

/** An approval in records and receipts, which hold neither its bytes nor its payload's digest. */
export interface ApprovalReference {
  readonly scheme: ApprovalScheme;
  readonly iss: string;
  readonly jti: string;
  readonly signers: readonly Signer[];
}

export const EXECUTION_STATUSES = [
  "reserved",
  "succeeded",
  "failed",
  "timed_out",
  "crashed",
  "outcome_unknown",
] as const;

export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** The end of a run. `resultText` is text by the handler's side; the engine parses it strictly. */
export type Outcome =
  | { readonly status: "succeeded"; readonly resultText: string }
  | {
    readonly status: "failed";
    readonly code: Extract<ErrorCode, "handler_failed" | "result_invalid">;
    /** The handler's words for whoever asked (core/limits.ts); absent where it has none. */
    readonly reason?: string;
  }
  | { readonly status: "timed_out"; readonly code: "handler_timed_out" }
  | { readonly status: "crashed"; readonly code: "handler_crashed" }
  | { readonly status: "outcome_unknown"; readonly code: "outcome_unknown" };
