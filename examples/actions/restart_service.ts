/**
 * Restarts one of a few services: a command with a fixed argument vector, one checked parameter, and no shell.
 *
 *   [actions.restart_service]
 *   module = "./actions/restart_service.ts"
 *   digest = "sha256:…"                     # `openexec pin actions/restart_service.ts` prints it
 *   timeout = "60s"
 *   allow = { run = ["/usr/bin/systemctl"] }
 *   unconfined = true                       # no box of the kernel: systemctl may do all that the daemon's user may
 */

import { defineAction } from "openexec";
import * as v from "valibot";

/** What the grant names. */
const SYSTEMCTL = "/usr/bin/systemctl";

export default defineAction({
  // a choice, not a pattern: nothing else can stand in the command line
  input: v.strictObject({ service: v.picklist(["nginx.service", "postgresql.service"]) }),
  output: v.strictObject({ restarted: v.string() }),
  async run({ service }, { signal, log }) {
    const { code, stderr } = await new Deno.Command(SYSTEMCTL, {
      args: ["restart", "--", service],
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal,
    }).output();
    if (code !== 0) {
      log(new TextDecoder().decode(stderr).trim());
      throw new Error(`systemctl ended with exit code ${code}`);
    }
    return { restarted: service };
  },
});
