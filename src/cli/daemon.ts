/**
 * The daemon, put together: every part is made here, handed to those that need it, and taken down in reverse.
 *
 * Order of a start: the state directory's lock; ledger, keys and log; executors, once none of a predecessor's lives; recovery;
 * sockets. So the box is tested before a caller is let in, and everything a predecessor left is settled or holds a slot to run
 * again.
 */

import { isDeepStrictEqual } from "node:util";
import { TrustStore } from "../approval/trust.ts";
import type { Config } from "../config/config.ts";
import { type Environment, readVariable } from "../config/environment.ts";
import type { SigningKey } from "../core/ed25519.ts";
import { Refusal } from "../core/errors.ts";
import { checkAnchor, CheckpointPublisher, LogHead } from "../engine/checkpoints.ts";
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
import { StateLock } from "../ledger/disk/lock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openLedger } from "../ledger/open.ts";
import { adminReceipt } from "../log/receipt.ts";
import { receiptSigner } from "../log/signed_receipt.ts";
import { machineClock } from "../os/clock.ts";
import { program } from "../os/program.ts";
import { inheritedSockets } from "../os/socket_activation.ts";
import { Server } from "../server/server.ts";
import { type DaemonMetrics, daemonMetrics } from "../telemetry/daemon_metrics.ts";
import { observer as makeObserver } from "./observer.ts";
import { Upkeep } from "./upkeep.ts";

export class Daemon {
  private constructor(
    readonly server: Server,
    readonly executorId: string,
    /** 32 bytes. */
    readonly executorKey: Uint8Array,
    private readonly parts: EngineParts & {
      readonly executors: Pool;
      readonly ledger: Ledger;
    },
    private readonly engine: Engine,
    private readonly upkeep: Upkeep,
  ) {}

  /** Throws a StartupError or LedgerOpenError, or a Refusal storage_full; whatever was opened before it is closed again. */
  static async start(config: Config, environment: Environment): Promise<Daemon> {
    const { stateDir, actions, limits, mode } = config;
    const ledger = await openLedgerOf(config);
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
    const sign = receiptSigner(signingKey);
    let metrics: DaemonMetrics | null = null;
    const observer = makeObserver(() => metrics);
    const parts = {
      config,
      clock,
      ledger,
      executors,
      sign,
      trust: new TrustGate(new TrustStore(config, executorId), clock),
      refusals: new RefusalJournal(ledger, clock, sign, config.limits.refusalReceiptsPerMinute),
      observe: observer.attempt,
      onBug: observer.bug,
    };
    const engine = new Engine(parts);
    const head = new LogHead(executorId, ledger.log, signingKey);
    const metricsText = () => metrics?.render() ?? "";
    const inspector = new Inspector(parts, engine.runs, head, program.version, metricsText);
    metrics = daemonMetrics({
      version: program.version,
      actions: executors.actions.keys(),
      inFlight: () => engine.runs.size,
      executors: () => executors.statistics(),
      ledger: () => ledger.statistics(),
      health: () => ledger.health(),
    });
    const operator = new Operator(ledger, clock, sign, observer.pruned);
    const publisher = new CheckpointPublisher(
      head,
      config.anchor,
      config.checkpoints,
      runCommand,
      observer.checkpointFailed,
    );
    const recovery = await recover(parts, engine.runs);
    const server = await Server.start({
      sockets: config.sockets,
      inherited: inheritedSockets(environment.systemd.listen, Deno.pid),
      limits: config.limits,
      engine,
      inspector,
      operator,
      clock,
      observe: observer.exchange,
      onBug: observer.bug,
    });
    observer.recovered(recovery);
    void recovery.runAgain();
    const upkeep = new Upkeep({ ledger, publisher, observer });
    upkeep.start();
    return new Daemon(server, executorId, signingKey.publicKey, parts, engine, upkeep);
  }

  get box(): BoxState {
    return this.parts.executors.box;
  }

  /** How it is, in one line for a person. */
  status(): string {
    const refusing = reasonsToRefuse(this.parts, this.engine.runs.isDraining);
    if (refusing.length > 0) return `takes no work: ${refusing.join(", ")}`;
    return `serving ${this.parts.executors.actions.size} actions`;
  }

  /**
   * Takes approvers, keys and tenant from a newer configuration; work in flight goes on. They are in force even where it rejects
   * because the ledger could not record it.
   */
  async reload(config: Config): Promise<void> {
    const { trust, ledger, clock, sign } = this.parts;
    const { executorId } = ledger;
    trust.replace(new TrustStore(config, executorId));
    const act = { act: "reload", peer: null, atMs: clock.nowMs(), detail: null } as const;
    await ledger.append([sign(adminReceipt(executorId, act))], true);
  }

  /** Whether a newer configuration differs in more than reload() takes. */
  needsRestart(config: Config): boolean {
    return !isDeepStrictEqual(untrusting(config), untrusting(this.parts.config));
  }

  /**
   * Ends executors and takes the sockets away, at once and without waiting for anything: the process must end now. What ran is
   * settled as unknown by the next one.
   */
  abandon(): void {
    void this.parts.executors.close();
    void this.server.stop();
  }

  /** After the server has stopped: what still runs is ended and settled as unknown, then everything is closed. */
  async close(): Promise<void> {
    const { executors, ledger, refusals, config } = this.parts;
    await executors.close();
    await this.engine.drain(config.limits.drainMs);
    await refusals.flush(true);
    await this.upkeep.stop();
    await ledger.close();
  }
}

function untrusting(config: Config): Config {
  return { ...config, approvers: [], clawshield: null, tenant: null };
}

/** Less is a full disk: recovery would have to live on the ballast, which is there for what runs. */
const ROOM_BYTES = 64 * 1024;

async function openLedgerOf({ stateDir, executorId, mode, limits }: Config): Promise<Ledger> {
  const lock = await StateLock.acquire(stateDir);
  try {
    if (freeBytes(stateDir) < ROOM_BYTES) throw new Refusal("storage_full");
  } catch (error) {
    lock.release();
    throw error;
  }
  const resultBytesMax = limits.resultBytes;
  return await openLedger({
    stateDir,
    executorId,
    mode,
    clock: machineClock,
    resultBytesMax,
    lock,
  });
}

/** The key that signs, once the log names it, and says what a restore left out. */
async function openSigningKey(
  { stateDir, anchor }: Config,
  { systemd }: Environment,
  ledger: Ledger,
): Promise<SigningKey> {
  const { log, clock, executorId } = ledger;
  const keys = loadExecutorKeys(stateDir, systemd.credentialsDirectory, currentKeyid(log));
  if (anchor !== null) checkAnchor(anchor, executorId, keys.current.publicKey, log);
  const signingKey = await establishSigningKey(keys, ledger, clock);
  writePublicKey(stateDir, signingKey.publicKey);
  await recordRestore(ledger, receiptSigner(signingKey));
  return signingKey;
}
