/**
 * From the first stage of `serve`, which may read everything so that it can find its configuration, to the second, which
 * may touch what that configuration names and nothing else: the process replaces itself and keeps its pid.
 */

import { daemonVariables, type Environment } from "../config/environment.ts";
import { permissionFlags } from "../config/permissions.ts";
import { joinPath } from "../core/path.ts";
import { beginExaminer } from "../executor/examiner.ts";
import { EXECUTORS_DIRECTORY } from "../executor/layout.ts";
import { keepOnExec } from "../os/descriptors.ts";
import { replaceProcess } from "../os/exec.ts";
import { RUNTIME_FLAGS } from "../os/launch.ts";
import { program } from "../os/program.ts";
import { handoverVariables, type Loaded } from "./handover.ts";

/** Does not return. `args` are those of the command line, `serve` first. */
export function narrow(
  { config, warnings }: Loaded,
  args: readonly string[],
  { systemd }: Environment,
): never {
  const examiner = beginExaminer(joinPath(config.stateDir, EXECUTORS_DIRECTORY), config);
  if (examiner !== null) keepOnExec([examiner.child.channel, examiner.child.stderr]);
  const flags = [
    "run",
    ...RUNTIME_FLAGS,
    ...permissionFlags(config, program, systemd.credentialsDirectory),
  ];
  const granted = [...config.actions.values()].flatMap(({ allow }) => allow.env);
  // the key of the embedded default is still to be made
  const loaded = config.path === null ? null : { config, warnings };
  const variables = { ...daemonVariables(granted), ...handoverVariables(loaded, examiner) };
  replaceProcess(program.runtime, [...flags, program.main, ...args], variables);
}
