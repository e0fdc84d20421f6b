import { afterAll, beforeAll, expect, test } from "vitest";
import { join } from "node:path";
import * as v from "valibot";
import metadata from "../../package.json" with { type: "json" };
import { program } from "../../src/os/program.ts";
import { run, untilReady } from "./single_file.ts";

const LISTING = v.tuple([v.object({
  files: v.array(v.object({ path: v.string(), mode: v.number() })),
})]);

/** Everything a package may hold, by the beginning of its path. */
const ALLOWED = [
  "bin/openexec",
  "src/",
  "systemd/",
  "docs/",
  "examples/actions/",
  "examples/agent_loop.ts",
  "examples/check_receipt.mjs",
  "examples/openexec.toml",
  "examples/openexec_client.py",
  "examples/propose.py",
  "examples/sdk.ts",
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

const PYTHON_CACHE = join(program.root, "examples/__pycache__");

let folder: string;
let files: Map<string, number>;

beforeAll(async () => {
  // Inside the checkout, so that the packages can be linked instead of copied.
  await Deno.mkdir(join(program.root, "dist"), { recursive: true });
  folder = await Deno.makeTempDir({ dir: join(program.root, "dist"), prefix: "package-" });
  const script = join(program.root, "scripts/build_package.ts");
  const built = await run(program.runtime, {
    args: ["run", "--allow-all", script],
    cwd: program.root,
  });
  expect(built.code, built.error).toBe(0);
  // What Python leaves beside the examples where they were run.
  await Deno.mkdir(PYTHON_CACHE, { recursive: true });
  await Deno.writeTextFile(join(PYTHON_CACHE, "openexec_client.pyc"), "");
  const packed = await run("npm", {
    args: ["pack", "--json", "--ignore-scripts", `--pack-destination=${folder}`],
    cwd: program.root,
  });
  expect(packed.code, packed.error).toBe(0);
  const [listing] = v.parse(LISTING, JSON.parse(packed.out));
  files = new Map(listing.files.map(({ path, mode }) => [path, mode]));
}, 60_000);
afterAll(async () => {
  for (const made of [folder, PYTHON_CACHE]) await Deno.remove(made, { recursive: true });
});

test("the npm package holds what is listed here and nothing else", () => {
  const unexpected = [...files.keys()].filter((path) =>
    !ALLOWED.some((allowed) => allowed.endsWith("/") ? path.startsWith(allowed) : path === allowed)
  );
  expect(unexpected).toEqual([]);
  expect(files.has("dist/program/main.js")).toBe(true);
  expect((files.get("bin/openexec") ?? 0) & 0o111).toBe(0o111);
});

test("no address is named that does not exist", async () => {
  const folder = join(program.root, "systemd");
  const units = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
    .map(({ name }) => join(folder, name));
  for (const file of [join(program.root, "package.json"), ...units]) {
    // RFC 2606: nobody answers there
    expect(await Deno.readTextFile(file), file).not.toMatch(/:\/\/[^\s"]*\.example\b/);
  }
});

test("the npm package needs no install script", () => {
  const hooks = Object.keys(metadata.scripts).filter((name) =>
    /^(pre|post)?install$|^prepare$/.test(name)
  );
  expect(hooks).toEqual([]);
});

test("the npm package serves where npm put it, with its packages hoisted beside it", async () => {
  const packages = join(folder, "node_modules");
  const installed = join(packages, metadata.name);
  await run("cp", { args: ["-al", program.packages, packages] });
  await Deno.mkdir(installed);
  const archive = join(folder, `${metadata.name}-${metadata.version}.tgz`);
  const unpacked = await run("tar", {
    args: ["-xzf", archive, "--strip-components=1", "-C", installed],
  });
  expect(unpacked.code, unpacked.error).toBe(0);

  const state = join(folder, "state");
  await Deno.mkdir(join(folder, "run"), { mode: 0o700 });
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: folder,
    XDG_RUNTIME_DIR: join(folder, "run"),
    XDG_STATE_HOME: state,
  };
  const openexec = join(installed, "bin/openexec");
  const daemon = new Deno.Command(openexec, {
    args: ["serve"],
    clearEnv: true,
    env,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await untilReady(daemon.stdout);
  const request = "request echo '{}' --nonce n-1";
  const approve = `approve --key ${state}/openexec/approver.key --yes -`;
  const ran = await run("sh", {
    args: ["-c", `"$0" ${request} | "$0" ${approve} | "$0" exec --json -`, openexec],
    env,
  });
  daemon.kill("SIGTERM");
  expect(JSON.parse(ran.out), ran.error).toMatchObject({ status: "succeeded", result: {} });
  expect((await daemon.status).code).toBe(0);
}, 60_000);
