/** `openexec completion`: a shell's completion script, as scripts/completion_scripts.ts made it. */

import { Argument, type Command } from "commander";
import { join } from "node:path";
import { program } from "../../os/program.ts";
import { command, type JsonFlag } from "../command.ts";
import type { Context } from "../context.ts";

/** By shell, under the name that the shell looks for. */
const FILES = { bash: "openexec.bash", zsh: "_openexec", fish: "openexec.fish" } as const;

export function completionCommand(context: Context): Command {
  return command(
    "completion",
    "print a shell's completion script",
    "For bash: source <(openexec completion bash). The script says for each shell where to put it.",
  )
    .addArgument(new Argument("<shell>", "which shell").choices(Object.keys(FILES)))
    .action((shell: keyof typeof FILES, flags: JsonFlag) => {
      const script = Deno.readTextFileSync(join(folder(), FILES[shell]));
      context.terminal.print(flags.json ? JSON.stringify({ shell, script }) : script.trimEnd());
    });
}

/** The single file has them in its one folder. */
function folder(): string {
  return program.packaged ? program.root : join(program.root, "docs/completions");
}
