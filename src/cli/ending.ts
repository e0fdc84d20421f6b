/** How a command ends: its exit code, and what is said of an error. */

import { OpenExecError, OpenExecUnreachable } from "../client/errors.ts";
import { messageOf } from "../core/caught.ts";
import { ERRORS, Refusal } from "../core/errors.ts";
import { priorityMark } from "../telemetry/log.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodeOf } from "./exit_code.ts";

const STANDARD_ERROR = 2;

/** Does what a command is for, and tells the error it ends with. */
export async function endingOf(
  context: Context,
  asJson: boolean,
  work: () => Promise<void>,
): Promise<ExitCode> {
  try {
    await work();
    return context.exitCode;
  } catch (error) {
    tellError(context, error, asJson);
    return exitCodeOf(error);
  }
}

/** Tells an error on standard error: its code, what happened, and what to do next. */
export function tellError(
  { terminal, environment }: Context,
  error: unknown,
  asJson: boolean,
): void {
  const { code, detail, help } = descriptionOf(error);
  if (asJson) {
    const effect = error instanceof OpenExecError || error instanceof OpenExecUnreachable
      ? error.effect
      : undefined;
    const retry = error instanceof OpenExecError ? error.retry : undefined;
    terminal.note(JSON.stringify({ code, detail, help, effect, retry }));
    return;
  }
  const mark = priorityMark("error", STANDARD_ERROR, environment.systemd.journalStream);
  const note = (text: string) => terminal.note(text.replaceAll(/^/gm, mark));
  note(`openexec: ${code === null ? "" : `${code}: `}${detail}`);
  if (help !== null && help !== detail) note(`  ${help}`);
}

interface ErrorDescription {
  /** A code of the error table; null for what no daemon decided. */
  readonly code: string | null;
  readonly detail: string;
  readonly help: string | null;
}

function descriptionOf(error: unknown): ErrorDescription {
  if (error instanceof OpenExecError || error instanceof Refusal) {
    return { code: error.code, detail: error.detail, help: helpOf(error) };
  }
  if (error instanceof OpenExecUnreachable) {
    const help = error.effect === "none"
      ? MEANINGS.get(errnoOf(error)) ?? "See `openexec doctor`."
      : "It may have run. Send the very same request again: its nonce keeps it from running twice.";
    return { code: null, detail: `${error.message}${causeOf(error)}`, help };
  }
  return { code: null, detail: messageOf(error), help: null };
}

/**
 * null where the detail says it all: whatever a command sent or read may be malformed, and the help
 * speaks of requests to execute. A fenced one may have run, and the help says to approve again.
 */
function helpOf(error: OpenExecError | Refusal): string | null {
  if (error.code === "request_malformed") return null;
  if (error instanceof Refusal) return ERRORS[error.code].help;
  const isFenced = error.code === "approval_fenced" && error.effect === "unknown";
  return isFenced ? null : error.help;
}

/** The errors of connect(2) to a Unix socket, and what to do about each. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "There is no such socket. Is the daemon running, and is this its socket?"],
  ["ECONNREFUSED", "Nobody listens there: start the daemon, or name its socket with --socket."],
  [
    "EACCES",
    "This user may not connect there: `ls -l` shows whose the socket is. Become a member of its " +
    "group, and log in anew.",
  ],
  ["EPERM", "A sandbox around this process forbids it."],
  ["EAGAIN", "More are waiting than it takes: try again."],
  ["EINVAL", "The path of a socket has at most 107 bytes."],
]);

/** The operating system's word for it, such as ENOENT or EACCES; "" where it has none. */
function errnoOf({ cause }: OpenExecUnreachable): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

function causeOf(error: OpenExecUnreachable): string {
  const errno = errnoOf(error);
  return errno === "" ? "" : ` (${errno})`;
}
