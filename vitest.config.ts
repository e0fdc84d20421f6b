import { defineConfig } from "vitest/config";

/** CI asks for a machine-readable report beside the usual one, to see that nothing was skipped. */
const report = Deno.env.get("OPENEXEC_TEST_REPORT");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    // Tests of real processes share two cores in CI: one that fails there is tried once more.
    retry: report === undefined ? 0 : 1,
    coverage: { include: ["src/**/*.ts"], reporter: ["text", "html"] },
    reporters: report === undefined ? ["default"] : ["default", "json"],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
  },
});
