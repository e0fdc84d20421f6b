/** The surroundings of a command that runs in this process. */

import { readEnvironment } from "../config/environment.ts";
import { machineClock } from "../os/clock.ts";
import type { Cli } from "./command.ts";
import { DONE } from "./exit_code.ts";
import { interruption } from "./interruption.ts";
import { systemTerminal } from "./terminal/terminal.ts";

export function systemCli(): Cli {
  return {
    terminal: systemTerminal(),
    environment: readEnvironment(),
    cwd: Deno.cwd(),
    clock: machineClock,
    interruption: interruption(),
    exitCode: DONE,
  };
}
