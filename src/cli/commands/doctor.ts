/** `openexec doctor`: whether a daemon could serve here, and what to mend. It changes nothing. */

import type { Command } from "commander";
import { type DaemonFlags, localCommand, type LocalFlags } from "../command.ts";
import { type Context, findConfig } from "../context.ts";
import { checkAllow } from "../doctor/allow.ts";
import { dropInFor } from "../doctor/drop_in.ts";
import { checkConfiguration, checkFiles } from "../doctor/files.ts";
import { checkBox, checkExecutors, checkHost, checkService } from "../doctor/host.ts";
import { checkApprovers, checkSecrets, vantageOf } from "../doctor/keys.ts";
import { checkDeciding, checkLedger } from "../doctor/ledger.ts";
import { FAILED } from "../exit_code.ts";
import type { Finding } from "../doctor/finding.ts";

interface DoctorFlags extends LocalFlags, DaemonFlags {
  readonly dropIn?: true;
}

export function doctorCommand(context: Context): Command {
  return localCommand(
    "doctor",
    "check what a daemon needs, without serving",
    `Configuration, permissions, keys, secrets, handlers, what actions may reach, the runtime and
    its box, descriptors, clock, disk, ledger and what waits in it, each with what to do about it.
    Run it as the user the daemon runs as. Ends with 1 when anything fails.`,
  )
    .option("--socket <path>", "the agents' socket")
    .option("--drop-in", "print what openexec.service has to allow for the actions' permissions")
    .action(async (flags: DoctorFlags) => {
      if (flags.dropIn) {
        context.terminal.print(dropInFor(findConfig(context, flags).config));
        return;
      }
      const findings: Finding[] = [];
      const take = (found: readonly Finding[]) => {
        findings.push(...found);
        for (const finding of found) tell(context, finding, flags.json === true);
      };
      const { findings: about, loaded } = checkConfiguration(context, flags);
      if (loaded === null) take([...await checkBox(), ...about]);
      else {
        const { config } = loaded;
        const { box, handlers } = await checkExecutors(config);
        take([...box, ...about]);
        const nowMs = context.clock.nowMs();
        const service = await checkService(context, flags);
        const vantage = vantageOf(
          config,
          context.environment.systemd.credentialsDirectory,
          service.isServing,
        );
        take(checkFiles(config));
        take(checkApprovers(config, nowMs));
        take(checkDeciding(config, vantage));
        take(await checkSecrets(config, vantage));
        take([...handlers, ...checkHost(config, nowMs)]);
        take(await checkAllow(context, flags, config));
        take(await checkLedger(config, nowMs, vantage));
        take(service.findings);
      }
      if (findings.some(({ state }) => state === "failed")) context.exitCode = FAILED;
    });
}

const MARKS = { ok: "ok", warning: "warning", failed: "FAILED" } as const;

function tell(
  { terminal }: Context,
  { check, state, detail, remedy }: Finding,
  asJson: boolean,
): void {
  if (asJson) return terminal.print(JSON.stringify({ check, state, detail, remedy }));
  terminal.print(`${MARKS[state].padEnd(9)}${check.padEnd(15)}${detail}`);
  if (remedy !== null) terminal.print(`${"".padEnd(24)}-> ${remedy}`);
}
