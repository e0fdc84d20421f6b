/**
 * One daemon from its start to its end, as signals and the service manager want it.
 *
 * Invariant: signals are listened for before the ledger is opened, so that one can be sent at any
 * time. Before that, a signal ends the process at once.
 */

import { fstatSync } from "node:fs";
import { constants } from "node:os";
import { problemText } from "../config/config_error.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { MachineClock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import { formatPublicKey } from "../core/keys/public_key.ts";
import { StartupError } from "../core/startup_error.ts";
import { isDiskFull } from "../ledger/disk/free_space.ts";
import type { ReportMigration } from "../ledger/store/migrate.ts";
import { makePrivateFolder } from "../os/files.ts";
import { type Notifier, notifier, watchdogPeriodMs } from "../os/notify.ts";
import { program } from "../os/program.ts";
import { configureLogging, logFormatFor, logger, priorityMark } from "../telemetry/log.ts";
import { Daemon } from "./daemon.ts";
import { makeSocketFolders } from "./development_key.ts";
import { Liveness } from "./liveness.ts";
import { requireOwnFiles } from "./own_files.ts";
import { reload } from "./reload.ts";
import { Signals } from "./signals.ts";
import {
  isWarning,
  kernelWarnings,
  secretWarnings,
  unconfinedWarnings,
  unreachableWarnings,
  userWarnings,
  welcomeLines,
} from "./texts.ts";

/** Everything outside of a daemon. */
export interface DaemonContext {
  readonly terminal: {
    /** Standard output, with a line feed. */
    print(text: string): void;
    readonly errorIsTerminal: boolean;
  };
  readonly environment: Environment;
  /** Absolute. */
  readonly cwd: string;
  readonly clock: MachineClock;
}

/** Why a daemon ended: it was `asked` to, or it was `deaf` and a restart helps. */
export type Ending = "asked" | "deaf";

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
/** How often a daemon without a watchdog checks that it can be reached. */
const LOOK_EVERY_MS = 10_000;
/** How often a migration is told of, and how long one of its transactions may take. */
const TELL_EVERY_MS = 1_000;
const MIGRATION_STEP_MS = 120_000;
/** From the end of the drain to the end of the process. */
const CLOSING_MS = 10_000;
/** How long the end waits for somebody to read the last lines of the log. */
const LOG_MS = 2_000;
/** Exit code of an end that was not asked for, or was asked for twice. */
const FAILED = 1;

/** Runs a daemon to its end. `load` reads the configuration anew. Throws a StartupError. */
export async function serve(
  context: DaemonContext,
  loaded: LoadedConfig,
  load: () => LoadedConfig,
): Promise<Ending> {
  const { config } = loaded;
  const { notifySocket, watchdog } = context.environment.systemd;
  const flushLog = openLog(context);
  const notify = notifier(notifySocket);
  let daemon: Daemon | undefined;
  const signals = new Signals({
    endAtOnce: () => {
      daemon?.abandon();
      Deno.exit(FAILED);
    },
  });
  try {
    notify.status("starting");
    makeSocketFolders(config);
    makePrivateFolder(config.stateDir);
    requireOwnFiles(config); // once more, with folders that are made only now
    const started = daemon = await startDaemon(context, loaded, migrationTeller(notify));
    const liveness = new Liveness({
      notify,
      periodMs: watchdogPeriodMs(watchdog, Deno.pid) ?? LOOK_EVERY_MS,
      isAccepting: () => started.server.isAccepting(),
      status: () => started.status(),
    });
    if (!signals.isStopping) {
      welcome(context, loaded, started);
      liveness.ready();
      signals.serveReloads(async () => {
        notify.reloading();
        const isReloaded = await reload(started, load);
        liveness.ready(isReloaded ? "" : "the last reload failed");
      });
    }
    const ending = await endingOf(signals, liveness);
    notify.stopping("draining", config.limits.drainMs + CLOSING_MS);
    await started.server.drain();
    liveness.close();
    await started.close();
    // A write that nobody takes keeps the runtime alive for ever.
    if (!await flushLog(LOG_MS)) Deno.exit(ending === "asked" ? 0 : FAILED);
    return ending;
  } finally {
    signals.close();
    await flushLog(LOG_MS);
  }
}

/** Tells the log and the service manager how far a migration is, now and then. */
function migrationTeller(notify: Notifier): ReportMigration {
  let toldMs = -Infinity;
  return (done, executions) => {
    if (performance.now() - toldMs < TELL_EVERY_MS) return;
    toldMs = performance.now();
    const [some, all] = [done, executions].map((count) => count.toLocaleString("en"));
    logger("ledger").info("migrating the ledger", { count: done, total: executions });
    notify.starting(`migrating the ledger: ${some} of ${all} executions`, MIGRATION_STEP_MS);
  };
}

async function startDaemon(
  { environment, clock }: DaemonContext,
  { config }: LoadedConfig,
  onMigration: ReportMigration,
): Promise<Daemon> {
  try {
    return await Daemon.start(config, environment, clock, onMigration);
  } catch (error) {
    if (isDiskFull(error) || (error instanceof Refusal && error.code === "storage_full")) {
      throw new StartupError(`The disk of ${config.stateDir} is full`, "free space on it");
    }
    if (!isInTheWay(error)) throw error;
    throw new StartupError(
      `${config.stateDir} cannot be used: ${error.message}`,
      "let the daemon's user own it and all that is in it, as the daemon made it",
    );
  }
}

const { EACCES, EPERM, EROFS } = constants.errno;
/** Reasons that stay until somebody mends them. LMDB gives errno(3) as a number. */
const STANDING_REASONS: ReadonlySet<unknown> = new Set([
  ...["EACCES", "EPERM", "EROFS", "EISDIR", "ENOTDIR", "ELOOP"],
  ...[EACCES, EPERM, EROFS],
]);

/** Tells whether a file or folder is not this user's to use, or not what it should be. */
function isInTheWay(error: unknown): error is Error {
  if (error instanceof Deno.errors.NotCapable) return true;
  return error instanceof Error && "code" in error && STANDING_REASONS.has(error.code);
}

function endingOf(signals: Signals, liveness: Liveness): Promise<Ending> {
  const asked = signals.stop.then((): Ending => "asked");
  const deaf = liveness.deaf.then((): Ending => {
    logger("daemon").error("a socket takes no connections any more; a restart helps");
    return "deaf";
  });
  return Promise.race([asked, deaf]);
}

function openLog({ environment, terminal }: DaemonContext): ReturnType<typeof configureLogging> {
  const { systemd, noColor } = environment;
  const { dev: device, ino: inode } = fstatSync(STANDARD_ERROR);
  const stream = { isTerminal: terminal.errorIsTerminal, device, inode };
  return configureLogging({
    format: logFormatFor(stream, systemd.journalStream),
    color: stream.isTerminal && !noColor,
    stream: Deno.stderr,
  });
}

function welcome(
  { terminal, environment }: DaemonContext,
  { config, warnings }: LoadedConfig,
  daemon: Daemon,
): void {
  const lines = welcomeLines(config, {
    command: program.packaged ? "openexec" : "npx openexec",
    version: program.version,
    executorId: daemon.executorId,
    mode: config.mode,
    executorKey: formatPublicKey(daemon.executorKey),
    warnings: [
      ...warnings.map(problemText),
      ...[
        ...userWarnings(config, Deno.uid()),
        ...secretWarnings(config),
        ...kernelWarnings(daemon.box),
        ...unconfinedWarnings(daemon.box),
        ...unreachableWarnings(daemon.unreachable()),
      ].map(({ what, remedy }) => `${what}: ${remedy}`),
    ],
  });
  const mark = priorityMark("warning", STANDARD_OUTPUT, environment.systemd.journalStream);
  for (const line of lines) terminal.print(isWarning(line) ? `${mark}${line}` : line);
}
