/** The command line: one tree of commands. Help, manual page and completions are made of it. */

import { Command, CommanderError } from "commander";
import { program } from "../os/program.ts";
import { type Context, systemContext } from "./context.ts";
import { endingOf } from "./ending.ts";
import { DONE, type ExitCode, USAGE } from "./exit_code.ts";

type Make = (context: Context) => Command;

/**
 * In the order of help. Each is loaded when it is asked for: to load all takes longer than most
 * run.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Make>>> = {
  serve: async () => (await import("./commands/serve.ts")).serveCommand,
  keygen: async () => (await import("./commands/keygen.ts")).keygenCommand,
  request: async () => (await import("./commands/request.ts")).requestCommand,
  approve: async () => (await import("./commands/approve.ts")).approveCommand,
  propose: async () => (await import("./commands/propose.ts")).proposeCommand,
  pending: async () => (await import("./commands/pending.ts")).pendingCommand,
  withdraw: async () => (await import("./commands/pending.ts")).withdrawCommand,
  review: async () => (await import("./commands/review.ts")).reviewCommand,
  decide: async () => (await import("./commands/decide.ts")).decideCommand,
  exec: async () => (await import("./commands/exec.ts")).execCommand,
  show: async () => (await import("./commands/show.ts")).showCommand,
  list: async () => (await import("./commands/list.ts")).listCommand,
  actions: async () => (await import("./commands/actions.ts")).actionsCommand,
  status: async () => (await import("./commands/status.ts")).statusCommand,
  verify: async () => (await import("./commands/verify.ts")).verifyCommand,
  checkpoint: async () => (await import("./commands/ledger/checkpoint.ts")).checkpointCommand,
  halt: async () => (await import("./commands/operate.ts")).haltCommand,
  resume: async () => (await import("./commands/operate.ts")).resumeCommand,
  revoke: async () => (await import("./commands/operate.ts")).revokeCommand,
  resolve: async () => (await import("./commands/operate.ts")).resolveCommand,
  prune: async () => (await import("./commands/operate.ts")).pruneCommand,
  audit: async () => (await import("./commands/ledger/audit.ts")).auditCommand,
  export: async () => (await import("./commands/ledger/export.ts")).exportCommand,
  backup: async () => (await import("./commands/ledger/backup.ts")).backupCommand,
  restore: async () => (await import("./commands/ledger/restore.ts")).restoreCommand,
  pin: async () => (await import("./commands/pin.ts")).pinCommand,
  "test-action": async () => (await import("./commands/test_action.ts")).testActionCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  mcp: async () => (await import("./commands/mcp.ts")).mcpCommand,
  completion: async () => (await import("./commands/completion.ts")).completionCommand,
};

const ALL = Object.keys(COMMANDS);

/** Runs one command. `argv` is what follows the program's name. */
export async function runCli(
  argv: readonly string[],
  context: Context = systemContext(),
): Promise<ExitCode> {
  return await endingOf(context, argv.includes("--json"), async () => {
    const tree = await commandTree(context, namesIn(argv));
    try {
      await tree.parseAsync([...argv], { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      context.exitCode = error.exitCode === 0 ? DONE : USAGE; // it said what was wrong
    }
  });
}

/** Names the command that is asked for: none for the version, all where it is no command. */
function namesIn(argv: readonly string[]): readonly string[] {
  const [first = ""] = argv;
  if (first === "-V" || first === "--version") return [];
  const asked = argv.find((argument) => !argument.startsWith("-")) ?? "";
  return Object.hasOwn(COMMANDS, asked) ? [asked] : ALL;
}

/** Holds the commands of these names. */
export async function commandTree(
  context: Context,
  names: readonly string[] = ALL,
): Promise<Command> {
  const root = new Command("openexec")
    .description(
      "Runs what was approved, once, in a box, and keeps a receipt that anyone can check.",
    )
    .version(program.version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .showHelpAfterError("(see --help)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.print(text.trimEnd()),
      writeErr: (text) => context.terminal.note(text.trimEnd()),
      outputError: (text, write) => write(`openexec: ${text.replace(/^error: /, "")}`),
    });
  const chosen = Object.entries(COMMANDS).filter(([name]) => names.includes(name));
  for (const make of await Promise.all(chosen.map(([, load]) => load()))) {
    root.addCommand(make(context).copyInheritedSettings(root));
  }
  return root;
}
