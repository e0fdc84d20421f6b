/**
 * `npm run build`: makes dist/openexec, the whole program in one executable file, and
 * dist/SHA256SUMS.
 *
 * The same sources, packages, compiler and system libraries give the same bytes: nothing of the
 * time, the machine or the folder goes in. Options: --out FOLDER (default dist), --level N (zstd,
 * default 9).
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { utf8Encode } from "../src/core/bytes.ts";
import { program } from "../src/os/program.ts";
import { archiveOf, archiveSource, type ProgramFile } from "./build/archive.ts";
import { bundle } from "./build/bundle.ts";
import {
  compile,
  cSources,
  findLibrary,
  MissingPackage,
  requireCompiler,
} from "./build/compiler.ts";

/**
 * What Deno and lmdb's addon are linked to. glibc is among them, so the file runs where it is
 * older, or is missing; the loader bears the program's name because that is what ps and top show.
 */
const LIBRARIES: Readonly<Record<string, string>> = {
  openexec: Deno.build.arch === "aarch64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2",
  "libc.so.6": "libc.so.6",
  "libm.so.6": "libm.so.6",
  "libdl.so.2": "libdl.so.2",
  "librt.so.1": "librt.so.1",
  "libpthread.so.0": "libpthread.so.0",
  "libgcc_s.so.1": "libgcc_s.so.1",
  "libstdc++.so.6": "libstdc++.so.6",
};

async function programFiles(root: string, workFolder: string): Promise<Map<string, ProgramFile>> {
  const files = new Map<string, ProgramFile>();
  const add = async (name: string, path: string, executable: boolean) =>
    files.set(name, { bytes: await Deno.readFile(path), executable });

  for (const [name, bytes] of await bundle(root, "single_file")) {
    files.set(name, { bytes, executable: false });
  }
  await add("deno", program.runtime, true);
  await add("lmdb.node", program.addon, false);
  const completions = join(root, "docs/completions");
  for await (const { name } of Deno.readDir(completions)) {
    await add(name, join(completions, name), false);
  }
  for (const [name, library] of Object.entries(LIBRARIES)) {
    await add(name, await findLibrary(library), name === "openexec");
  }
  const runtime = join(workFolder, "runtime");
  await compile(cSources(root, "runtime.c"), runtime);
  await add("runtime", runtime, true);
  return files;
}

async function build(root: string, output: string, level: number): Promise<void> {
  const workFolder = await Deno.makeTempDir({ prefix: "openexec-build-" });
  try {
    const files = await programFiles(root, workFolder);
    const archive = archiveOf(files, level);
    await Deno.writeFile(join(workFolder, "archive.zst"), archive);
    await Deno.writeTextFile(join(workFolder, "archive.c"), archiveSource(files, archive));
    await Deno.mkdir(output, { recursive: true });
    await compile(
      [
        ...cSources(root, "stub.c", "init.c", "cache.c", "unpack.c", "sha256.c"),
        join(workFolder, "archive.c"),
      ],
      join(output, "openexec"),
      { include: [join(root, "packaging"), workFolder], libraries: ["-lzstd"] },
    );
  } finally {
    await Deno.remove(workFolder, { recursive: true });
  }
  const digest = createHash("sha256").update(await Deno.readFile(join(output, "openexec"))).digest(
    "hex",
  );
  await Deno.writeTextFile(join(output, "SHA256SUMS"), `${digest}  openexec\n`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { out: { type: "string", default: "dist" }, level: { type: "string", default: "9" } },
  });
  try {
    await requireCompiler();
    await build(program.root, values.out, Number(values.level));
  } catch (error) {
    if (!(error instanceof MissingPackage)) throw error;
    Deno.stderr.writeSync(utf8Encode(`${error.message}\n`));
    Deno.exit(1);
  }
}
