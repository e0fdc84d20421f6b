/** A loopback port that a real sshd forwards to a Unix socket, as `ssh -L` does from afar. */

import { canConnect, freePort, startSshServer } from "../support/ssh_server.ts";
import { until } from "../support/until.ts";

export interface ForwardedPort {
  readonly port: number;
  close(): Promise<void>;
}

/** Takes a free port for the daemon of ssh, and one for the forward. */
export async function forwardPort(directory: string, socketPath: string): Promise<ForwardedPort> {
  const server = await startSshServer(directory);
  const port = freePort();
  const forward = ["-o", "ExitOnForwardFailure=yes", "-L", `${port}:${socketPath}`];
  const client = new Deno.Command("ssh", {
    args: ["-N", ...server.args, ...forward, "127.0.0.1"],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await until(() => canConnect(port));
  return {
    port,
    close: async () => {
      client.kill("SIGTERM");
      await client.status;
      await server.close();
    },
  };
}
