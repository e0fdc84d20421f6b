/**
 * `npm run runtime:changes`: what the registry, and the runtimes themselves, tell of the versions
 * since the pinned one. Options: --from VERSION (default: the pinned one), --to VERSION (default:
 * the newest).
 *
 * Release notes and advisories are not in the registry: docs/decisions/runtime-advisories.md says
 * where they are read. This lists where to look: versions with their dates, and each flag, API and
 * module that came or went. A change of behaviour under an old name it cannot see.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import metadata from "../package.json" with { type: "json" };

const TIMES = v.record(v.string(), v.pipe(v.string(), v.isoTimestamp()));
const FACTS = v.record(v.string(), v.array(v.string()));
/** Names by kind. */
export type Facts = v.InferOutput<typeof FACTS>;

/** What a runtime says of itself without any permission. */
const SAY_NAMES = `
import { builtinModules } from "node:module";
const members = (name, value) => Reflect.ownKeys(value).filter((key) => typeof key === "string")
  .map((key) => name + key);
console.log(JSON.stringify({
  "globals": members("", globalThis),
  "members of Deno": members("Deno.", Deno),
  "node modules": builtinModules,
  "members of its internals": members("core.", Deno[Deno.internal]?.core ?? {}),
  "versions": Object.entries(Deno.version).map((pair) => pair.join(" ")),
}));
`;

/** Returns versions that are published and newer than `from`, oldest first, with their days. */
export function versionsSince(from: string, times: Readonly<Record<string, string>>): string[] {
  return Object.entries(times)
    .filter(([version]) => /^\d+\.\d+\.\d+$/.test(version) && compare(version, from) > 0)
    .sort(([left], [right]) => compare(left, right))
    .map(([version, time]) => `${version} ${time.slice(0, "2026-01-01".length)}`);
}

function compare(left: string, right: string): number {
  return left.localeCompare(right, "en", { numeric: true });
}

/** Returns a line for each name that only one of them has. */
export function differences(before: Facts, after: Facts): string[] {
  return Object.keys({ ...before, ...after }).flatMap((kind) => {
    const [old, current] = [new Set(before[kind]), new Set(after[kind])];
    const lines = [
      ...[...old.difference(current)].sort().map((name) => `  - ${name}`),
      ...[...current.difference(old)].sort().map((name) => `  + ${name}`),
    ];
    return lines.length === 0 ? [] : [`${kind}:`, ...lines];
  });
}

async function output(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: exit code ${code}`);
  return new TextDecoder().decode(stdout);
}

/** Unpacks a version from the registry; npm checks the digest that the registry names. */
async function fetchRuntime(version: string, folder: string): Promise<string> {
  const machine = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = `@deno/linux-${machine}-glibc@${version}`;
  const file = await output("npm", ["pack", "--silent", name], folder);
  const unpacked = join(folder, version);
  await Deno.mkdir(unpacked);
  await output("tar", ["-xzf", join(folder, file.trim()), "-C", unpacked], folder);
  return join(unpacked, "package/deno");
}

async function namesIn(runtime: string, folder: string): Promise<Facts> {
  const script = join(folder, "say_names.js");
  await Deno.writeTextFile(script, SAY_NAMES);
  const names = await output(runtime, ["run", "--quiet", "--no-prompt", script], folder);
  return v.parse(FACTS, JSON.parse(names));
}

const FLAG = /(?<=\s)--[a-z0-9][a-z0-9-]*[a-z0-9]/g;

/** Returns the flags that its help names, which are not all, and those of every command. */
async function flagsNamed(
  runtime: string,
  folder: string,
): Promise<{ readonly help: Set<string>; readonly completions: Set<string> }> {
  const help = await output(runtime, ["run", "--help=full"], folder);
  const completions = await output(runtime, ["completions", "bash"], folder);
  return { help: new Set(help.match(FLAG)), completions: new Set(completions.match(FLAG)) };
}

const ANSWER_MS = 3_000;

/** Tells whether `deno run` takes that flag: it has nothing to run, and says so or refuses it. */
async function takesFlag(runtime: string, flag: string, folder: string): Promise<boolean> {
  const { stderr } = await new Deno.Command(runtime, {
    args: ["run", "--no-prompt", "--cached-only", flag, "nothing.js"],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(ANSWER_MS), // those that watch or wait have taken it
  }).output();
  return !new TextDecoder().decode(stderr).includes("unexpected argument");
}

/** Returns, for each, the flags that one of them names and only one of them takes. */
async function flagsThatDiffer(runtimes: readonly string[], folder: string): Promise<Facts[]> {
  const named = await Promise.all(runtimes.map((runtime) => flagsNamed(runtime, folder)));
  const all = new Set(named.flatMap(({ help, completions }) => [...help, ...completions]));
  const uncertain = [...all].filter((flag) => !named.every(({ help }) => help.has(flag)));
  const taken: string[][] = runtimes.map(() => []);
  for (const flag of uncertain) {
    for (const [index, runtime] of runtimes.entries()) {
      if (await takesFlag(runtime, flag, folder)) taken[index]?.push(flag);
    }
  }
  return taken.map((flags) => ({ "flags of `deno run`": flags }));
}

async function changes(from: string, to: string | undefined): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "openexec-runtimes-" });
  try {
    const text = await output("npm", ["view", "deno", "time", "--json"], folder);
    const { created: _, modified: __, ...times } = v.parse(TIMES, JSON.parse(text));
    const since = versionsSince(from, times);
    const newest = to ?? since.at(-1)?.split(" ")[0];
    if (newest === undefined) return [`Nothing newer than ${from}.`];
    const runtimes = [await fetchRuntime(from, folder), await fetchRuntime(newest, folder)];
    const flags = await flagsThatDiffer(runtimes, folder);
    const names = await Promise.all(runtimes.map((runtime) => namesIn(runtime, folder)));
    const [before, after] = names.map((facts, index) => ({ ...flags[index], ...facts }));
    return [
      `since ${from}:`,
      ...since.map((line) => `  ${line}`),
      ...differences(before ?? {}, after ?? {}),
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const { values: { from, to } } = parseArgs({
    options: { from: { type: "string" }, to: { type: "string" } },
  });
  const lines = await changes(from ?? metadata.optionalDependencies.deno, to);
  await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
}
