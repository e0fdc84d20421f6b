/**
 * How large the single file is and how long it takes to start: `npm run build`, then `scripts/deno
 * run -A bench/single_file.ts`.
 *
 * Cold: with an empty cache, so that it unpacks itself; warm: with a full one. Both print the
 * version and end. Bare: the unpacked runtime with an empty program, which is the part that is
 * Deno's own.
 */

import { join } from "node:path";
import { program } from "../src/os/program.ts";

const FILE = join(program.root, "dist/openexec");
const COLD_STARTS = 7;
const WARM_STARTS = 25;

async function startMs(command: string, args: string[], cache: string): Promise<number> {
  const begun = performance.now();
  const env = { XDG_CACHE_HOME: cache };
  const { success } = await new Deno.Command(command, { args, env, clearEnv: true, stdout: "null" })
    .output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
  return performance.now() - begun;
}

function seconds(times: readonly number[]): string {
  const sorted = times.toSorted((left, right) => left - right);
  const [least = 0, median = 0] = [sorted[0], sorted[sorted.length >> 1]];
  return `median ${(median / 1000).toFixed(2)} s, least ${
    (least / 1000).toFixed(2)
  } s, of ${times.length}`;
}

async function folderBytes(folder: string): Promise<number> {
  const sizes = await Array.fromAsync(
    Deno.readDir(folder),
    async ({ name }) => (await Deno.stat(join(folder, name))).size,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const folder = await Deno.makeTempDir({ prefix: "openexec-bench-" });
try {
  const cold: number[] = [];
  for (let run = 0; run < COLD_STARTS; run++) {
    cold.push(await startMs(FILE, ["--version"], await Deno.makeTempDir({ dir: folder })));
  }
  const cache = await Deno.makeTempDir({ dir: folder });
  await startMs(FILE, ["--version"], cache);
  const [unpacked] = (await Array.fromAsync(Deno.readDir(join(cache, "openexec")))).filter((
    { isDirectory },
  ) => isDirectory);
  const home = join(cache, "openexec", unpacked?.name ?? "");
  await Deno.writeTextFile(join(folder, "empty.js"), "");
  const warm: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < WARM_STARTS; run++) {
    warm.push(await startMs(FILE, ["--version"], cache));
    bare.push(
      await startMs(join(home, "runtime"), ["run", "--no-prompt", join(folder, "empty.js")], cache),
    );
  }
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const lines = [
    `file      ${megabytes((await Deno.stat(FILE)).size)}`,
    `unpacked  ${megabytes(await folderBytes(home))}`,
    `cold      ${seconds(cold)}`,
    `warm      ${seconds(warm)}`,
    `bare      ${seconds(bare)}`,
    `load      ${
      Deno.loadavg().map((load) => load.toFixed(1)).join(" ")
    } on ${navigator.hardwareConcurrency} processors`,
  ];
  await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
} finally {
  await Deno.remove(folder, { recursive: true });
}
