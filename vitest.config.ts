import { globSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** CI asks for a machine-readable report beside the usual one, to see that nothing was skipped. */
const report = Deno.env.get("OPENEXEC_TEST_REPORT");

/** Rooms whose tests change nothing of their process. */
const SHARING_ROOMS = [
  "actions",
  "approval",
  "architecture",
  "audit",
  "cli",
  "client",
  "config",
  "core",
  "differential",
  "docs",
  "e2e",
  "engine",
  "ledger",
  "log",
  "mcp",
  "page",
  "property",
  "server",
  "telemetry",
  "walkthroughs",
];

/** Tests that replace modules, which only vitest's own loader can do. */
const REPLACING = globSync("test/**/*.test.ts")
  .filter((file) => /\bvi\.(mock|resetModules)\(/.test(readFileSync(file, "utf8")));

/** The runtime loads modules faster than vitest does, but does not count what of them is reached. */
const LOADER = { viteModuleRunner: Deno.args.includes("--coverage"), nodeLoader: false };

const SHARING = SHARING_ROOMS.map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: "forks",
    // Most of the others wait for processes, which leaves cores free.
    maxWorkers: navigator.hardwareConcurrency + 2,
    projects: [
      {
        extends: true,
        test: {
          name: "sharing",
          include: SHARING,
          exclude: REPLACING,
          isolate: false,
          experimental: LOADER,
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ["test/**/*.test.ts"],
          exclude: [...SHARING, ...REPLACING],
          experimental: LOADER,
        },
      },
      { extends: true, test: { name: "replacing", include: REPLACING } },
    ],
    globalSetup: ["test/support/shared_folder.ts"],
    setupFiles: ["test/support/equal_bytes.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Waits for a thing to happen, however busy the machine is: the test's limit ends it.
    expect: { poll: { timeout: 100_000 } },
    passWithNoTests: false,
    // Tests of real processes share two cores in CI: one that fails there is tried once more.
    retry: report === undefined ? 0 : 1,
    coverage: { include: ["src/**/*.ts"], reporter: ["text", "html"] },
    reporters: report === undefined ? ["default"] : ["default", "json"],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
  },
});
