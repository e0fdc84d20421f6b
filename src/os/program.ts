/**
 * Where the parts of the running program are.
 *
 * In a checkout they are source files and the locked packages' files. In a package that npm
 * installed they are bundles in dist/program, because no runtime takes TypeScript from
 * node_modules. In the packaged program (the single file, unpacked) everything lies in one folder.
 * This module is itself part of one of these.
 */

import metadata from "../../package.json" with { type: "json" };
import { basename, dirname, join } from "node:path";

/** Absolute paths. */
export interface Program {
  /** The executable that runs Deno programs: spawn this with Deno's arguments. */
  readonly runtime: string;
  /** Entry of the command line and of the daemon. */
  readonly main: string;
  /** Entry of an executor process. */
  readonly executor: string;
  /** The thread that starts executors inside of a box. */
  readonly spawner: string;
  /** The thread that reads large requests. */
  readonly requestReader: string;
  /** The thread that verifies the signatures of an audit. */
  readonly signatureThread: string;
  /** Modules that a handler may import besides `node:` built-ins: specifier to file. */
  readonly handlerModules: ReadonlyMap<string, string>;
  /** Turns valibot schemas into JSON Schema, for the process that reads a handler's metadata. */
  readonly schemaConverter: string;
  /** Handlers that come with the program: name to file. */
  readonly builtins: ReadonlyMap<string, string>;
  /** A handler that tries whether the box is shut. */
  readonly probe: string;
  /** The review page: the folder of its static files, and the entry of its script. */
  readonly page: { readonly folder: string; readonly script: string };
  /** lmdb's native addon. */
  readonly addon: string;
  /** The folder of our own files. The packages need not be inside it. */
  readonly root: string;
  readonly packages: string;
  readonly version: string;
  readonly packaged: boolean;
}

export const program: Program = locate(import.meta.filename ?? "");

/** Our own code, in one of the layouts. */
type OwnParts =
  & Pick<
    Program,
    | "main"
    | "executor"
    | "spawner"
    | "requestReader"
    | "signatureThread"
    | "builtins"
    | "probe"
    | "page"
  >
  & {
    readonly openexec: string;
  };

/** Parts by others. */
type ForeignParts =
  & Pick<Program, "runtime" | "schemaConverter" | "addon" | "packages" | "packaged">
  & { readonly valibot: string };

/** `file` is the file this code runs from: this source file, or a bundle that contains it. */
function locate(file: string): Program {
  const source = /\/src\/os\/program\.[tj]s$/; // an executor of a checkout runs it as .js
  if (source.test(file)) {
    const root = file.replace(source, "");
    return assemble(root, sources(root), installed(root));
  }
  const folder = dirname(file);
  const bundled = "/dist/program";
  if (!folder.endsWith(bundled)) return assemble(folder, bundles(folder), unpacked(folder));
  const root = folder.slice(0, -bundled.length);
  return assemble(root, bundles(folder), installed(root));
}

function assemble(root: string, own: OwnParts, { valibot, ...foreign }: ForeignParts): Program {
  const { openexec, ...parts } = own;
  const handlerModules = new Map([["openexec", openexec], ["valibot", valibot]]);
  return { ...parts, ...foreign, handlerModules, root, version: metadata.version };
}

function sources(root: string): OwnParts {
  return {
    main: join(root, "src/main.ts"),
    executor: join(root, "src/executor/child/main.ts"),
    spawner: join(root, "src/box/spawner_thread.ts"),
    requestReader: join(root, "src/engine/request_thread.ts"),
    signatureThread: join(root, "src/audit/signature_thread.ts"),
    probe: join(root, "src/executor/child/probe.ts"),
    page: { folder: join(root, "src/page"), script: join(root, "src/page/main.ts") },
    openexec: join(root, "src/actions/define.ts"),
    builtins: new Map([
      ["echo", join(root, "src/actions/builtin/echo.ts")],
      ["add", join(root, "src/actions/builtin/add.ts")],
    ]),
  };
}

/** Named by scripts/build/bundle.ts. */
function bundles(folder: string): OwnParts {
  return {
    main: join(folder, "main.js"),
    executor: join(folder, "executor.js"),
    spawner: join(folder, "spawner.js"),
    requestReader: join(folder, "request_reader.js"),
    signatureThread: join(folder, "signature_thread.js"),
    probe: join(folder, "probe.js"),
    page: { folder, script: join(folder, "page.js") },
    openexec: join(folder, "openexec.js"),
    builtins: new Map([
      ["echo", join(folder, "builtin_echo.js")],
      ["add", join(folder, "builtin_add.js")],
    ]),
  };
}

/** npm puts packages inside ours, in a checkout or an install of its own, and else beside it. */
function installed(root: string): ForeignParts {
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const inside = join(root, "node_modules");
  const isHoisted = basename(dirname(root)) === "node_modules" &&
    !exists(join(inside, "valibot"));
  const packages = isHoisted ? dirname(root) : inside;
  return {
    runtime: Deno.execPath(),
    // every new executor parses it again: the minified one takes a third of the time
    valibot: join(packages, "valibot/dist/index.min.mjs"),
    schemaConverter: join(packages, "@valibot/to-json-schema/dist/index.min.mjs"),
    addon: join(packages, `@lmdb/lmdb-linux-${architecture}/node.napi.glibc.node`),
    packages,
    packaged: false,
  };
}

/** Laid out by scripts/build.ts. */
function unpacked(folder: string): ForeignParts {
  return {
    runtime: join(folder, "runtime"),
    valibot: join(folder, "valibot.js"),
    schemaConverter: join(folder, "schema_converter.js"),
    addon: join(folder, "lmdb.node"),
    packages: folder,
    packaged: true,
  };
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
