import { expect, test } from "vitest";
import { join } from "node:path";
import * as v from "valibot";
import metadata from "../../package.json" with { type: "json" };
import { differences, versionsSince } from "../../scripts/runtime_changes.ts";
import { program } from "../../src/os/program.ts";
import { type Ran, run } from "./single_file.ts";

const BOM = v.object({
  bomFormat: v.literal("CycloneDX"),
  serialNumber: v.pipe(v.string(), v.regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)),
  metadata: v.object({ component: v.object({ name: v.string(), version: v.string() }) }),
  components: v.array(v.object({ name: v.string(), version: v.string() })),
});

function runScript(name: string): Promise<Ran> {
  const args = ["run", "--allow-all", join(program.root, "scripts", name)];
  return run(program.runtime, {
    args,
    cwd: program.root,
    env: { HOME: Deno.env.get("HOME") ?? "/" },
  });
}

test("the SBOM names every package openexec runs on, in the same bytes each time", async () => {
  const written: string[] = [];
  for (let time = 0; time < 2; time++) {
    const { code, error } = await runScript("sbom.ts");
    expect(code, error).toBe(0);
    written.push(await Deno.readTextFile(join(program.root, "dist/sbom.json")));
  }
  const [first = "", second] = written;
  expect(second).toBe(first);
  const bom = v.parse(BOM, JSON.parse(first));
  expect(bom.metadata.component).toEqual({ name: metadata.name, version: metadata.version });
  const listed = new Map(bom.components.map(({ name, version }) => [name, version]));
  for (
    const [name, version] of Object.entries({
      ...metadata.dependencies,
      ...metadata.optionalDependencies,
    })
  ) {
    expect([name, listed.get(name)]).toEqual([name, version]);
  }
  for (const name of Object.keys(metadata.devDependencies)) {
    expect([name, listed.has(name)]).toEqual([name, false]);
  }
}, 60_000);

test.each([
  ["gcc", null],
  ["libzstd-dev", "#!/bin/sh\necho 'fatal error: zstd.h' >&2\nexit 1\n"],
])("a build without %s says which package is missing, and nothing else", async (said, gcc) => {
  const folder = await Deno.makeTempDir({ prefix: "openexec-build-" });
  if (gcc !== null) await Deno.writeTextFile(join(folder, "gcc"), gcc, { mode: 0o755 });
  const { code, error } = await run(program.runtime, {
    args: ["run", "--allow-all", join(program.root, "scripts/build.ts"), "--out", folder],
    cwd: program.root,
    env: { PATH: folder, HOME: folder, DENO_NO_UPDATE_CHECK: "1" },
  });
  await Deno.remove(folder, { recursive: true });
  expect(code).toBe(1);
  expect(error).toMatch(/^npm run build needs .*\n$/);
  expect(error).toContain(said);
});

test("deno compile is not pretended where there is no denort", async () => {
  const { code, out } = await runScript("compile.ts");
  expect({ code, out }).toEqual({ code: 2, out: "" });
});

test("versions of the runtime since the pinned one are told in order, with their days", () => {
  const times = {
    "2.10.0": "2026-09-30T10:00:00Z",
    "2.9.10": "2026-09-20T10:00:00Z",
    "2.9.7-rc.1": "2026-09-01T10:00:00Z",
    "2.9.6": "2026-08-27T10:00:00Z",
  };
  expect(versionsSince("2.9.6", times)).toEqual(["2.9.10 2026-09-20", "2.10.0 2026-09-30"]);
});

test("what came and what went between two runtimes is told by kind", () => {
  const before = { globals: ["b", "a"], modules: ["fs"] };
  const after = { globals: ["a", "c"], modules: ["fs"], operations: ["op"] };
  const told = ["globals:", "  - b", "  + c", "operations:", "  + op"];
  expect(differences(before, after)).toEqual(told);
});
