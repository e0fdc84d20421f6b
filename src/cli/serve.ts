/**
 * `openexec serve`: the daemon in the foreground, in two stages of the same process. The first reads the configuration, the
 * second runs under the permissions that it calls for.
 */

import type { Command } from "commander";
import { fstatSync } from "node:fs";
import { checkPaths, loadConfig, type LoadedConfig } from "../config/load.ts";
import { inheritedVariables } from "../config/environment.ts";
import { problemText } from "../config/config_error.ts";
import { readConfigFile } from "../config/read_file.ts";
import { formatPublicKey } from "../core/public_key.ts";
import { realPath } from "../os/file_status.ts";
import { notifier, watchdogPeriodMs } from "../os/notify.ts";
import { program } from "../os/program.ts";
import { untilStopped } from "../server/lifecycle.ts";
import { faultFields } from "../telemetry/fault.ts";
import { configureLogging, logger } from "../telemetry/log.ts";
import { logFormatFor } from "../telemetry/log_format.ts";
import { type Cli, command, type JsonFlag } from "./command.ts";
import type { Daemon } from "./daemon.ts";
import { developmentKey, makeSocketFolders } from "./embedded_default.ts";
import { DONE, FAILED } from "./exit_code.ts";
import { isWide, narrow } from "./narrow.ts";
import { prudentWarnings } from "./prudence.ts";
import { welcomeLines } from "./welcome.ts";

const STANDARD_ERROR = 2;

interface ServeFlags extends JsonFlag {
  readonly config?: string;
  readonly state?: string;
  readonly socket?: string;
  readonly mode?: "enforced" | "demo";
}

export function serveCommand(cli: Cli): Command {
  return command(
    "serve",
    "run the daemon in the foreground",
    "Prints where it listens and `ready`. SIGTERM drains: what runs may end, nothing new starts; a second one stops at\n" +
      "once. SIGHUP reads approvers and their keys again. Without a configuration file it runs with built-in actions and\n" +
      "an approver key of its own making.",
  )
    .option("--config <file>", "the configuration file (default: $OPENEXEC_CONFIG, else the system's)")
    .option("--state <dir>", "the state directory")
    .option("--socket <path>", "the agents' socket")
    .option("--mode <mode>", "enforced or demo")
    .action(async (flags: ServeFlags) => {
      const loaded = load(cli, flags);
      checkPaths(loaded, program.root, realPath);
      if (isWide()) narrow(loaded.config, ["serve", ...argumentsOf(flags)], inheritedVariables());
      cli.exitCode = await serve(cli, flags, loaded);
    });
}

/** The key of the embedded default is made in the second stage: the first may write nowhere. */
function load(cli: Cli, flags: ServeFlags): LoadedConfig {
  return loadConfig({
    config: flags.config ?? null,
    overrides: { state: flags.state ?? null, socket: flags.socket ?? null, mode: flags.mode ?? null },
    environment: cli.environment,
    cwd: cli.cwd,
    read: readConfigFile,
    developmentKey: (file) => isWide() ? null : developmentKey(file),
  });
}

function argumentsOf(flags: ServeFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)]
  );
}

async function serve(cli: Cli, flags: ServeFlags, { config, warnings }: LoadedConfig) {
  const { systemd, noColor } = cli.environment;
  const { dev: device, ino: inode } = fstatSync(STANDARD_ERROR);
  const stream = { isTerminal: cli.terminal.errorIsTerminal, device, inode };
  const flushLog = configureLogging({
    format: logFormatFor(stream, systemd.journalStream),
    color: stream.isTerminal && !noColor,
    lowestLevel: "info",
    stream: Deno.stderr,
  });
  makeSocketFolders(config);
  const { Daemon } = await import("./daemon.ts"); // not before: only the daemon may load the ledger's native code
  const daemon = await Daemon.start(config, cli.environment);
  const notify = notifier(systemd.notifySocket);
  const watchdogMs = watchdogPeriodMs(systemd.watchdog, Deno.pid);
  const watchdog = watchdogMs === null ? undefined : setInterval(() => notify.watchdog(), watchdogMs);

  const lines = welcomeLines(config, {
    version: program.version,
    executorId: daemon.executorId,
    mode: config.mode,
    executorKey: formatPublicKey(daemon.executorKey),
    warnings: [...warnings.map(problemText), ...prudentWarnings(config, Deno.uid())],
  });
  for (const line of lines) cli.terminal.print(line);
  notify.ready(`serving ${config.actions.size} actions`);

  const ended = await untilStopped({
    server: daemon.server,
    onStopping: () => notify.stopping("draining"),
    onReload: () => reload(cli, flags, daemon, notify),
  });
  clearInterval(watchdog);
  if (ended === "drained") await daemon.close();
  await flushLog();
  return ended === "drained" ? DONE : FAILED;
}

/** A configuration that does not load leaves the one that does in force. */
async function reload(cli: Cli, flags: ServeFlags, daemon: Daemon, notify: ReturnType<typeof notifier>) {
  const log = logger("daemon");
  notify.reloading();
  try {
    await daemon.reload(load(cli, flags).config);
    log.info("trust store reloaded");
    notify.ready("reloaded");
  } catch (error) {
    log.error("reload failed; the trust store is as it was", faultFields(error));
    notify.ready("reload failed");
  }
}
