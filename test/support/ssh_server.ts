/** A real sshd on a loopback port, for this user, and how to reach it. */

import { join } from "node:path";
import { until } from "./until.ts";

export interface SshServer {
  /** For ssh, before its own options and the command. */
  readonly args: readonly string[];
  close(): Promise<void>;
}

/** Makes keys in `directory`, which has to be there, and takes a free port. */
export async function startSshServer(directory: string): Promise<SshServer> {
  const keys = join(directory, "ssh");
  Deno.mkdirSync(keys, { mode: 0o700 });
  for (const name of ["host", "user"]) {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, name)]);
  }
  Deno.copyFileSync(join(keys, "user.pub"), join(keys, "authorized_keys"));
  const port = freePort();
  const config = join(keys, "sshd_config");
  Deno.writeTextFileSync(
    config,
    [
      `ListenAddress 127.0.0.1:${port}`,
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
  await until(() => canConnect(port));
  return {
    args: [
      ...["-F", "none", "-i", join(keys, "user"), "-p", String(port)],
      ...["-o", "StrictHostKeyChecking=no", "-o", `UserKnownHostsFile=${join(keys, "known")}`],
      ...["-o", "LogLevel=ERROR"],
    ],
    close: async () => {
      server.kill("SIGTERM");
      await server.status;
    },
  };
}

export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

export async function canConnect(port: number): Promise<boolean> {
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
