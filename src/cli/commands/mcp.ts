/** `openexec mcp`: lets an agent that speaks the Model Context Protocol propose actions. */

import { join } from "node:path";
import type { Command } from "commander";
import * as v from "valibot";
import { timer } from "../../config/fields.ts";
import { isName } from "../../core/limits.ts";
import { connectingLines } from "../../mcp/agents.ts";
import { serveMcp } from "../../mcp/server.ts";
import { program } from "../../os/program.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { type Context, exists, findSocket } from "../context.ts";
import { UsageError } from "../exit_code.ts";

interface McpFlags extends DaemonFlags {
  readonly actions?: string;
  readonly hold: string;
  readonly name: string;
}

export function mcpCommand(context: Context): Command {
  return daemonCommand(
    "mcp",
    "let an agent propose actions over MCP",
    `Serves the Model Context Protocol on standard input and output: each action that this socket
    may ask for is a tool, whose calls wait until a person has decided. An agent starts it; its
    configuration needs one line, which --help shows for the agents found here. Agents that propose
    under one --name are told of each other's lost answers, so give each its own.`,
  )
    .option("--actions <names>", "offer these actions only, separated by commas")
    .option("--hold <duration>", "how long a call waits before it answers as pending", "50s")
    .option("--name <name>", "the name this agent proposes under, the same at each start", "mcp")
    .addHelpText("after", () => `\nTo connect an agent:\n${linesFor(context)}`)
    .action(async (flags: McpFlags) => {
      await serveMcp({
        socketPath: findSocket(context, flags, "agent"),
        client: nameOf(flags.name),
        actions: flags.actions === undefined ? null : new Set(flags.actions.split(",")),
        holdMs: holdOf(flags.hold),
        version: program.version,
        report: ({ message }) => context.terminal.note(`openexec: ${message}`),
      });
    });
}

function linesFor({ environment: { home } }: Context): string {
  // the single file does not know its own path
  const command = program.packaged ? "openexec" : join(program.root, "bin/openexec");
  const isThere = (trace: string) => home !== null && exists(join(home, trace));
  return connectingLines(command, isThere).map((line) => `  ${line}\n`).join("");
}

function nameOf(name: string): string {
  if (isName(name)) return name;
  throw new UsageError("--name is 1 to 255 visible ASCII characters, no space");
}

function holdOf(text: string): number {
  const parsed = v.safeParse(timer, text);
  if (parsed.success) return parsed.output;
  throw new UsageError(`--hold is ${parsed.issues[0].message}`);
}
