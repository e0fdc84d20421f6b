/** `openexec doctor`: whether a daemon could serve here, and what to mend where not. It serves nothing and changes nothing. */

import type { Command } from "commander";
import { type Cli, type DaemonFlags, localCommand, type LocalFlags } from "./command.ts";
import { checkConfiguration, checkFiles, checkKeys } from "./doctor_files.ts";
import { checkHost, checkLedger, checkRuntime, checkService } from "./doctor_host.ts";
import { FAILED } from "./exit_code.ts";
import type { Finding } from "./finding.ts";

export function doctorCommand(cli: Cli): Command {
  return localCommand(
    "doctor",
    "check what a daemon needs, without serving",
    "Configuration, permissions, keys, handlers, the runtime and its box, clock, disk and ledger, each with what to do " +
      "about it. Run it as the user the daemon runs as. Ends with 1 when anything fails.",
  )
    .option("--socket <path>", "the agents' socket")
    .action(async (flags: LocalFlags & DaemonFlags) => {
      const findings: Finding[] = [];
      const take = (found: readonly Finding[]) => {
        findings.push(...found);
        for (const finding of found) tell(cli, finding, flags.json === true);
      };
      take(await checkRuntime());
      const { findings: about, loaded } = checkConfiguration(cli, flags);
      take(about);
      if (loaded !== null) {
        take(checkFiles(loaded.config));
        take(checkKeys(loaded.config, cli.clock.nowMs() / 1000));
        take(await checkHost(loaded.config, cli.clock.nowMs()));
        take(await checkLedger(loaded.config, cli.clock.nowMs()));
        take(await checkService(cli, flags));
      }
      if (findings.some(({ state }) => state === "failed")) cli.exitCode = FAILED;
    });
}

const MARKS = { ok: "ok", warning: "warning", failed: "FAILED" } as const;

function tell({ terminal }: Cli, { check, state, detail, remedy }: Finding, asJson: boolean): void {
  if (asJson) return terminal.print(JSON.stringify({ check, state, detail, remedy }));
  terminal.print(`${MARKS[state].padEnd(9)}${check.padEnd(15)}${detail}`);
  if (remedy !== null) terminal.print(`${"".padEnd(24)}-> ${remedy}`);
}
