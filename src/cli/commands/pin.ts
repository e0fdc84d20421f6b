/** `openexec pin`: handlers' digests for the configuration. */

import type { Command } from "commander";
import { StartupError } from "../../core/startup_error.ts";
import type { ExecutorLog } from "../../executor/log.ts";
import { command, type JsonFlag } from "../command.ts";
import type { Context } from "../context.ts";
import { tellError } from "../ending.ts";
import { FAILED } from "../exit_code.ts";
import { existingFile } from "../terminal/input.ts";

/** Nothing runs but what stands at the top of the file. */
const SILENT: ExecutorLog = { line: () => {}, failed: () => {}, died: () => {} };

export function pinCommand(context: Context): Command {
  return command(
    "pin",
    "print handlers' digests for the configuration",
    `Loads each file as the daemon would, in a process without any permission, and runs nothing of
    it. A file that cannot be loaded, or has no JSON Schema, gets no digest. Read a handler before
    you pin it: the digest says which code runs, not that it is good.`,
  )
    .argument("<files...>", "handlers, one TypeScript or JavaScript file each")
    .action(async (files: readonly string[], flags: JsonFlag) => {
      const paths = files.map((file) => existingFile(context, file));
      const { pinHandler } = await import("../../executor/rehearse.ts");
      for (const [index, path] of paths.entries()) {
        const file = files[index];
        try {
          const { digest, inputSchema, outputSchema } = await pinHandler(path, {
            clock: context.clock,
            variable: () => undefined,
            log: SILENT,
          });
          const schemas = { input_schema: inputSchema, output_schema: outputSchema };
          context.terminal.print(
            flags.json
              ? JSON.stringify({ file, digest, ...schemas })
              : `digest = "${digest}"  # ${file}`,
          );
        } catch (error) {
          if (!(error instanceof StartupError)) throw error;
          tellError(context, error, flags.json === true);
          context.exitCode = FAILED;
        }
      }
    });
}
