/** `openexec serve`: the daemon in the foreground. */

import { type Command, Option } from "commander";
import { type ServeFlags, start } from "../../daemon/start.ts";
import { command, CONFIG_FLAG } from "../command.ts";
import type { Context } from "../context.ts";
import { DONE, FAILED } from "../exit_code.ts";

export function serveCommand(context: Context): Command {
  return command(
    "serve",
    "run the daemon in the foreground",
    `Prints where it listens and \`ready\`. SIGTERM, Ctrl-C and the end of its terminal drain: what
    runs may end, nothing new starts; a second one stops at once. Any other SIGHUP reads approvers
    and their keys again. Without a configuration file it runs with built-in actions and an approver
    key of its own making.`,
  )
    .option(...CONFIG_FLAG)
    .option("--state <dir>", "the state directory")
    .option("--socket <path>", "the agents' socket")
    .addOption(new Option("--mode <mode>", "enforced or demo").choices(["enforced", "demo"]))
    .action(async (flags: ServeFlags) => {
      context.exitCode = await start(context, flags) === "asked" ? DONE : FAILED;
    });
}
