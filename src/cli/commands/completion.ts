/** `openexec completion`: prints a shell's completion script. */

import { Argument, type Command } from "commander";
import { type Cli, command, type JsonFlag } from "../command.ts";
import { commandModels } from "../command_model.ts";
import { completionScript, type Shell, SHELLS } from "../completion_scripts.ts";

export function completionCommand(cli: Cli): Command {
  const completion = command(
    "completion",
    "print a shell's completion script",
    "For bash: source <(openexec completion bash). The script says for each shell where to put it.",
  );
  return completion
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: Shell, flags: JsonFlag) => {
      const script = completionScript(shell, commandModels(completion.parent ?? completion));
      cli.terminal.print(flags.json ? JSON.stringify({ shell, script }) : script.trimEnd());
    });
}
