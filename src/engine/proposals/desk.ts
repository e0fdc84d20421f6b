/**
 * Requests that wait for a person: proposed, signed, declined, withdrawn; `views` looks at them.
 *
 * propose: parse -> known nonce? -> begin (begin.ts)
 * approve: find -> verify -> join -> start, or wait for more (rules.ts)
 *
 * Invariants:
 * - A proposal is on disk before it is answered. It ends by a decline, its expiry, its proposer's
 *   withdrawal, a refusal that no waiting helps, or the end of its execution, and by nothing else.
 * - No route carries authority: what decides is a signature, checked here against the trust store.
 */

import { Refusal } from "../../core/errors.ts";
import { parseIJson, toValue } from "../../core/json/json.ts";
import type { Peer } from "../../core/types.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { refuseWhileClosed, type Starter } from "../starter.ts";
import type { NonceQueue } from "../replay.ts";
import type { RequestReader } from "../request_reader.ts";
import type { Runs } from "../runs.ts";
import type { Asker, EngineParts, RequestContext, Viewer } from "../types.ts";
import { begin, isSame, type ParsedProposal, parseProposal, PROPOSAL_MEMBERS } from "./begin.ts";
import { restoredReceipt } from "./ends.ts";
import { type Caller, Leases } from "./leases.ts";
import { Notifier } from "./notifier.ts";
import { Rules } from "./rules.ts";
import { Similar } from "./similar.ts";
import { isRestored, type ProposalView, RESTORED, statusOf } from "./view.ts";
import { ProposalViews, requireNamed, viewerOf } from "./views.ts";
import { Waiting } from "./waiting.ts";
import type { OnGone } from "./events.ts";

/** Proposals that a start looks at for declines that still answer. */
const DECLINES_READ_MAX = 1_000;

/** In demo mode nobody is waited for: a proposal is answered with its outcome. */
const DEMO_WAIT_MS = 600_000;

export interface ProposalContext extends RequestContext {
  /** Tells when the caller is gone, so that nothing waits on for it. */
  readonly onGone: OnGone;
  /** The connection that it came on. */
  readonly caller: Caller;
}

export class ProposalDesk {
  readonly views: ProposalViews;
  readonly #similar: Similar;
  readonly #waiting: Waiting;
  readonly #rules: Rules;
  readonly #notifier: Notifier;
  readonly #leases: Leases;

  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Runs,
    starter: Starter,
    private readonly nonces: NonceQueue,
    private readonly requests: RequestReader,
  ) {
    const { config, clock } = parts;
    this.#waiting = new Waiting(
      config.proposals,
      clock,
      (due) => void this.#rules.refresh(due).catch(parts.onBug),
      parts.observeProposal,
    );
    const similar = this.#similar = new Similar(clock);
    this.views = new ProposalViews(parts, runs, this.#waiting, similar);
    starter.onStarted = ({ id, peer: { uid }, receivedAtMs: atMs }, { canonical }) =>
      similar.note(canonical, { id, uid, atMs });
    this.#notifier = new Notifier(
      clock,
      parts.notify,
      () => this.#waiting.size,
      parts.onNotifyFailure,
    );
    this.#rules = new Rules(parts, runs, starter, this.#waiting);
    this.#leases = new Leases(parts.ledger, similar);
    runs.onSettled = ({ id, status, proposedAtMs }) => {
      const record = proposedAtMs === null ? undefined : parts.ledger.proposals.find(id);
      if (record !== undefined) this.#waiting.tell(record, statusOf(record, { status }));
    };
  }

  /** How many wait, and since when the oldest has; null where none does. */
  statistics(): { readonly waiting: number; readonly oldestMs: number | null } {
    const [oldest] = this.#waiting.records;
    return { waiting: this.#waiting.size, oldestMs: oldest?.proposedAtMs ?? null };
  }

  /** Takes up what waits. Call it once, before anybody is let in. */
  async open(): Promise<void> {
    const { proposals } = this.parts.ledger;
    await proposals.recordOwed((record) => restoredReceipt(record, this.parts));
    for (const record of proposals.waiting()) {
      this.#waiting.room.take(record.peer.uid);
      this.#waiting.put(record);
    }
    this.#rememberDeclines();
    await this.refresh();
    void this.#similar.readBack(this.parts.ledger).catch(this.parts.onBug);
  }

  /** A decline answers for a while, over restarts too, as long as its payload is kept. */
  #rememberDeclines(): void {
    const { ledger } = this.parts;
    const latest = ledger.proposals.list({ uid: null, before: null, limit: DECLINES_READ_MAX });
    for (const { id, status, peer: { uid }, endedAtMs } of latest) {
      if (status !== "declined" || endedAtMs === null) continue;
      const body = ledger.proposals.openBody(id);
      if (body !== undefined) this.#waiting.room.declined(uid, body.canonical, endedAtMs);
    }
  }

  /** Looks again at everything that waits: trust, halt or revocations have changed. */
  async refresh(): Promise<void> {
    await this.#rules.refresh(this.#waiting.records);
    this.#rules.starts.pump();
  }

  /** Lets everyone go who waits here: the daemon stops, and what waits stays on disk. */
  drain(): void {
    this.#waiting.close();
    this.#notifier.close();
    this.#rules.starts.close();
  }

  /** A named client without a nonce attaches to what it was not told the end of (leases.ts). */
  async propose(body: Uint8Array, context: ProposalContext): Promise<ProposalView> {
    requireNamed(context.peer);
    const text = await this.requests.read(body, PROPOSAL_MEMBERS, context);
    const proposed = parseProposal(text, context.idempotencyKey);
    const { client, nonce } = proposed;
    const { id } = client === null || nonce !== null
      ? await this.#proposeAs(uuidV7(context.receivedAtMs), proposed, context)
      : await this.#attach(client, proposed, context);
    const isDemo = this.parts.ledger.mode === "demo";
    const waitMs = isDemo ? DEMO_WAIT_MS : context.waitMs;
    return await this.views.wait(id, viewerOf(context), { ...context, waitMs });
  }

  /** Has no other call attach to it while this connection lasts. Throws proposal_not_found. */
  async hold(id: string, context: ProposalContext): Promise<ProposalView> {
    const viewer = viewerOf(context);
    this.views.visible(this.parts.ledger.proposals.find(id), viewer);
    this.#leases.hold(id, context.caller);
    return await this.views.wait(id, viewer, context);
  }

  /** Notes that its client was told the end; before the end it does nothing. Throws as `hold`. */
  async deliver(id: string, asker: Asker): Promise<ProposalView> {
    const viewer = viewerOf(asker);
    const record = this.views.visible(this.parts.ledger.proposals.find(id), viewer);
    if (this.views.isOver(record)) await this.parts.ledger.proposals.deliver(id);
    return await this.views.viewInTurn(id, viewer);
  }

  /** Throws a Refusal: proposal_not_found, proposal_over. */
  async withdraw(id: string, asker: Asker): Promise<ProposalView> {
    const { peer } = asker;
    return await this.#change(id, viewerOf(asker), peer, async (record) => {
      await this.#rules.withdraw(record, peer);
    });
  }

  /**
   * Takes an approver's envelope. Throws a Refusal: proposal_not_found, proposal_over, halted,
   * draining, and the approval_* codes in their order.
   */
  async approve(
    id: string,
    body: Uint8Array,
    viewer: Viewer,
    context: ProposalContext,
  ): Promise<ProposalView> {
    const value = toValue(parseIJson(body));
    await this.#change(id, viewer, context.peer, async (record) => {
      refuseWhileClosed(this.parts, this.runs);
      await this.#rules.sign(record, value);
    });
    return await this.views.wait(id, viewer, context);
  }

  /** Takes an approver's no. Throws as `approve`, and decision_malformed. */
  async decline(id: string, body: Uint8Array, viewer: Viewer, peer: Peer): Promise<ProposalView> {
    const value = toValue(parseIJson(body));
    return await this.#change(id, viewer, peer, async (record) => {
      await this.#rules.decline(record, value);
    });
  }

  async #attach(
    client: string,
    proposed: ParsedProposal,
    context: ProposalContext,
  ): Promise<Pick<ProposalRecord, "id">> {
    const known = this.#leases.find(context.peer.uid, client, proposed);
    const id = known?.id ?? uuidV7(context.receivedAtMs);
    this.#leases.hold(id, context.caller);
    if (known !== undefined) return known;
    return await this.#proposeAs(id, proposed, context).catch((error: unknown) => {
      this.#leases.release(id, context.caller);
      throw error;
    });
  }

  async #proposeAs(
    id: string,
    proposed: ParsedProposal,
    context: ProposalContext,
  ): Promise<ProposalRecord> {
    const nonce = proposed.nonce ?? id;
    const begun = this.#begin(id, nonce, proposed, context).catch((error: unknown) => {
      this.#noteRefusal(error, { action: proposed.action, nonce }, context.peer);
      throw error;
    });
    return await this.runs.keepUntilDone(begun);
  }

  async #begin(
    id: string,
    nonce: string,
    proposed: ParsedProposal,
    context: ProposalContext,
  ): Promise<ProposalRecord> {
    const { peer } = context;
    await this.nonces.whenFree(peer, nonce);
    const endTurn = this.nonces.take(peer, nonce);
    try {
      const { ledger } = this.parts;
      const known = ledger.proposals.findByNonce(peer.uid, nonce);
      if (known !== undefined) {
        if (isSame(known, proposed, ledger)) return known;
        throw new Refusal("nonce_reused", isRestored(known) ? RESTORED.detail : undefined);
      }
      if (ledger.findByNonce(nonce)?.peer.uid === peer.uid) throw new Refusal("nonce_reused");
      const record = await begin(
        id,
        nonce,
        proposed,
        context,
        this.#waiting.room,
        this.parts,
        this.runs,
      );
      this.#rules.take(record);
      this.#waiting.tell(record, statusOf(record, undefined));
      this.#similar.note(proposed.canonical, {
        id,
        uid: peer.uid,
        atMs: record.proposedAtMs,
      });
      this.#notifier.proposed(record, proposed.canonical);
      return record;
    } finally {
      endTurn();
    }
  }

  /**
   * Makes a change in the proposal's turn; a refusal of it leaves a receipt. Throws a Refusal:
   * proposal_not_found, proposal_over, and those of the change.
   */
  async #change(
    id: string,
    viewer: Viewer,
    peer: Peer,
    change: (record: ProposalRecord) => Promise<void>,
  ): Promise<ProposalView> {
    const known = this.views.visible(this.parts.ledger.proposals.find(id), viewer);
    const changed = this.#waiting.inTurn(id, async () => {
      try {
        await this.#rules.expireIfDue(id);
        await change(this.#waiting.current(id));
      } catch (error) {
        this.#noteRefusal(error, known, peer);
        throw error;
      }
    });
    await this.runs.keepUntilDone(changed);
    return await this.views.viewInTurn(id, viewer);
  }

  #noteRefusal(error: unknown, of: { action: string; nonce: string }, peer: Peer): void {
    if (!(error instanceof Refusal)) return this.parts.onBug(error);
    this.parts.refusals.note(error.code, of, peer);
  }
}
