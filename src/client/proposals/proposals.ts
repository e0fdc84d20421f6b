/**
 * Proposing, waiting and taking back.
 *
 * Invariant: a proposal is always sent under a nonce, in the same bytes. Sent again, it is the same
 * proposal.
 */

import { utf8Encode } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";
import { isReason } from "../../core/limits.ts";
import type { ProposalStatus } from "../../core/proposal.ts";
import type { Json } from "../../core/types.ts";
import { sleep } from "../../core/wait.ts";
import type { CallOptions, DaemonConnection } from "../connection.ts";
import { atLeastUnknown, mayPass, OpenExecError, readable } from "../errors.ts";
import { iJsonText } from "../json.ts";
import { isUndecided, type Proposal, proposalOf, proposalsOf } from "./proposal.ts";
import { newRequest } from "../request.ts";

export interface ProposeOptions extends CallOptions {
  /**
   * Names the proposal: a program that is killed and started again with the same one proposes once.
   * Random by default.
   */
  readonly nonce?: string;
  /** Why, in the agent's words, at most 500 characters. The approver is shown it as such. */
  readonly reason?: string;
  /** A stable name of the program that proposes. */
  readonly client?: string;
}

export interface WaitOptions extends CallOptions {
  /** Longest wait; until the end by default. */
  readonly waitMs?: number;
}

/** A wait that a daemon holds open; it holds at most 600 s. */
const HELD_SECONDS = 50;
/** The daemon answers a held wait by itself; whoever is silent for longer is gone. */
const SILENT_MS = 20_000;
const AGAIN_MS = 200;
const AGAIN_MS_MAX = 5_000;

/** Throws a Refusal as newRequest does, and request_malformed for a reason that is too long. */
export function proposalBody(
  action: string,
  payload: unknown,
  { nonce, reason, client }: ProposeOptions,
): Uint8Array {
  const request = newRequest(action, payload, nonce);
  if (reason !== undefined && !isReason(reason)) {
    throw new Refusal("request_malformed", "a reason has at most 500 characters");
  }
  return utf8Encode(iJsonText({
    action: request.action,
    payload: request.payload,
    nonce: request.nonce,
    ...(reason === undefined ? {} : { reason }),
    ...(client === undefined ? {} : { client }),
  }));
}

/** 202: it may still change. */
export const OPEN: readonly number[] = [202];

export function proposalPath(id: string): string {
  return `/proposals/${encodeURIComponent(id)}`;
}

/** Posts what is answered by a proposal. Rejects as `DaemonConnection.exchange` does. */
export async function postProposal(
  connection: DaemonConnection,
  path: string,
  body: Uint8Array,
  call: CallOptions,
  headers?: Readonly<Record<string, string>>,
  timeoutMs?: number,
): Promise<Proposal> {
  const answer = await connection.post(path, body, headers, call, timeoutMs, OPEN);
  return readable(proposalOf(answer));
}

export type ProposalTarget = { readonly id: string } | { readonly nonce: string };

/** `waitSeconds` 0 looks once. Rejects as postProposal does. */
export async function getProposal(
  connection: DaemonConnection,
  target: ProposalTarget,
  waitSeconds: number,
  call: CallOptions,
): Promise<Proposal> {
  const path = "id" in target
    ? proposalPath(target.id)
    : `/proposals?nonce=${encodeURIComponent(target.nonce)}`;
  const headers: Record<string, string> = waitSeconds > 0 ? { Prefer: `wait=${waitSeconds}` } : {};
  const message = { method: "GET", path, headers } as const;
  const answer = await connection.json(message, waitSeconds * 1000 + SILENT_MS, call, OPEN);
  return readable(proposalOf(answer));
}

/**
 * Waits until a proposal is over, or `waitMs` has passed. A daemon that goes away ends no wait: it
 * is asked again until it is back. Rejects with the signal's reason, with the OpenExecError of an
 * answer that will not change, and with OpenExecUnreachable, effect "unknown", where the time
 * passed without a daemon: the proposal may have run.
 */
export async function waitUntilOver(
  connection: DaemonConnection,
  target: ProposalTarget,
  { waitMs = Infinity, signal }: WaitOptions,
  nowMs: () => number,
): Promise<Proposal> {
  const endMs = nowMs() + waitMs;
  for (let failures = 0;;) {
    const leftSeconds = Math.ceil((endMs - nowMs()) / 1000);
    const call = { retry: false, ...(signal === undefined ? {} : { signal }) };
    try {
      const held = Math.max(0, Math.min(HELD_SECONDS, leftSeconds));
      const proposal = await getProposal(connection, target, held, call);
      if (!isUndecided(proposal) || nowMs() >= endMs) return proposal;
      failures = 0;
      continue;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (nowMs() >= endMs) throw atLeastUnknown(error);
    }
    await sleep(Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** failures++), signal);
  }
}

/** Whether it may be gone when asked again: nobody there, or a daemon that says so itself. */
function isPassing(error: unknown): boolean {
  return mayPass(error) && !(error instanceof OpenExecError && error.code === "internal_error");
}

/** Rejects with OpenExecError: proposal_not_found, proposal_over. */
export async function withdrawProposal(
  connection: DaemonConnection,
  id: string,
  call: CallOptions,
): Promise<Proposal> {
  return readable(proposalOf(await connection.delete(proposalPath(id), call, OPEN)));
}

/** Gets all that there are, page by page. `parse` reads one of them. */
export async function listProposals(
  connection: DaemonConnection,
  status: ProposalStatus | undefined,
  call: CallOptions,
): Promise<readonly Proposal[]> {
  const pages: Proposal[] = [];
  let cursor: string | null = null;
  do {
    const answer: Json = await connection.get(pagePath(status, cursor), call);
    const { proposals, next } = readable(proposalsOf(answer));
    pages.push(...proposals);
    cursor = next;
  } while (cursor !== null);
  return pages;
}

export function pagePath(status: ProposalStatus | undefined, cursor: string | null): string {
  const query = new URLSearchParams({
    ...(status === undefined ? {} : { status }),
    ...(cursor === null ? {} : { cursor }),
  });
  return `/proposals?${query}`;
}
