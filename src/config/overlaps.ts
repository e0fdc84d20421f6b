/**
 * Permissions that would let a handler reach what protects everyone else: the ledger and its keys,
 * the configuration, the sockets, other handlers' code, other actions' secrets, kept checkpoints.
 *
 * Invariant: a permitted path and a protected path never contain each other, neither as they are
 * written (the runtime compares that) nor with every symbolic link resolved (the kernel goes
 * there). A link that is made inside a permitted folder later on is outside of this check: a user
 * who may make one there may reach what it points to.
 */

import { dirname, join, resolve } from "node:path";
import type { ActionConfig, Config } from "./config.ts";
import type { NoteProblem } from "./config_error.ts";

/** The path with every symbolic link resolved, or undefined when nothing is there. */
export type RealPath = (path: string) => string | undefined;

interface Protected {
  readonly what: string;
  readonly path: string;
  /** Harmless to read, such as the program's own files. */
  readonly readable?: boolean;
}

/** `program` is the folder of openexec's own files. */
export function checkOverlaps(
  config: Config,
  program: string,
  realPath: RealPath,
  refuse: NoteProblem,
): void {
  const guarded = protectedPaths(config, program).map((entry) => ({
    ...entry,
    forms: formsOf(entry.path, realPath),
  }));
  for (const action of config.actions.values()) {
    for (const kind of ["read", "write"] as const) {
      action.allow[kind].forEach((path, index) => {
        const forms = formsOf(path, realPath);
        const hit = guarded.find((entry) =>
          (kind === "write" || entry.readable !== true) &&
          forms.some((form) =>
            entry.forms.some((other) => contains(form, other) || contains(other, form))
          )
        );
        if (hit !== undefined) {
          refuse(
            ["actions", action.name, "allow", kind, index],
            `this permission would reach ${hit.what}; narrow it`,
          );
        }
      });
    }
  }
  checkAnchor(config, realPath, refuse);
}

function checkAnchor({ anchor, stateDir }: Config, realPath: RealPath, refuse: NoteProblem): void {
  if (anchor === null) return;
  const [, real = anchor] = formsOf(anchor, realPath);
  if (formsOf(stateDir, realPath).some((form) => contains(form, real))) {
    refuse(
      ["anchor"],
      "inside the state directory it would be rolled back together with the ledger",
    );
  }
}

function protectedPaths(config: Config, program: string): Protected[] {
  return [
    { what: "the state directory", path: config.stateDir },
    ...given("the configuration file", config.path),
    ...config.sockets.map(({ path }) => ({ what: "a socket", path })),
    ...[...config.actions.values()].flatMap(pathsOfAction),
    ...given("the anchor", config.anchor),
    ...given("the checkpoints", config.checkpoints.file),
    { what: "openexec's own files", path: program, readable: true },
  ];
}

function pathsOfAction({ name, module, secrets }: ActionConfig): Protected[] {
  return [
    ...("file" in module ? [{ what: `the handler of ${name}`, path: module.file }] : []),
    ...[...secrets.values()].map((path) => ({ what: `a secret of ${name}`, path })),
  ];
}

function given(what: string, path: string | null): Protected[] {
  return path === null ? [] : [{ what, path }];
}

/** Gives a path as written, and with the links of the part that exists resolved. */
export function formsOf(path: string, realPath: RealPath): readonly [string, string] {
  const written = resolve(path);
  let existing = written;
  for (;;) {
    const real = realPath(existing);
    if (real !== undefined) return [written, join(real, written.slice(existing.length))];
    if (existing === "/") return [written, written];
    existing = dirname(existing);
  }
}

/** Whether `inner` is `outer` or lies in it. Both are absolute and normal. */
function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer === "/" ? outer : `${outer}/`);
}
