/** Checks what a command was called with, before a daemon is asked. */

import { isName, isReason, NAME_LENGTH_MAX, REASON_LENGTH_MAX } from "../core/limits.ts";
import { isUuid } from "../core/uuid.ts";
import { UsageError } from "./exit_code.ts";

/** Throws a UsageError where `text` is no name; `what` is called so. */
export function requireName(what: string, text: string): void {
  if (isName(text)) return;
  throw new UsageError(
    `${what} has 1 to ${NAME_LENGTH_MAX} visible ASCII characters, and no space`,
  );
}

/** Throws a UsageError where `text` is no reason. */
export function requireReason(text: string): void {
  if (isReason(text)) return;
  throw new UsageError(`a reason has at most ${REASON_LENGTH_MAX} characters`);
}

/** Throws a UsageError where `text` is no id of an execution; `what` is called so. */
export function requireId(what: string, text: string): void {
  if (isUuid(text)) return;
  throw new UsageError(`${what} is an id as \`openexec list\` shows it, a UUID in lower case`);
}
