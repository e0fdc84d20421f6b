/** docs/cli.md and the manual page openexec(1), from the command tree itself. */

import { type CommandModel, commandModels } from "./command_model.ts";
import { commandTree } from "../src/cli/commands.ts";
import { EXIT_CODES } from "../src/cli/exit_code.ts";
import { systemContext } from "../src/cli/context.ts";
import { program } from "../src/os/program.ts";

const tree = await commandTree(systemContext());
const commands: readonly CommandModel[] = commandModels(tree);

/** Read by commands; the configuration's own are in docs/config.md. */
const VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["OPENEXEC_CONFIG", "the configuration file, where --config is not given"],
  ["OPENEXEC_SOCKET", "the agents' socket, where --socket is not given"],
  ["OPENEXEC_STATE_DIR", "the state directory, where --state is not given"],
];

/** The pipe that approves and runs, as every document shows it. */
const PIPE = `openexec request echo '{"msg":"hello"}' | ` +
  "openexec approve --key approver.key - | openexec exec -";

export function cliReference(): string {
  return [
    "# The command line",
    "",
    "Generated from the command tree by `npm run docs`. `openexec help` and the manual page",
    "say the same.",
    "",
    `    ${PIPE}`,
    "",
    "| exit code | meaning |",
    "|---|---|",
    ...EXIT_CODES.map(([code, meaning]) => `| ${code} | ${meaning} |`),
    "",
    "Errors go to standard error with the code of [errors.md](errors.md) and what to do next; with",
    "`--json` as one line of JSON. Options that name files take them from the current folder.",
    "",
    "| variable | meaning |",
    "|---|---|",
    ...VARIABLES.map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    "",
    "| command | does |",
    "|---|---|",
    ...commands.map(({ name, summary }) => `| [\`${name}\`](#openexec-${name}) | ${summary} |`),
    "",
    ...commands.flatMap(commandSection),
  ].join("\n");
}

function commandSection(
  { name, usage, description, arguments: operands, options }: CommandModel,
): string[] {
  const rows = [
    ...operands.map((operand) => [`${operand.name}`, operand.description]),
    ...options.map((option) => [option.flags, option.description]),
  ];
  return [
    `## openexec ${name}`,
    "",
    `    openexec ${name} ${usage}`,
    "",
    sentences(description),
    "",
    "| | |",
    "|---|---|",
    ...rows.map(([term, meaning]) => `| \`${term}\` | ${cell(meaning ?? "")} |`),
    "",
  ];
}

/**
 * A summary starts in lower case because help lists it; as the start of a section it is a sentence.
 */
function sentences(description: string): string {
  const [summary = "", ...rest] = description.split("\n\n");
  return [`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, ...rest].join("\n\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

export function manualPage(): string {
  return [
    `.TH OPENEXEC 1 "" "openexec ${program.version}" "User Commands"`,
    ".SH NAME",
    "openexec \\- a deterministic execution boundary for the AI agents of one host",
    ".SH SYNOPSIS",
    ...commands.flatMap(({ name, usage }) => [".PP", `.B openexec ${name}`, roff(usage)]),
    ".SH DESCRIPTION",
    roff(tree.description()),
    ".PP",
    ".nf",
    roff(PIPE),
    ".fi",
    ".SH COMMANDS",
    ...commands.flatMap(manualSection),
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([code, meaning]) => [".TP", `.B ${code}`, roff(meaning)]),
    ".SH ENVIRONMENT",
    ...VARIABLES.flatMap(([name, meaning]) => [".TP", `.B ${name}`, roff(meaning)]),
    "",
  ].join("\n");
}

function manualSection(
  { name, usage, description, arguments: operands, options }: CommandModel,
): string[] {
  const entry = (term: string, meaning: string) => [".TP", `.B ${roff(term)}`, roff(meaning)];
  return [
    `.SS openexec ${name} ${roff(usage)}`,
    ...sentences(description).split("\n\n").flatMap((paragraph) => [".PP", roff(paragraph)]),
    ...operands.flatMap((operand) => entry(operand.name, operand.description)),
    ...options.flatMap((option) => entry(option.flags, option.description)),
  ];
}

/**
 * Text as groff takes it: backslashes and dashes are its own, and so is a line's first dot or
 * quote.
 */
function roff(text: string): string {
  const plain = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...");
  return plain.replace(/^([.'])/gm, "\\&$1");
}
