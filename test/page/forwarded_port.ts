/** A loopback port that a real sshd forwards to a Unix socket, as `ssh -L` does from afar. */

import { join } from "node:path";
import { until } from "../support/until.ts";

export interface ForwardedPort {
  readonly port: number;
  close(): Promise<void>;
}

/** Takes a free port for the daemon of ssh, and one for the forward. */
export async function forwardPort(directory: string, socketPath: string): Promise<ForwardedPort> {
  const keys = join(directory, "ssh");
  Deno.mkdirSync(keys, { mode: 0o700 });
  for (const name of ["host", "user"]) {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, name)]);
  }
  Deno.copyFileSync(join(keys, "user.pub"), join(keys, "authorized_keys"));
  const [sshPort, port] = [freePort(), freePort()];
  const config = join(keys, "sshd_config");
  Deno.writeTextFileSync(
    config,
    [
      `ListenAddress 127.0.0.1:${sshPort}`,
      `HostKey ${join(keys, "host")}`,
      `AuthorizedKeysFile ${join(keys, "authorized_keys")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PermitRootLogin yes",
      "",
    ].join("\n"),
  );
  Deno.mkdirSync("/run/sshd", { recursive: true });
  const server = new Deno.Command("/usr/sbin/sshd", {
    args: ["-D", "-e", "-f", config],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => canConnect(sshPort));
  const client = new Deno.Command("ssh", {
    args: [
      ...["-N", "-F", "none", "-i", join(keys, "user"), "-p", String(sshPort)],
      ...["-o", "StrictHostKeyChecking=no", "-o", `UserKnownHostsFile=${join(keys, "known")}`],
      ...["-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=ERROR"],
      ...["-L", `${port}:${socketPath}`, "127.0.0.1"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await until(() => canConnect(port));
  return {
    port,
    close: async () => {
      for (const child of [client, server]) {
        child.kill("SIGTERM");
        await child.status;
      }
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function canConnect(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
