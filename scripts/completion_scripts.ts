/**
 * docs/completions, made whole from the command tree: a shell that has a script runs nothing of
 * openexec to complete a word. Where neither a command, an option nor a choice is meant, the
 * scripts leave file names to the shell.
 */

import { commandTree } from "../src/cli/commands.ts";
import { systemContext } from "../src/cli/context.ts";
import { type CommandModel, commandModels, type OptionModel } from "./command_model.ts";

const models = commandModels(await commandTree(systemContext()));

/** By file name: each is what its shell looks for. */
export const COMPLETIONS: ReadonlyMap<string, () => string> = new Map([
  ["openexec.bash", () => bashScript(models)],
  ["_openexec", () => zshScript(models)],
  ["openexec.fish", () => fishScript(models)],
]);

function bashScript(commands: readonly CommandModel[]): string {
  const choices = commands.flatMap(({ name, options }) =>
    options.filter((option) => option.choices.length > 0)
      .map((option) => `    "${name} --${option.long}") words="${option.choices.join(" ")}" ;;`)
  );
  const words = commands.map(({ name, options }) =>
    `    "${name} -"*) words="${options.map(({ long }) => `--${long}`).join(" ")}" ;;`
  );
  const positions = commands.filter((command) => choicesOf(command).length > 0)
    .map((command) => `    "${command.name} "*) words="${choicesOf(command).join(" ")}" ;;`);
  return `# bash completion for openexec. Put it where your bash looks, or:
# source <(openexec completion bash)
_openexec() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${
    commands.map(({ name }) => name).join(" ")
  } help --help --version" -- "$current"))
    return
  fi
  case "$command $previous" in
${choices.join("\n")}
  esac
  [ -n "$words" ] || case "$command $current" in
${[...words, ...positions].join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _openexec openexec
`;
}

function zshScript(commands: readonly CommandModel[]): string {
  const described = commands.map(({ name, summary }) => `    ${zshWord(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const options = command.options.map((option) => `        ${zshOption(option)}`);
    const choices = choicesOf(command);
    const rest = choices.length > 0
      ? zshWord(`*:choice:(${choices.join(" ")})`)
      : zshWord("*:file:_files");
    return `    ${command.name})\n      _arguments \\\n${
      options.join(" \\\n")
    } \\\n        ${rest} ;;`;
  });
  return `#compdef openexec
# zsh completion for openexec. Put it in a folder of your fpath as _openexec, or:
# source <(openexec completion zsh)
_openexec() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_openexec" ]; then _openexec "$@"; else compdef _openexec openexec; fi
`;
}

function zshOption({ long, description, takesValue, choices }: OptionModel): string {
  const explained = description.replace(/[[\]\\]/g, "\\$&");
  if (!takesValue) return zshWord(`--${long}[${explained}]`);
  const values = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
  return zshWord(`*--${long}[${explained}]:value:${values}`);
}

function zshWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishScript(commands: readonly CommandModel[]): string {
  const names = commands.map(({ name, summary }) =>
    `complete -c openexec -n __fish_use_subcommand -f -a ${name} -d ${fishWord(summary)}`
  );
  const details = commands.flatMap((command) => {
    const within = `complete -c openexec -n '__fish_seen_subcommand_from ${command.name}'`;
    const options = command.options.map((option) => `${within} ${fishOption(option)}`);
    const choices = choicesOf(command);
    return choices.length === 0
      ? options
      : [...options, `${within} -f -a ${fishWord(choices.join(" "))}`];
  });
  return `# fish completion for openexec. Put it in ~/.config/fish/completions, or:
# openexec completion fish | source
${[...names, ...details].join("\n")}
`;
}

function fishOption({ long, short, description, takesValue, choices }: OptionModel): string {
  const value = choices.length > 0
    ? ` -x -a ${fishWord(choices.join(" "))}`
    : takesValue
    ? " -r"
    : "";
  return `-l ${long}${short === null ? "" : ` -s ${short}`}${value} -d ${fishWord(description)}`;
}

function fishWord(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

/** A command whose first argument is chosen from a list has no other argument. */
function choicesOf({ arguments: [first] }: CommandModel): readonly string[] {
  return first?.choices ?? [];
}
