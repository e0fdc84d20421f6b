/**
 * The rules by which a waiting proposal changes: signatures join it, start it or leave it again,
 * and what can never run ends.
 *
 * Invariants:
 * - Every method but `take` and `refresh` is called in the proposal's turn (waiting.ts).
 * - A refusal that no waiting helps ends the proposal as `refused`. An approval that does not count
 *   any more is dropped, and the proposal waits for another. Any other refusal changes nothing.
 * - A start runs with the signatures that its last look found, and with no others.
 * - It runs what was shown: once handler, permissions, secrets or the approvals needed differ from
 *   that, every signature is dropped.
 */

import { Refusal } from "../../core/errors.ts";
import type { Peer } from "../../core/types.ts";
import type { Slot } from "../../executor/types.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import type { Runs } from "../runs.ts";
import type { Starter } from "../starter.ts";
import type { EngineParts } from "../types.ts";
import { type Ending, endProposal, EXPIRED } from "./ends.ts";
import { shownDigest } from "./view.ts";
import {
  type Complete,
  type Given,
  isComplete,
  join,
  type Joined,
  stillGiven,
  withBody,
} from "./signatures.ts";
import { lacksRoom, Starts } from "./starts.ts";
import { isFinal, type Proposed, requestOf, subjectOf } from "./subject.ts";
import type { Waiting } from "./waiting.ts";

interface Startable {
  readonly subject: Proposed;
  readonly complete: Complete;
}

export class Rules {
  readonly starts: Starts;

  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Runs,
    starter: Starter,
    private readonly waiting: Waiting,
  ) {
    this.starts = new Starts(parts, runs, starter, waiting, (id, slot) => {
      return waiting.inTurn(id, () => this.#startQueued(id, slot));
    });
  }

  /** Takes up a proposal that begins to wait. */
  take(record: ProposalRecord): void {
    this.#follow(record, Infinity);
    this.starts.pump();
  }

  /** Looks at each of these again, in its turn. One that cannot be written keeps no other back. */
  async refresh(records: readonly ProposalRecord[]): Promise<void> {
    const looked = records.map(({ id }) =>
      this.waiting.inTurn(id, () => this.#refresh(id)).catch(this.#reportBug)
    );
    await this.runs.keepUntilDone(Promise.all(looked));
  }

  /** Ends it if its time is over. Throws a Refusal of the ledger. */
  async expireIfDue(id: string): Promise<void> {
    const record = this.waiting.current(id);
    const { clock, ledger } = this.parts;
    // a clock that jumped ahead is not believed before an operator does (Pruner)
    if (clock.nowMs() < record.expiresAtMs || await ledger.proposals.isTimeInDoubt()) return;
    await this.#end(record, EXPIRED);
  }

  /** Joins an envelope. Throws a Refusal: the approval_* codes, proposals_full. */
  async sign(record: ProposalRecord, value: unknown): Promise<void> {
    const subject = await this.#subject(record);
    if (subject === null) return;
    const given = this.#given(subject);
    const joined = join(value, given, subject, this.parts);
    const next = withBody(joined, given, subject.record);
    const write = async (status: "pending" | "approved") => {
      const dueAtMs = Math.min(this.waiting.dueAt(record.id), joined.signatures.countsUntilMs);
      await this.#write(subject, status, next, dueAtMs);
      this.starts.pump();
    };
    if (!isComplete(joined)) {
      const isQueued = record.status === "approved" && this.#isStillComplete(next, subject);
      return await write(isQueued ? "approved" : "pending");
    }
    if (this.starts.isQueued(record.action)) return await write("approved");
    try {
      await this.starts.start(subject, joined);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code === "proposal_expired") await this.expireIfDue(record.id);
      if (!isFinal(error) && !lacksRoom(error)) throw error;
      // its end revokes the approvals that were written, and no others
      await write(isFinal(error) ? "pending" : "approved");
      if (isFinal(error)) await this.#refuse(record, error);
    }
  }

  /** Throws a Refusal: decision_malformed, and approval_* codes. */
  async decline(record: ProposalRecord, value: unknown): Promise<void> {
    const { request } = requestOf(record, this.parts);
    const { by, reason } = this.parts.trust.decline(value, {
      proposal: record.id,
      action: record.action,
      actionDigest: request.actionDigest,
      proposedAtMs: record.proposedAtMs,
    });
    await this.#end(record, { status: "declined", code: "proposal_declined", by, reason });
  }

  /** Takes it back for its proposer. Throws a Refusal of the ledger. */
  async withdraw(record: ProposalRecord, { uid, gid, pid, socket }: Peer): Promise<void> {
    const by = { uid, gid, pid, socket };
    await this.#end(record, { status: "withdrawn", code: "proposal_withdrawn", by, reason: null });
  }

  /** Returns what an approved one starts with; null for one that may not start. */
  async #refresh(id: string): Promise<Startable | null> {
    await this.expireIfDue(id);
    const subject = await this.#subject(this.waiting.current(id));
    if (subject === null) return null;
    const { record } = subject;
    const joined = stillGiven(this.#given(subject), subject, this.parts);
    const found = this.parts.ledger.mode === "demo" ? "demo" : joined.find(isComplete) ?? null;
    const complete = record.status === "approved" ? found : null;
    const status = complete === null ? "pending" : "approved";
    if (status === record.status && isSame(record, joined)) {
      this.#follow(record, dueOf(joined));
    } else {
      const next = { bodies: joined.map(({ body }) => body), envelopes: joined.map(textOf) };
      await this.#write(subject, status, next, dueOf(joined));
    }
    if (complete === null) return null;
    return { subject: { ...subject, record: this.waiting.current(id) }, complete };
  }

  #isStillComplete(given: Given, subject: Proposed): boolean {
    return stillGiven(given, subject, this.parts).some(isComplete);
  }

  async #startQueued(id: string, slot: Slot): Promise<"started" | "not"> {
    let held: Slot | null = slot;
    try {
      const startable = await this.#refresh(id);
      if (startable === null) return "not";
      held = null; // `start` gives it back if it fails
      await this.starts.start(startable.subject, startable.complete, slot);
      return "started";
    } catch (error) {
      await this.#afterFailure(id, error).catch(this.#reportBug);
      return "not";
    } finally {
      held?.release();
    }
  }

  /** A queued start failed: it ends, loses its approval, or waits on. */
  async #afterFailure(id: string, error: unknown): Promise<void> {
    if (!(error instanceof Refusal)) return this.parts.onBug(error);
    if (isFinal(error)) return await this.#refuse(this.waiting.current(id), error);
    if (error.code === "proposal_expired") return await this.expireIfDue(id);
    if (error.code.startsWith("approval_")) await this.#refresh(id);
  }

  /** A Refusal changed nothing: what it refused is tried again at the next look. */
  #reportBug = (error: unknown): void => {
    if (!(error instanceof Refusal)) this.parts.onBug(error);
  };

  /** Returns null if it can never run any more: then it has ended. */
  async #subject(record: ProposalRecord): Promise<Proposed | null> {
    try {
      const subject = subjectOf(record, this.parts);
      const digest = shownDigest(subject.found);
      if (digest === record.shownDigest) return subject;
      await this.#write(subject, "pending", { bodies: [], envelopes: [] }, Infinity);
      return { ...subject, record: this.waiting.current(record.id) };
    } catch (error) {
      if (!(error instanceof Refusal) || !isFinal(error)) throw error;
      await this.#refuse(record, error);
      return null;
    }
  }

  #given({ record }: Proposed): Given {
    const { bodies, id } = record;
    return { bodies, envelopes: this.parts.ledger.proposals.openEnvelopes(id) };
  }

  async #refuse(record: ProposalRecord, { code }: Refusal): Promise<void> {
    await this.#end(record, { status: "refused", code, by: null, reason: null });
  }

  async #end(record: ProposalRecord, ending: Ending): Promise<void> {
    this.starts.follow(await endProposal(record, ending, this.waiting, this.parts));
  }

  async #write(
    { record, found }: Proposed,
    status: "pending" | "approved",
    { bodies, envelopes }: Given,
    dueAtMs: number,
  ): Promise<void> {
    const { ledger, clock } = this.parts;
    const approvedAtMs = status === "approved" ? record.approvedAtMs ?? clock.nowMs() : null;
    const written = await ledger.proposals.sign({
      id: record.id,
      status,
      approvedAtMs,
      bodies,
      envelopes,
      shownDigest: shownDigest(found),
    });
    this.#follow(written, dueAtMs);
    this.waiting.tell(written, status);
  }

  #follow(record: ProposalRecord, dueAtMs: number): void {
    this.waiting.put(record, dueAtMs);
    this.starts.follow(record);
  }
}

function textOf({ unverified }: Joined): string {
  return unverified.canonical;
}

function dueOf(joined: readonly Joined[]): number {
  return Math.min(Infinity, ...joined.map(({ signatures }) => signatures.countsUntilMs));
}

function isSame({ bodies }: ProposalRecord, joined: readonly Joined[]): boolean {
  return bodies.length === joined.length &&
    bodies.every(({ signers }, i) => signers.length === joined[i]?.body.signers.length);
}
