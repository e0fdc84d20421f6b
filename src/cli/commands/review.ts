/** `openexec review`: a person looks at what waits, live, and decides. */

import type { Command } from "commander";
import { KEYID_HELP, openSigner, type SignerFlags, SSH_HELP } from "../approve/approving_key.ts";
import { command, CONFIG_FLAG } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { ReviewDesk } from "../review/desk.ts";
import { openReviewSockets } from "../review/sockets.ts";
import { reviewOnWeb } from "../review/web.ts";
import { collect } from "../terminal/input.ts";

interface ReviewFlags extends Omit<SignerFlags, "socket"> {
  readonly socket: readonly string[];
  readonly web?: true;
}

const SOCKETS_FLAG = [
  "--socket <path>",
  "an approver's socket, which may be repeated (default: of the configuration)",
] as const;

export function reviewCommand(context: Context): Command {
  return command(
    "review",
    "look at proposals as they come, and decide",
    `Shows what waits on the approver's socket, whole and live, and signs approvals and declines.
    Equal ones are one entry with their number. Each decision takes two strokes. Without --key and
    --ssh it only looks. The executor_id of a socket is remembered at its first use, and another one
    there is refused.`,
  )
    .option(...SOCKETS_FLAG, collect, [])
    .option(...CONFIG_FLAG)
    .option("--key <file>", "the approver's key, as `openexec keygen` makes it")
    .option("--ssh <file>", SSH_HELP)
    .option("--keyid <keyid>", KEYID_HELP)
    .option("--iss <name>", "the approver's name (default: of the key)")
    .option("--web", "in a browser, on a loopback port, by a link that works once")
    .action(async ({ socket: paths, web, ...flags }: ReviewFlags) => {
      if (web) return await reviewOnWeb(context, await openReviewSockets(context, flags, paths));
      const isLooking = flags.key === undefined && flags.ssh === undefined;
      const signer = isLooking ? null : openSigner(context, flags);
      const sockets = await openReviewSockets(context, flags, paths);
      const { noColor } = context.environment;
      const screen = context.terminal.openScreen(noColor);
      if (screen === null) throw new UsageError("there is no terminal; see `openexec decide`");
      try {
        await new ReviewDesk(context, screen, signer, sockets).run();
      } finally {
        screen.close();
        for (const { reviewer } of sockets) reviewer.close();
      }
    });
}
