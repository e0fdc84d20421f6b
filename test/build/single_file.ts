/** Builds the single file, and runs it with a cache of its own. */

import { join } from "node:path";
import { existsSync } from "node:fs";
import { inject } from "vitest";
import { program } from "../../src/os/program.ts";
import { has } from "../support/tools.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Fast to compress; the level changes nothing else. */
const LEVEL = "1";

/**
 * What the title of a test says that cannot build the file here, or lacks a tool besides; empty
 * when nothing is missing.
 */
export function missingToBuild(...tools: readonly string[]): string {
  const missing = ["gcc", ...tools].filter((tool) => !has(tool));
  if (!existsSync("/usr/include/zstd.h")) missing.push("libzstd-dev");
  return missing.length === 0 ? "" : ` [skipped: needs ${missing.join(", ")}]`;
}

/** The single file of this run, which the first to ask builds, in a folder with its checksum. */
export async function builtOnce(): Promise<string> {
  const folder = join(inject("sharedFolder"), "single_file");
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (!existsSync(folder)) {
    await build(`${folder}.draft`);
    await Deno.rename(`${folder}.draft`, folder);
  }
  return folder;
}

export async function build(output: string): Promise<void> {
  const { code, error } = await run(program.runtime, {
    args: [
      "run",
      "--allow-all",
      join(program.root, "scripts/build.ts"),
      "--out",
      output,
      "--level",
      LEVEL,
    ],
    cwd: program.root,
  });
  if (code !== 0) throw new Error(error);
}

/** Runs a command to its end; `env` is all the environment it gets, beside PATH. */
export async function run(
  command: string,
  options: {
    readonly args?: string[];
    readonly env?: Record<string, string>;
    readonly cwd?: string;
  } = {},
): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: options.args ?? [],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined
      ? {}
      : { clearEnv: true, env: { PATH: "/usr/bin:/bin", ...options.env } }),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

/** The folder that the file unpacked into, under a cache. */
export async function programFolder(cache: string): Promise<string> {
  const shared = join(cache, "openexec");
  const names = (await Array.fromAsync(Deno.readDir(shared))).map(({ name }) => name);
  const [name, ...others] = names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  if (name === undefined || others.length > 0) {
    throw new Error(`not one program in ${shared}: ${names}`);
  }
  return join(shared, name);
}

/** Reads what a daemon prints until it serves. */
export async function untilReady(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  let printed = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (/^ready\b/m.test(printed)) return;
  }
  throw new Error(`the daemon ended before it was ready:\n${printed}`);
}
