/**
 * The configuration as the rest of openexec sees it: resolved and checked. Only config/ makes one.
 *
 * Paths are absolute, sizes are bytes. Durations are milliseconds and times are seconds since 1970,
 * unless the name says otherwise.
 */

import type { Presentation } from "../core/presentation.ts";
import type { Requirement } from "../core/approvers_needed.ts";
import type { VerifyingKey } from "../core/keys/verifying_key.ts";
import type { Digest, Mode, Role } from "../core/types.ts";

export interface Config {
  /** The file it was read from, or null for the embedded default. */
  readonly path: string | null;
  /** null: the first start makes a random one, which the state directory remembers. */
  readonly executorId: string | null;
  readonly mode: Mode;
  readonly tenant: string | null;
  readonly stateDir: string;
  readonly anchor: string | null;
  readonly sockets: readonly SocketConfig[];
  readonly approvers: readonly ApproverConfig[];
  /** Path of the approver key that the first start makes; set only by the embedded default. */
  readonly developmentApprover: string | null;
  readonly actions: ReadonlyMap<string, ActionConfig>;
  readonly clawshield: ClawshieldConfig | null;
  /** From OPENEXEC_ALLOWED_ACTIONS; null: all registered actions. */
  readonly allowedActions: ReadonlySet<string> | null;
  readonly retention: Retention;
  readonly limits: Limits;
  readonly box: BoxConfig;
  readonly checkpoints: CheckpointConfig;
  readonly proposals: ProposalLimits;
  readonly notify: NotifyConfig;
}

export interface BoxConfig {
  /** Whether to start where the kernel has not every part of a box. */
  readonly kernel: "available" | "required";
}

export interface SocketConfig {
  readonly path: string;
  /** Permission bits, for others always 0. */
  readonly mode: number;
  readonly group: string | null;
  readonly role: Role;
  /** null: every action. */
  readonly actions: ReadonlySet<string> | null;
  /** null: every uid that the file mode lets in. */
  readonly uids: ReadonlySet<number> | null;
}

export interface ApproverConfig {
  readonly name: string;
  /** "*" means every action. */
  readonly actions: ReadonlySet<string>;
  readonly maxTtlSeconds: number;
  readonly groups: ReadonlySet<string>;
  readonly keys: readonly ApproverPublicKey[];
}

/** The key that checks an approver's signatures, and the time in which they count. */
export type ApproverPublicKey = VerifyingKey & {
  readonly keyid: string;
  /** null: no bound. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
};

export interface ClawshieldConfig {
  readonly publicKey: Uint8Array;
  readonly tenant: string;
  readonly actions: ReadonlySet<string>;
  readonly maxTtlSeconds: number;
}

export type Isolation = "fresh" | "process" | "reuse";

export interface ActionConfig {
  readonly name: string;
  readonly presentation: Presentation;
  /** Descriptions of members of the payload, by name. */
  readonly fields: ReadonlyMap<string, string>;
  /** Where the handler's code is: one of ours, or one file. */
  readonly module: { readonly builtin: string } | { readonly file: string };
  /** The pinned digest of the file; null only for built-ins and in demo mode. */
  readonly digest: Digest | null;
  /** Distinct approvers in all. */
  readonly approvals: number;
  /** How many of them have to be of which group; empty where anyone will do. */
  readonly groups: ReadonlyMap<string, number>;
  readonly require: Requirement;
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly isolation: Isolation;
  readonly idempotent: boolean;
  readonly onInterrupt: "unknown" | "rerun";
  readonly allow: Permissions;
  readonly unconfined: boolean;
  /** Names of credentials, and the files they are read from. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly memoryBytes: number;
  /** A member that is absent is as in `Config.retention`. */
  readonly retention: Partial<Retention>;
}

/** The hosts, files, variables and programs a handler may reach; an empty list is none. */
export interface Permissions {
  readonly net: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly env: readonly string[];
  readonly run: readonly string[];
  /** Paths of Unix sockets. */
  readonly unix: readonly string[];
}

/** null means "none": never stored. */
export interface Retention {
  readonly payloadMs: number | null;
  readonly resultMs: number | null;
}

export interface Limits {
  readonly requestBytes: number;
  readonly resultBytes: number;
  readonly inFlight: number;
  readonly inFlightPerUid: number;
  /** Per peer uid; 0 means no limit. */
  readonly requestsPerSecond: number;
  readonly refusalReceiptsPerMinute: number;
  readonly refusalReceiptsPerDay: number;
  /** Open ones on all sockets together. */
  readonly connections: number;
  /** On all agent sockets together, and on each other socket. */
  readonly connectionsPerUid: number;
  /** Counts large bodies and answers on all agent sockets together. */
  readonly heldBytes: number;
  readonly heldBytesPerUid: number;
  readonly headerMs: number;
  readonly bodyMs: number;
  /** From one piece of a body to the next. */
  readonly bodyIdleMs: number;
  readonly drainMs: number;
}

/** Where each new checkpoint goes besides the log. */
export interface CheckpointConfig {
  readonly file: string | null;
  readonly command: readonly string[] | null;
  readonly intervalMs: number;
}

/** Bounds of what waits for a person. */
export interface ProposalLimits {
  readonly expiresMs: number;
  /** Waiting at a time. */
  readonly perUid: number;
  readonly total: number;
  /** Begun in a minute, of one uid. */
  readonly perMinute: number;
  readonly declineCooldownMs: number;
}

export interface NotifyConfig {
  /** Told of each proposal that begins to wait. */
  readonly command: readonly string[] | null;
}
