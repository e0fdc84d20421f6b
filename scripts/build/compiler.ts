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
