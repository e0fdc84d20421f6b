/**
 * `openexec serve` in its second run: one daemon from its start to its end, as signals and the service manager want it.
 *
 * Invariant: signals are listened for before the ledger is opened, so that one can be sent at any time. Before that, one ends
 * the process at once.
 */

import { fstatSync } from "node:fs";
import { problemText } from "../config/config_error.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedConfig } from "../config/load.ts";
import { Refusal } from "../core/errors.ts";
import { formatPublicKey } from "../core/public_key.ts";
import { StartupError } from "../core/startup_error.ts";
import { isDiskFull } from "../ledger/disk/free_space.ts";
import { notifier, watchdogPeriodMs } from "../os/notify.ts";
import { makePrivateFolder } from "../os/files.ts";
import { program } from "../os/program.ts";
import { Signals } from "../server/lifecycle.ts";
import { configureLogging, logger } from "../telemetry/log.ts";
import { logFormatFor } from "../telemetry/log_format.ts";
import type { Cli } from "./command.ts";
import { kernelWarnings, unconfinedWarnings } from "./box_warnings.ts";
import { Daemon } from "./daemon.ts";
import { makeSocketFolders } from "./embedded_default.ts";
import { DONE, type ExitCode, FAILED } from "./exit_code.ts";
import { requireOwnFiles } from "./own_files.ts";
import { prudentWarnings } from "./prudence.ts";
import { reload } from "./reload.ts";
import { Vigil } from "./vigil.ts";
import { welcomeLines } from "./welcome.ts";

const STANDARD_ERROR = 2;
/** How often a daemon without a watchdog looks whether it can be reached. */
const LOOK_EVERY_MS = 10_000;
/** From the end of the drain to the end of the process. */
const CLOSING_MS = 10_000;

/** `load` reads the configuration anew, for a reload. Throws a StartupError. */
export async function runService(
  cli: Cli,
  loaded: LoadedConfig,
  load: () => Promise<LoadedConfig>,
): Promise<ExitCode> {
  const { config } = loaded;
  const { notifySocket, watchdog } = cli.environment.systemd;
  const flushLog = openLog(cli);
  const notify = notifier(notifySocket);
  let daemon: Daemon | undefined;
  const signals = new Signals(() => {
    daemon?.abandon();
    Deno.exit(FAILED);
  });
  try {
    notify.status("starting");
    makeSocketFolders(config);
    makePrivateFolder(config.stateDir);
    requireOwnFiles(config); // once more, with folders that are made only now
    const started = daemon = await start(config, cli.environment);
    const vigil = new Vigil({
      notify,
      periodMs: watchdogPeriodMs(watchdog, Deno.pid) ?? LOOK_EVERY_MS,
      isAccepting: () => started.server.isAccepting(),
      status: () => started.status(),
    });
    if (!signals.isStopping) {
      welcome(cli, loaded, started);
      vigil.ready();
      signals.serveReloads(async () => {
        notify.reloading();
        const isReloaded = await reload(started, load);
        vigil.ready(isReloaded ? "" : "the last reload failed");
      });
    }
    const ended = await endOf(signals, vigil);
    notify.stopping("draining", config.limits.drainMs + CLOSING_MS);
    await started.server.drain();
    vigil.close();
    await started.close();
    return ended;
  } finally {
    signals.close();
    await flushLog();
  }
}

/** Throws a StartupError. */
async function start(config: Config, environment: Environment): Promise<Daemon> {
  try {
    return await Daemon.start(config, environment);
  } catch (error) {
    const full = isDiskFull(error) || (error instanceof Refusal && error.code === "storage_full");
    throw full
      ? new StartupError(`The disk of ${config.stateDir} is full`, "free space on it")
      : error;
  }
}

/** Why it is to end: DONE when it was asked to, FAILED when it has to. */
function endOf(signals: Signals, vigil: Vigil): Promise<ExitCode> {
  const asked = signals.stop.then((): ExitCode => DONE);
  const deaf = vigil.deaf.then((): ExitCode => {
    logger("daemon").error("a socket takes no connections any more; a restart helps");
    return FAILED;
  });
  return Promise.race([asked, deaf]);
}

function openLog(cli: Cli): () => Promise<void> {
  const { systemd, noColor } = cli.environment;
  const { dev: device, ino: inode } = fstatSync(STANDARD_ERROR);
  const stream = { isTerminal: cli.terminal.errorIsTerminal, device, inode };
  return configureLogging({
    format: logFormatFor(stream, systemd.journalStream),
    color: stream.isTerminal && !noColor,
    lowestLevel: "info",
    stream: Deno.stderr,
  });
}

function welcome(cli: Cli, { config, warnings }: LoadedConfig, daemon: Daemon): void {
  const lines = welcomeLines(config, {
    command: program.packaged ? "openexec" : "npx openexec",
    version: program.version,
    executorId: daemon.executorId,
    mode: config.mode,
    executorKey: formatPublicKey(daemon.executorKey),
    warnings: [
      ...warnings.map(problemText),
      ...prudentWarnings(config, Deno.uid()),
      ...[...kernelWarnings(daemon.box), ...unconfinedWarnings(daemon.box)]
        .map(({ what, remedy }) => `${what}: ${remedy}`),
    ],
  });
  for (const line of lines) cli.terminal.print(line);
}
