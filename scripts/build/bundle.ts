/** Bundles the program's entries into self-contained modules, with the same bytes for the same sources. */

import * as esbuild from "esbuild";

/** What lies in the program folder, and the source it is made from; src/os/program.ts knows these names. */
const MAIN = { main: "src/main.ts" };
const THREADS = {
  spawner: "src/box/spawner_thread.ts",
  request_reader: "src/engine/request_thread.ts",
  signature_thread: "src/audit/signature_thread.ts",
};

/**
 * What executors load. These import each other by their bare names, which the import map leads to
 * one copy of each for the executor's program and for handlers: each is bundled without the others.
 */
const EXECUTOR = { executor: "src/executor/child/main.ts" };
const OWN_MODULES = {
  openexec: "src/actions/define.ts",
  probe: "src/executor/child/probe.ts",
  builtin_echo: "src/actions/builtin/echo.ts",
  builtin_add: "src/actions/builtin/add.ts",
};
/** The review page: its script, and the files that stand beside it as they are. */
const PAGE = { page: "src/page/main.ts" };
const PAGE_FILES = ["index.html", "page.css"];
const PACKAGES = { valibot: "valibot", schema_converter: "@valibot/to-json-schema" };

const SHARED = [leaveImportsOf("openexec"), leaveImportsOf("valibot")];

/** CommonJS packages call require(); a module has none of its own. */
const REQUIRE =
  'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);';

/** lmdb looks for its addon among the installed packages; in a program folder it lies beside the bundle. */
const ADDON: esbuild.Plugin = {
  name: "addon",
  setup(build) {
    build.onResolve(
      { filter: /^node-gyp-build-optional-packages$/ },
      ({ path }) => ({ path, namespace: "addon" }),
    );
    build.onLoad({ filter: /.*/, namespace: "addon" }, () => ({
      contents: `import { createRequire } from "node:module";
export default () => createRequire(import.meta.url)("./lmdb.node");`,
    }));
  },
};

/** The daemon checks what agents send. Without ajv their server needs 10 MB less. */
const NO_VALIDATOR: esbuild.Plugin = {
  name: "no-validator",
  setup(build) {
    build.onResolve(
      { filter: /^@modelcontextprotocol\/server\/_shims$/ },
      ({ path }) => ({ path, namespace: "no-validator" }),
    );
    build.onLoad({ filter: /.*/, namespace: "no-validator" }, () => ({
      contents: `export { default as process } from "node:process";
export class DefaultJsonSchemaValidator {
  getValidator() {
    throw new Error("no schema is checked here");
  }
}`,
    }));
  },
};

const SELF_CONTAINED: esbuild.BuildOptions = {
  alias: { module: "node:module" }, // as msgpackr calls it
  banner: { js: REQUIRE },
  define: { "process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED": '"true"' },
  plugins: [ADDON, NO_VALIDATOR],
};

/**
 * Where the bundles are to run: in the single file they bring the packages along; in an npm package those are installed
 * beside it, in versions its lockfile names.
 */
export type Destination = "single_file" | "npm_package";

/** File name in the program folder to its bytes. */
export async function bundle(
  root: string,
  destination: Destination,
): Promise<Map<string, Uint8Array>> {
  const settings: esbuild.BuildOptions = {
    absWorkingDir: root,
    outdir: ".",
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "esnext",
    charset: "utf8",
    legalComments: "eof",
    logLevel: "warning",
  };
  // Split, so that what is imported late stays late: lmdb's addon, and most of the code, is not for every command to load.
  const main: esbuild.BuildOptions = {
    entryPoints: MAIN,
    splitting: true,
    chunkNames: "chunk_[hash]",
    ...(destination === "npm_package" ? { packages: "external" } : SELF_CONTAINED),
  };
  const results = [
    await esbuild.build({ ...settings, ...main }),
    await esbuild.build({ ...settings, entryPoints: THREADS }),
    await esbuild.build({ ...settings, entryPoints: EXECUTOR, plugins: SHARED }),
    await esbuild.build({
      ...settings,
      entryPoints: destination === "npm_package" ? OWN_MODULES : { ...OWN_MODULES, ...PACKAGES },
      platform: "neutral",
      external: ["node:*"],
      minifyWhitespace: true,
      minifySyntax: true,
      plugins: SHARED,
    }),
  ];
  results.push(
    await esbuild.build({
      ...settings,
      entryPoints: PAGE,
      platform: "browser",
      minify: true,
      external: ["*/transport.ts"], // a Unix socket is for programs
    }),
  );
  await esbuild.stop();
  const files = new Map(
    results.flatMap((result) => result.outputFiles ?? [])
      .map(({ path, text }) => [path.slice(root.length + 1), encode(text)]),
  );
  for (const name of PAGE_FILES) files.set(name, await Deno.readFile(`${root}/src/page/${name}`));
  return files;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Imports of a package stay as they are, unless the package is what is being bundled. */
function leaveImportsOf(name: string): esbuild.Plugin {
  return {
    name: "leave-imports",
    setup(build) {
      build.onResolve(
        { filter: new RegExp(`^${name}$`) },
        ({ kind, path }) => kind === "entry-point" ? undefined : { path, external: true },
      );
    },
  };
}
