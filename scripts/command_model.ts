/** The command tree as plain data: completions and the reference are made of it. */

import type { Argument, Command, Option } from "commander";

export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly usage: string;
  readonly options: readonly OptionModel[];
  readonly arguments: readonly ArgumentModel[];
}

export interface OptionModel {
  /** As help shows it, such as `--key <file>`. */
  readonly flags: string;
  /** Without dashes. */
  readonly long: string;
  readonly short: string | null;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

export interface ArgumentModel {
  readonly name: string;
  readonly description: string;
  readonly choices: readonly string[];
}

/** Lists the commands of the tree in the order of help. */
export function commandModels(root: Command): CommandModel[] {
  return root.createHelp().visibleCommands(root).filter((command) => command.name() !== "help").map(
    modelOf,
  );
}

function modelOf(command: Command): CommandModel {
  return {
    name: command.name(),
    summary: command.summary(),
    description: command.description(),
    usage: command.usage(),
    options: command.createHelp().visibleOptions(command).map(optionOf),
    arguments: command.registeredArguments.map(argumentOf),
  };
}

function optionOf(option: Option): OptionModel {
  return {
    flags: option.flags,
    long: option.long?.replace(/^--/, "") ?? "",
    short: option.short?.replace(/^-/, "") ?? null,
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}

function argumentOf(argument: Argument): ArgumentModel {
  return {
    name: argument.name(),
    description: argument.description,
    choices: argument.argChoices ?? [],
  };
}
