/**
 * The daemon, put together: every part is made here, handed to those that need it, and taken down
 * in reverse.
 *
 * Order of a start: the state directory's lock; ledger, keys and log; executors, once those of a
 * predecessor have ended; recovery; sockets. So the box is tested before a caller is let in, and
 * what a predecessor left is settled or holds a slot to run again. A ledger that was made in this
 * second has its fence reached before the sockets.
 */

import { isDeepStrictEqual } from "node:util";
import { TrustStore } from "../approval/trust.ts";
import type { Config } from "../config/config.ts";
import { type Environment, readVariable } from "../config/environment.ts";
import type { MachineClock } from "../core/clock.ts";
import type { SigningKey } from "../core/keys/ed25519.ts";
import { Refusal } from "../core/errors.ts";
import { beginAnchor, checkAnchor, CheckpointPublisher, LogHead } from "../engine/checkpoints.ts";
import { Engine } from "../engine/execute.ts";
import { Inspector } from "../engine/inspect.ts";
import {
  currentKeyid,
  establishSigningKey,
  loadExecutorKeys,
  writePublicKey,
} from "../engine/keys.ts";
import { Operator, recordRestore } from "../engine/operate.ts";
import { recover } from "../engine/recover.ts";
import { RefusalJournal } from "../engine/refusals.ts";
import { TrustGate } from "../engine/trust.ts";
import type { EngineParts } from "../engine/types.ts";
import { reasonsToRefuse } from "../engine/views.ts";
import { runCommand } from "../executor/command.ts";
import { executorLog } from "../executor/log.ts";
import { type BoxState, Pool } from "../executor/pool.ts";
import { freeBytes } from "../ledger/disk/free_space.ts";
import { requireStateFiles } from "../ledger/disk/layout.ts";
import { StateLock } from "../ledger/disk/lock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openLedger } from "../ledger/open.ts";
import type { ReportMigration } from "../ledger/store/migrate.ts";
import { adminReceipt } from "../log/receipt.ts";
import { receiptSigner } from "../log/signed_receipt.ts";
import { program } from "../os/program.ts";
import { inheritedSockets } from "../os/sockets/socket_activation.ts";
import { Server } from "../server/server.ts";
import { type DaemonMetrics, daemonMetrics } from "../telemetry/daemon_metrics.ts";
import { observerOf } from "./observer.ts";
import { Upkeep } from "./upkeep.ts";

export class Daemon {
  private constructor(
    readonly server: Server,
    /** 32 bytes. */
    readonly executorKey: Uint8Array,
    private readonly parts: EngineParts,
    private readonly engine: Engine,
    private readonly upkeep: Upkeep,
  ) {}

  /**
   * Throws a StartupError, or a Refusal storage_full; what it opened by then is closed again.
   * `onMigration` hears how far a ledger of an older schema is.
   */
  static async start(
    config: Config,
    environment: Environment,
    machineClock: MachineClock,
    onMigration: ReportMigration,
  ): Promise<Daemon> {
    const { stateDir, actions, limits, mode } = config;
    const ledger = await openLedgerOf(config, machineClock, onMigration);
    const { clock } = ledger;
    let executors: Pool | undefined;
    try {
      const signingKey = await openSigningKey(config, environment, ledger);
      executors = await Pool.start(actions, {
        stateDir,
        limits,
        mode,
        box: config.box,
        clock,
        variable: readVariable,
        log: executorLog(),
      });
      return await Daemon.#assemble(config, environment, ledger, signingKey, executors);
    } catch (error) {
      await executors?.close();
      await ledger.close();
      throw error;
    }
  }

  static async #assemble(
    config: Config,
    environment: Environment,
    ledger: Ledger,
    signingKey: SigningKey,
    executors: Pool,
  ): Promise<Daemon> {
    const { clock, executorId } = ledger;
    const { limits } = config;
    const sign = receiptSigner(signingKey);
    let metrics: DaemonMetrics | null = null;
    const observer = observerOf(() => metrics);
    const parts = {
      config,
      clock,
      ledger,
      executors,
      sign,
      trust: new TrustGate(new TrustStore(config, executorId), clock),
      refusals: new RefusalJournal(ledger, clock, sign, limits),
      observe: observer.attempt,
      observeProposal: observer.proposal,
      notify: notifyBy(config),
      onNotifyFailure: observer.notifyFailed,
      onUnsettled: observer.unsettled,
      onUnstored: observer.unstored,
      onBug: observer.bug,
    };
    const engine = new Engine(parts);
    const head = new LogHead(executorId, ledger.log, signingKey);
    metrics = metricsOf(parts, engine);
    const recovery = await recover(parts, engine.runs);
    await ledger.fenceReached();
    await engine.proposals.open();
    const server = await Server.start({
      sockets: config.sockets,
      inherited: inheritedSockets(environment.systemd.listen, Deno.pid),
      limits,
      engine,
      proposals: engine.proposals,
      inspector: new Inspector(parts, engine, head, program.version, () => metrics),
      operator: new Operator(
        ledger,
        clock,
        sign,
        observer.pruned,
        () => engine.proposals.refresh(),
      ),
      clock,
      observe: observer.exchange,
      observeCrowd: observer.crowd,
      onBug: observer.bug,
    });
    observer.bodiesUnreadable(ledger.unreadableBuckets());
    observer.recovered(recovery);
    void recovery.runAgain();
    const publisher = new CheckpointPublisher(
      head,
      config.anchor,
      config.checkpoints,
      runCommand,
      observer.checkpointFailed,
    );
    const upkeep = new Upkeep({ ledger, publisher, observer });
    upkeep.start();
    return new Daemon(server, signingKey.publicKey, parts, engine, upkeep);
  }

  get executorId(): string {
    return this.parts.ledger.executorId;
  }

  unreachable(): readonly string[] {
    return this.parts.executors.unreachable();
  }

  get box(): BoxState {
    return this.parts.executors.box;
  }

  /** Says how it is, in one line for a person. */
  status(): string {
    const refusing = reasonsToRefuse(this.parts, this.engine.runs.isDraining);
    if (refusing.length > 0) return `takes no work: ${refusing.join(", ")}`;
    return `serving ${this.parts.executors.actions.size} actions`;
  }

  /**
   * Takes approvers, keys and tenant from a newer configuration; work in flight goes on. They are
   * in force even where it rejects because the ledger could not record it.
   */
  async reload(config: Config): Promise<void> {
    const { trust, ledger, clock, sign } = this.parts;
    const { executorId } = ledger;
    trust.replace(new TrustStore(config, executorId));
    await this.engine.proposals.refresh();
    const act = { act: "reload", peer: null, atMs: clock.nowMs(), detail: null } as const;
    await ledger.append([sign(adminReceipt(executorId, act))], true);
  }

  /** Tells whether a newer configuration differs in more than reload() takes. */
  needsRestart(config: Config): boolean {
    const { approvers, clawshield, tenant } = config;
    return !isDeepStrictEqual(config, { ...this.parts.config, approvers, clawshield, tenant });
  }

  /**
   * Ends executors and takes the sockets away at once, without waiting: the process must end now.
   * The next daemon settles what ran as unknown.
   */
  abandon(): void {
    void this.parts.executors.close();
    void this.server.stop();
  }

  /** Ends what still runs, settles it as unknown and closes everything. The server has stopped. */
  async close(): Promise<void> {
    const { executors, ledger, refusals, config } = this.parts;
    await executors.close();
    await this.engine.drain(config.limits.drainMs);
    this.engine.requests.close();
    await refusals.flush(true);
    await this.upkeep.stop();
    await ledger.close();
  }
}

/** How long the operator's command for notices may take. */
const NOTIFY_MS = 10_000;

function notifyBy({ notify: { command } }: Config): EngineParts["notify"] {
  const terms = { limitMs: NOTIFY_MS, environment: {} };
  return command === null ? null : (text) => runCommand(command, text, terms);
}

function metricsOf({ ledger, executors }: EngineParts, engine: Engine): DaemonMetrics {
  return daemonMetrics({
    version: program.version,
    actions: executors.actions.keys(),
    inFlight: () => engine.runs.size,
    proposals: () => engine.proposals.statistics(),
    nowMs: () => ledger.clock.nowMs(),
    executors: () => executors.statistics(),
    ledger: () => ledger.statistics(),
    health: () => ledger.health(),
  });
}

/** Less is a full disk: recovery would live on the ballast, which is there for what runs. */
const ROOM_BYTES = 64 * 1024;

async function openLedgerOf(
  config: Config,
  clock: MachineClock,
  onMigration: ReportMigration,
): Promise<Ledger> {
  const { stateDir, executorId, mode, limits: { resultBytes: resultBytesMax } } = config;
  requireStateFiles(stateDir);
  const lock = await StateLock.acquire(stateDir);
  if (freeBytes(stateDir) < ROOM_BYTES) {
    lock.release();
    throw new Refusal("storage_full");
  }
  const migration = { report: onMigration };
  return await openLedger({ stateDir, executorId, mode, clock, resultBytesMax, lock, migration });
}

/** Returns the key that signs, once the log names it and what a restore left out. */
async function openSigningKey(
  { stateDir, anchor }: Config,
  { systemd }: Environment,
  ledger: Ledger,
): Promise<SigningKey> {
  const { log, clock, executorId } = ledger;
  const keys = await loadExecutorKeys(stateDir, systemd.credentialsDirectory, currentKeyid(log));
  const isRestored = ledger.unrecordedRestore() !== null;
  if (
    anchor !== null && !checkAnchor(anchor, keys.current.publicKey, { executorId, log, isRestored })
  ) {
    await beginAnchor(anchor, new LogHead(executorId, log, keys.current));
  }
  const signingKey = await establishSigningKey(keys, ledger, clock);
  await writePublicKey(stateDir, signingKey.publicKey);
  await recordRestore(ledger, receiptSigner(signingKey));
  return signingKey;
}
