/**
 * The C compiler, as far as packaging needs it: small static programs, and the libraries of the
 * system.
 */

import { basename, join } from "node:path";

const FLAGS = [
  "-std=gnu11",
  "-static",
  "-O2",
  "-s",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-D_GNU_SOURCE",
  "-fstack-protector-strong",
  "-D_FORTIFY_SOURCE=2",
  // Nothing of the machine that built it may be in the file.
  "-Wl,--build-id=none",
];

/** Something that the host has to have installed first; the message is all there is to say. */
export class MissingPackage extends Error {
  override readonly name = "MissingPackage";
}

/** Throws MissingPackage where this host has no C compiler, or not the library that is linked in. */
export async function requireCompiler(): Promise<void> {
  const source = "#include <zstd.h>\nint main(void) { return (int)ZSTD_versionNumber() == 0; }\n";
  const file = await Deno.makeTempFile({ suffix: ".c" });
  try {
    await Deno.writeTextFile(file, source);
    const probe = await new Deno.Command("gcc", {
      args: ["-static", "-o", "/dev/null", file, "-lzstd"],
      stderr: "null",
    }).output();
    if (!probe.success) {
      throw new MissingPackage(
        "npm run build needs zstd's header and static library (Debian: libc6-dev, libzstd-dev)",
      );
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MissingPackage("npm run build needs a C compiler (Debian: gcc)");
  } finally {
    await Deno.remove(file);
  }
}

async function gcc(args: readonly string[]): Promise<string> {
  const { code, stdout } = await new Deno.Command("gcc", { args: [...args], stderr: "inherit" })
    .output();
  if (code !== 0) throw new Error(`gcc ${args.join(" ")}: exit code ${code}`);
  return new TextDecoder().decode(stdout).trim();
}

/** Compiles C sources into one static executable. */
export async function compile(
  sources: readonly string[],
  output: string,
  options: { readonly include?: readonly string[]; readonly libraries?: readonly string[] } = {},
): Promise<void> {
  const include = (options.include ?? []).flatMap((folder) => ["-I", folder, `-Wa,-I${folder}`]);
  await gcc([...FLAGS, ...include, "-o", output, ...sources, ...(options.libraries ?? [])]);
}

/** Where the linker finds a shared library of the system, links resolved. */
export async function findLibrary(name: string): Promise<string> {
  const path = await gcc([`-print-file-name=${name}`]);
  if (basename(path) === path) throw new Error(`${name} is not installed`);
  return await Deno.realPath(path);
}

/** The C sources of packaging/. */
export function cSources(root: string, ...names: string[]): string[] {
  return names.map((name) => join(root, "packaging", name));
}
