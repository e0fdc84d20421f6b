/**
 * A root that holds nothing but the single file, /proc and what a test puts there: no library, no
 * shell, no device. Each command gets a mount namespace of its own for /proc, and the same files.
 */

import { join } from "node:path";
import type { Ran } from "./single_file.ts";

/** $0 is the root, the rest the command line of openexec. */
const ENTER = 'mount -t proc proc "$0/proc" && exec chroot "$0" /openexec "$@"';
/** Without root's rights a user namespace lends them, and /proc then wants a pid namespace. */
const NAMESPACES = Deno.uid() === 0
  ? ["--mount"]
  : ["--mount", "--map-root-user", "--pid", "--fork", "--kill-child"];

export class EmptyRoot {
  private constructor(readonly path: string) {}

  static async make(folder: string, singleFile: string): Promise<EmptyRoot> {
    const path = await Deno.makeTempDir({ dir: folder, prefix: "root-" });
    await Deno.chmod(path, 0o755);
    await Deno.mkdir(join(path, "proc"));
    await Deno.link(singleFile, join(path, "openexec"));
    return new EmptyRoot(path);
  }

  async write(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text);
  }

  read(name: string): Promise<string> {
    return Deno.readTextFile(join(this.path, name));
  }

  spawn(args: readonly string[]): Deno.ChildProcess {
    return new Deno.Command("unshare", {
      args: [...NAMESPACES, "sh", "-c", ENTER, this.path, ...args],
      clearEnv: true,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs a command to its end; `input` is its standard input. */
  async run(args: readonly string[], input = ""): Promise<Ran> {
    const child = this.spawn(args);
    const output = child.output();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
    const { code, stdout, stderr } = await output;
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
  }
}
