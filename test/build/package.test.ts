import { afterAll, beforeAll, expect, test } from "vitest";
import { join } from "node:path";
import * as v from "valibot";
import metadata from "../../package.json" with { type: "json" };
import { program } from "../../src/os/program.ts";
import { run } from "./single_file.ts";

const LISTING = v.tuple([v.object({
  files: v.array(v.object({ path: v.string(), mode: v.number() })),
})]);

/** Everything a package may hold, by the beginning of its path. */
const ALLOWED = [
  "bin/openexec",
  "src/",
  "systemd/",
  "docs/",
  "examples/",
  "dist/client/",
  "dist/program/",
  "scripts/deno",
  "deno.json",
  "package.json",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "SECURITY.md",
];

let folder: string;
let files: Map<string, number>;

beforeAll(async () => {
  folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec-package-" }));
  const script = join(program.root, "scripts/build_package.ts");
  const built = await run(program.runtime, { args: ["run", "--allow-all", script], cwd: program.root });
  expect(built.code, built.error).toBe(0);
  const packed = await run("npm", {
    args: ["pack", "--json", "--ignore-scripts", `--pack-destination=${folder}`],
    cwd: program.root,
  });
  expect(packed.code, packed.error).toBe(0);
  const [listing] = v.parse(LISTING, JSON.parse(packed.out));
  files = new Map(listing.files.map(({ path, mode }) => [path, mode]));
}, 60_000);
afterAll(() => Deno.remove(folder, { recursive: true }));

test("the npm package holds what is listed here and nothing else", () => {
  const unexpected = [...files.keys()].filter((path) =>
    !ALLOWED.some((allowed) => allowed.endsWith("/") ? path.startsWith(allowed) : path === allowed)
  );
  expect(unexpected).toEqual([]);
  expect(files.has("dist/program/main.js")).toBe(true);
  expect((files.get("bin/openexec") ?? 0) & 0o111).toBe(0o111);
});

test("the npm package needs no install script", () => {
  const hooks = Object.keys(metadata.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name));
  expect(hooks).toEqual([]);
});

test("the npm package runs where npm put it, with its packages hoisted beside it", async () => {
  const packages = join(folder, "project/node_modules");
  const installed = join(packages, metadata.name);
  await Deno.mkdir(installed, { recursive: true });
  const archive = join(folder, `${metadata.name}-${metadata.version}.tgz`);
  const unpacked = await run("tar", { args: ["-xzf", archive, "--strip-components=1", "-C", installed] });
  expect(unpacked.code, unpacked.error).toBe(0);
  for await (const { name } of Deno.readDir(program.packages)) {
    if (name !== ".bin") await Deno.symlink(join(program.packages, name), join(packages, name));
  }
  const ran = await run(join(installed, "bin/openexec"), {
    args: ["request", "echo", "{}", "--nonce", "n-1"],
    env: {},
  });
  expect(ran.code, ran.error).toBe(0);
  expect(JSON.parse(ran.out)).toEqual({ action: "echo", payload: {}, nonce: "n-1" });
});
