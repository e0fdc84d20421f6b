/** A file system of its own that can be filled: a small tmpfs, which takes root to mount. */

import { join } from "node:path";

export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes up all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

/** At `path`, an empty folder, which goes with it. undefined where this process may not mount. */
export function mountSmallDisk(
  bytes: number,
  path = Deno.makeTempDirSync({ prefix: "openexec-disk-" }),
): SmallDisk | undefined {
  if (!run("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path])) {
    Deno.removeSync(path);
    return undefined;
  }
  const filler = join(path, "filler");
  return {
    path,
    fill() {
      using file = Deno.openSync(filler, { create: true, append: true });
      for (let chunk = 2 ** 16; chunk >= 2 ** 12;) {
        try {
          file.writeSync(new Uint8Array(chunk));
        } catch {
          chunk /= 2;
        }
      }
    },
    free: () => Deno.removeSync(filler),
    [Symbol.dispose]() {
      run("umount", ["-l", path]);
      Deno.removeSync(path);
    },
  };
}

export const MAY_MOUNT = mayMount();

function mayMount(): boolean {
  using disk = mountSmallDisk(2 ** 20);
  return disk !== undefined;
}

function run(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
