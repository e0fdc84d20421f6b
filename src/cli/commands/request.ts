/** `openexec request`: makes a request with a fresh nonce, for an approver. It asks no daemon. */

import type { Command } from "commander";
import { newRequest, parsePayload, requestText } from "../../client/request.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { readArgument } from "../terminal/input.ts";

export function requestCommand(context: Context): Command {
  return command(
    "request",
    "make a request",
    `Prints one line of JSON with action, payload and a nonce that was never used before. It runs
    nothing: have it approved with \`openexec approve\`, then send it with \`openexec exec\`.`,
  )
    .argument("<action>", "what to ask for; see `openexec actions`")
    .argument("[payload]", "its JSON object; @FILE reads a file, - standard input", "{}")
    .option(
      "--nonce <nonce>",
      "1 to 255 visible ASCII characters that were never used before (default: random)",
    )
    .action(async (action: string, payload: string, flags: { readonly nonce?: string }) => {
      const json = parsePayload(await readArgument(context, payload));
      context.terminal.print(requestText(newRequest(action, json, flags.nonce)));
    });
}
