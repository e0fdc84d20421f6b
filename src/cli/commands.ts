/** The command line: one tree of commands, which help, manual page and completions are made of. */

import { Command } from "commander";
import { readEnvironment } from "../config/environment.ts";
import { systemClock } from "../core/clock.ts";
import { program } from "../os/program.ts";
import { actionsCommand } from "./actions.ts";
import { approveCommand } from "./approve.ts";
import { auditCommand } from "./audit.ts";
import { backupCommand, restoreCommand } from "./backup.ts";
import { checkpointCommand } from "./checkpoint.ts";
import { type Cli, tellError } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { doctorCommand } from "./doctor.ts";
import { execCommand } from "./exec.ts";
import { DONE, type ExitCode, exitCodeOf } from "./exit_code.ts";
import { exportCommand } from "./export.ts";
import { interruption } from "./interruption.ts";
import { keygenCommand } from "./keygen.ts";
import { listCommand } from "./list.ts";
import { haltCommand, pruneCommand, resolveCommand, resumeCommand, revokeCommand } from "./operate.ts";
import { pinCommand } from "./pin.ts";
import { requestCommand } from "./request.ts";
import { serveCommand } from "./serve.ts";
import { showCommand } from "./show.ts";
import { statusCommand } from "./status.ts";
import { systemTerminal } from "./terminal.ts";
import { testActionCommand } from "./test_action.ts";
import { verifyCommand } from "./verify.ts";

/** In the order help lists them. */
const COMMANDS: readonly ((cli: Cli) => Command)[] = [
  serveCommand,
  keygenCommand,
  requestCommand,
  approveCommand,
  execCommand,
  showCommand,
  listCommand,
  actionsCommand,
  statusCommand,
  verifyCommand,
  checkpointCommand,
  haltCommand,
  resumeCommand,
  revokeCommand,
  resolveCommand,
  pruneCommand,
  auditCommand,
  exportCommand,
  backupCommand,
  restoreCommand,
  pinCommand,
  testActionCommand,
  doctorCommand,
  completionCommand,
];

/** Runs one command. `argv` is what follows the program's name. */
export async function runCli(argv: readonly string[], cli: Cli = systemCli()): Promise<ExitCode> {
  try {
    await commandTree(cli).parseAsync([...argv], { from: "user" });
    return cli.exitCode;
  } catch (error) {
    tellError(cli, error, argv.includes("--json"));
    return exitCodeOf(error);
  }
}

export function commandTree(cli: Cli): Command {
  const root = new Command("openexec")
    .description("Runs what was approved, once, in a box, and keeps a receipt that anyone can check.")
    .version(program.version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .showHelpAfterError("(see --help)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.terminal.print(text.trimEnd()),
      writeErr: (text) => cli.terminal.note(text.trimEnd()),
      outputError: (text, write) => write(`openexec: ${text.replace(/^error: /, "")}`),
    });
  for (const make of COMMANDS) root.addCommand(make(cli).copyInheritedSettings(root));
  return root;
}

export function systemCli(): Cli {
  return {
    terminal: systemTerminal(),
    environment: readEnvironment(),
    cwd: Deno.cwd(),
    clock: systemClock,
    interruption: interruption(),
    exitCode: DONE,
  };
}
