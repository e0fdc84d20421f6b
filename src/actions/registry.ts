/**
 * The code of every configured action, read and compared with its pin once, at the start. Nothing
 * loads a handler later.
 *
 * Invariant: in enforced mode no module's code is accepted without the digest that the
 * configuration pins.
 */

import type { ActionConfig } from "../config/config.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Mode } from "../core/types.ts";
import { program } from "../os/program.ts";
import { type HandlerCode, readHandler } from "./pin.ts";

/** Throws a StartupError that names the action whose code is not the configured one. */
export async function readHandlers(
  actions: ReadonlyMap<string, ActionConfig>,
  mode: Mode,
): Promise<ReadonlyMap<string, HandlerCode>> {
  const handlers = new Map<string, HandlerCode>();
  for (const [name, action] of actions) handlers.set(name, await readPinned(action, mode));
  return handlers;
}

async function readPinned(action: ActionConfig, mode: Mode): Promise<HandlerCode> {
  const handler = await readHandler(fileOf(action));
  if (action.digest !== null && action.digest !== handler.digest) {
    throw new StartupError(
      `The code of action ${action.name} is not what the configuration pins`,
      `Look at ${handler.file}; if it is what should run, set digest = "${handler.digest}"`,
    );
  }
  if (action.digest === null && mode === "enforced" && "file" in action.module) {
    throw new StartupError(
      `The code of action ${action.name} is not pinned`,
      `Look at ${handler.file}, then set digest = "${handler.digest}"`,
    );
  }
  return handler;
}

function fileOf({ name, module }: ActionConfig): string {
  if ("file" in module) return module.file;
  const file = program.builtins.get(module.builtin);
  if (file !== undefined) return file;
  throw new StartupError(
    `Action ${name} names a built-in that does not exist`,
    `Take one of ${[...program.builtins.keys()].join(", ")}`,
  );
}
