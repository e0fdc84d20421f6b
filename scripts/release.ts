/**
 * `npm run release VERSION`: checks everything, gives package and changelog the version, commits
 * and tags it, and makes what is handed out, with checksums, in dist/. It pushes nothing.
 *
 * Invariant: the commit is made only after `npm run ok` and `npm run test:slow` passed on exactly
 * what is committed.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { utf8Encode } from "../src/core/bytes.ts";
import { program } from "../src/os/program.ts";

const CHANGELOG = join(program.root, "CHANGELOG.md");
const DIST = join(program.root, "dist");
const UNRELEASED = "## Unreleased\n";

/** Three whole numbers without leading zeros; openexec has no pre-releases. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

/** Whether `version` may follow `current`: the same one may, as long as it was not tagged. */
export function mayFollow(current: string, version: string): boolean {
  const numbers = (text: string) => VERSION.exec(text)?.slice(1).map(Number);
  const [older, newer] = [numbers(current), numbers(version)];
  if (older === undefined || newer === undefined) return false;
  const at = newer.findIndex((number, i) => number !== older[i]);
  return at < 0 || (newer[at] ?? 0) > (older[at] ?? 0);
}

/** Puts what is unreleased under the version. Throws an Error where there is nothing. */
export function releaseChangelog(
  text: string,
  version: string,
  date: string,
): { readonly changelog: string; readonly notes: string } {
  const start = text.indexOf(UNRELEASED) + UNRELEASED.length;
  if (start < UNRELEASED.length) throw new Error("CHANGELOG.md has no section Unreleased");
  const next = text.indexOf("\n## ", start);
  const notes = text.slice(start, next < 0 ? undefined : next).trim();
  if (notes === "") throw new Error("CHANGELOG.md says nothing of what changed");
  const head = `${text.slice(0, start)}\n## ${version} - ${date}\n\n${notes}\n`;
  return { changelog: next < 0 ? head : head + text.slice(next), notes };
}

async function run(name: string, ...args: readonly string[]): Promise<void> {
  const command = new Deno.Command(name, { args: [...args], cwd: program.root, stdin: "null" });
  const { code } = await command.spawn().status;
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}`);
}

async function outputOf(name: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command(name, { args: [...args], cwd: program.root }).output();
  return new TextDecoder().decode(stdout).trim();
}

async function requireReady(version: string): Promise<void> {
  const problems = [
    mayFollow(program.version, version) ? "" : `${version} cannot follow ${program.version}`,
    await outputOf("git", "status", "--porcelain") === "" ? "" : "there are uncommitted changes",
    await outputOf("git", "branch", "--show-current") === "main" ? "" : "this is not main",
    await outputOf("git", "tag", "--list", `v${version}`) === "" ? "" : "its tag is there already",
  ].filter((problem) => problem !== "");
  if (problems.length > 0) throw new Error(problems.join("; "));
}

/** Makes single file, npm package and bill of materials, and dist/SHA256SUMS of the three. */
async function makeFiles(version: string): Promise<void> {
  await run("npm", "run", "-s", "build");
  await run("npm", "run", "-s", "sbom");
  await run("npm", "pack", "--silent", "--pack-destination", "dist");
  const sums = ["openexec", "sbom.json", `openexec-${version}.tgz`].map((name) => {
    const digest = createHash("sha256").update(Deno.readFileSync(join(DIST, name))).digest("hex");
    return `${digest}  ${name}\n`;
  });
  await Deno.writeTextFile(join(DIST, "SHA256SUMS"), sums.join(""));
}

async function release(version: string): Promise<void> {
  await requireReady(version);
  const date = new Date().toISOString().slice(0, 10);
  const { changelog, notes } = releaseChangelog(Deno.readTextFileSync(CHANGELOG), version, date);
  await Deno.writeTextFile(CHANGELOG, changelog);
  await run("npm", "version", "--no-git-tag-version", "--allow-same-version", version);
  await run("npm", "run", "-s", "docs");
  await run("npm", "run", "-s", "ok");
  await run("npm", "run", "-s", "test:slow");
  await run("git", "commit", "--all", "--quiet", "--message", `release: ${version}`);
  const message = `${version}\n\n${notes}`;
  // git would strip headings, which begin with #
  await run("git", "tag", "--annotate", "--cleanup=verbatim", "--message", message, `v${version}`);
  await makeFiles(version);
  const done =
    `${version} is committed, tagged and in dist/. To publish it: git push --follow-tags`;
  Deno.stdout.writeSync(utf8Encode(`${done}\n`));
}

if (import.meta.main) {
  try {
    await release(Deno.args[0] ?? "");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(utf8Encode(`release: ${why}\n`));
    Deno.exit(1);
  }
}
