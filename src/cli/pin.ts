/** `openexec pin`: handlers' digests for the configuration, of files that can be loaded. */

import type { Command } from "commander";
import { resolve } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import type { ExecutorLog } from "../executor/log.ts";
import { type Cli, command, type JsonFlag } from "./command.ts";
import { tellError } from "./ending.ts";
import { FAILED } from "./exit_code.ts";

/** Nothing runs but what stands at the top of the file. */
const SILENT: ExecutorLog = { line: () => {}, failed: () => {}, died: () => {} };

export function pinCommand(cli: Cli): Command {
  return command(
    "pin",
    "print handlers' digests for the configuration",
    "Loads each file as the daemon would, in a process without any permission, and runs nothing of it. What cannot be " +
      "loaded, or has no JSON Schema, gets no digest. Read a handler before you pin it: the digest says which code runs, " +
      "not that it is good.",
  )
    .argument("<files...>", "handlers, one TypeScript or JavaScript file each")
    .action(async (files: readonly string[], flags: JsonFlag) => {
      const { pinHandler } = await import("../executor/rehearse.ts");
      for (const file of files) {
        try {
          const { digest, inputSchema, outputSchema } = await pinHandler(
            resolve(cli.cwd, file),
            { clock: cli.clock, variable: () => undefined, log: SILENT },
          );
          const schemas = { input_schema: inputSchema, output_schema: outputSchema };
          cli.terminal.print(
            flags.json
              ? JSON.stringify({ file, digest, ...schemas })
              : `digest = "${digest}"  # ${file}`,
          );
        } catch (error) {
          if (!(error instanceof StartupError)) throw error;
          tellError(cli, error, flags.json === true);
          cli.exitCode = FAILED;
        }
      }
    });
}
