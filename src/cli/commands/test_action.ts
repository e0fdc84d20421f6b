/**
 * `openexec test-action`: runs a handler once, without a daemon, in the box that a daemon gives it.
 */

import type { Command } from "commander";
import { resolve } from "node:path";
import * as v from "valibot";
import { parsePayload } from "../../client/request.ts";
import type { Permissions } from "../../config/config.ts";
import { readVariable } from "../../config/environment.ts";
import { allowSchema } from "../../config/action_schema.ts";
import { size, timer } from "../../config/fields.ts";
import { ERRORS, Refusal } from "../../core/errors.ts";
import { parseCanonical, toValue } from "../../core/json/json.ts";
import { StartupError } from "../../core/startup_error.ts";
import type { JsonObject, Outcome } from "../../core/types.ts";
import { visible } from "../../core/visible.ts";
import { type ExecutorLog, lineOf } from "../../executor/log.ts";
import type { Rehearsal } from "../../executor/rehearse.ts";
import { realPath } from "../../os/files.ts";
import { command, type JsonFlag } from "../command.ts";
import type { Context } from "../context.ts";
import { tellError } from "../ending.ts";
import { FAILED, UNKNOWN, UsageError } from "../exit_code.ts";
import { collect, existingFile, readArgument } from "../terminal/input.ts";
import { printJson } from "../terminal/print.ts";

interface TestFlags extends JsonFlag {
  readonly payload: string;
  readonly allowNet: readonly string[];
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
  readonly allowEnv: readonly string[];
  readonly allowRun: readonly string[];
  readonly allowUnix: readonly string[];
  readonly secret: readonly string[];
  readonly timeout: string;
  readonly memory: string;
}

const RESULT_BYTES = 1024 * 1024;

export function testActionCommand(context: Context): Command {
  return command(
    "test-action",
    "run a handler once, without a daemon",
    `In a process and a box like the daemon's, with the permissions named here and no others.
    Nothing is approved, reserved or recorded. Ends with 1 when the handler failed.`,
  )
    .argument("<file>", "the handler")
    .option("--payload <json>", "its input; @FILE reads a file, - standard input", "{}")
    .option("--allow-net <hosts>", "as allow.net; values with commas, or repeat", list, [])
    .option("--allow-read <paths>", "as allow.read", list, [])
    .option("--allow-write <paths>", "as allow.write", list, [])
    .option("--allow-env <names>", "as allow.env", list, [])
    .option("--allow-run <programs>", "as allow.run; paths, for nothing looks at PATH", list, [])
    .option("--allow-unix <paths>", "as allow.unix", list, [])
    .option(
      "--secret <name=file>",
      "a secret it gets, and the file it is in (several: repeat)",
      collect,
      [],
    )
    .option("--timeout <duration>", "its time limit", "30s")
    .option("--memory <size>", "its memory limit", "256MiB")
    .action(async (file: string, flags: TestFlags) => {
      const payload = parsePayload(await readArgument(context, flags.payload));
      const rehearsal = rehearsalOf(context, existingFile(context, file), payload, flags);
      try {
        tell(context, await run(context, rehearsal), flags);
      } catch (error) {
        if (!(error instanceof StartupError)) throw error;
        tellError(context, error, flags.json === true);
        context.exitCode = FAILED;
      }
    });
}

/**
 * Throws Refusal payload_invalid before anything runs, and StartupError for a handler that does not
 * load.
 */
async function run(context: Context, rehearsal: Rehearsal): Promise<Outcome> {
  const { rehearse } = await import("../../executor/rehearse.ts");
  return await rehearse(rehearsal, {
    clock: context.clock,
    variable: readVariable,
    log: handlerLog(context),
  });
}

function rehearsalOf(
  context: Context,
  file: string,
  payload: JsonObject,
  flags: TestFlags,
): Rehearsal {
  return {
    file,
    payload,
    allow: allowedBy(context, flags),
    secrets: new Map(flags.secret.map((secret) => secretOf(context, secret))),
    timeoutMs: parsed(timer, flags.timeout, "--timeout"),
    memoryBytes: parsed(MEMORY, flags.memory, "--memory"),
    resultBytes: RESULT_BYTES,
  };
}

/** Throws UsageError for what the configuration would refuse, and for a path that leads nowhere. */
function allowedBy(context: Context, flags: TestFlags): Permissions {
  const there = (name: string, paths: readonly string[]) =>
    paths.map((path) => {
      const absolute = resolve(context.cwd, path);
      if (realPath(absolute) !== undefined) return absolute;
      throw new UsageError(`--allow-${name} ${path}: there is no ${absolute}`);
    });
  const allow: Permissions = {
    net: flags.allowNet,
    read: there("read", flags.allowRead),
    write: there("write", flags.allowWrite),
    env: flags.allowEnv,
    run: there("run", flags.allowRun),
    unix: there("unix", flags.allowUnix),
  };
  const [issue] = v.safeParse(allowSchema, allow).issues ?? [];
  if (issue === undefined) return allow;
  throw new UsageError(`--allow-${String(issue.path?.[0]?.key)} expects ${issue.message}`);
}

const MEMORY = size(32 * 1024 * 1024, 64 * 1024 * 1024 * 1024);

function parsed(schema: v.GenericSchema<unknown, number>, text: string, flag: string): number {
  const result = v.safeParse(schema, text);
  if (result.success) return result.output;
  throw new UsageError(`${flag} expects ${result.issues[0].message}`);
}

function secretOf(context: Context, text: string): [name: string, file: string] {
  const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || file === undefined) throw new UsageError("--secret is NAME=FILE");
  return [name, resolve(context.cwd, file)];
}

function list(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, ...value.split(",").filter((part) => part !== "")];
}

/**
 * Tells the handler's author what it says, and why it failed, payload and all. No line of it can
 * pass for one of ours: a log is one line, and further lines of an error are set in.
 */
function handlerLog({ terminal }: Context): ExecutorLog {
  const setIn = (text: string) => text.replaceAll("\n", "\n    ");
  return {
    line: (_action, _execution, text) => terminal.note(`handler: ${lineOf(text)}`),
    failed: (_job, code, reason) => terminal.note(`${code}: ${setIn(reason)}`),
    died: (_pid, reason) => terminal.note(`its process ended: ${setIn(reason)}`),
  };
}

function tell(context: Context, outcome: Outcome, { json }: TestFlags): void {
  if (outcome.status === "succeeded") {
    const { status, resultText } = outcome;
    printJson(context, { status, result: toValue(parseCanonical(resultText)) }, json);
    return;
  }
  if (json) printJson(context, outcome, json);
  else {
    const { title } = ERRORS[outcome.code];
    const told = "reason" in outcome ? `${title}: ${visible(outcome.reason)}` : title;
    tellError(context, new Refusal(outcome.code, told), false);
  }
  context.exitCode = outcome.status === "outcome_unknown" ? UNKNOWN : FAILED;
}
