import { expect, test } from "vitest";
import { partOf, readSource } from "./source.ts";

const files = readSource();

/** Who may import whom; types may come from anywhere that `types` names as well. */
const TABLE: Record<string, { code: readonly string[]; types?: readonly string[] }> = {
  "": { code: ["cli"] },
  core: { code: [] },
  config: { code: ["core"] },
  os: { code: ["core"] },
  telemetry: { code: ["core"] },
  log: { code: ["core"] },
  audit: { code: ["core", "log", "ledger", "os"] },
  approval: { code: ["core"], types: ["config"] },
  actions: { code: ["core", "config", "os"], types: ["executor"] },
  ledger: { code: ["core", "log", "os"], types: ["config"] },
  executor: { code: ["core", "actions", "os", "telemetry"], types: ["config"] },
  "executor/child": { code: ["core", "actions", "os"], types: ["executor"] },
  engine: {
    code: ["core", "config", "approval", "ledger", "log", "telemetry", "os"],
    types: ["executor", "actions"],
  },
  server: {
    code: ["core", "config", "log", "os", "telemetry"],
    types: ["engine", "ledger", "executor"],
  },
  client: { code: ["core", "log"], types: ["actions"] },
  cli: {
    code: [
      "core",
      "config",
      "os",
      "telemetry",
      "log",
      "audit",
      "approval",
      "actions",
      "ledger",
      "executor",
      "engine",
      "server",
      "client",
    ],
  },
};

test("every part imports only what the table allows", () => {
  const breaches = files.flatMap((file) => {
    const row = TABLE[file.part];
    if (row === undefined) return [`${file.path}: no row for "${file.part}"`];
    return file.imports.flatMap(({ target, typeOnly }) => {
      if (target === null) return [];
      const part = partOf(target);
      const allowed = part === file.part || row.code.includes(part) ||
        (typeOnly && row.types?.includes(part) === true) ||
        (file.part === "executor/child" && target === "executor/protocol.ts") ||
        (file.path === "os/program.ts" && target === "outside:../../package.json");
      return allowed ? [] : [`${file.path} imports ${target}`];
    });
  });
  expect(files.length).toBeGreaterThan(60);
  expect(breaches).toEqual([]);
});

test("no file imports itself in a circle", () => {
  const graph = new Map(
    files.map((
      file,
    ) => [file.path, file.imports.filter((i) => !i.typeOnly).flatMap((i) => i.target ?? [])]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    }
    if (done.has(path) || trail.includes(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(circles).toEqual([]);
});

/** Things that exactly one file or folder may touch. */
const OWNERS: readonly {
  readonly what: string;
  readonly pattern: RegExp;
  readonly owners: RegExp;
}[] = [
  { what: "lmdb", pattern: /from "lmdb"/, owners: /^ledger\/store\/store\.ts$/ },
  { what: "@noble/ed25519", pattern: /from "@noble\/ed25519"/, owners: /^core\/ed25519\.ts$/ },
  { what: "@noble/hashes", pattern: /from "@noble\/hashes/, owners: /^core\/sha\.ts$/ },
  {
    what: "FFI",
    pattern: /Deno\.dlopen|Deno\.UnsafePointer/,
    owners: /^(os\/|executor\/child\/probe\.ts$)/,
  },
  { what: "the wall clock", pattern: /Date\.now|new Date\(\)/, owners: /^core\/clock\.ts$/ },
  {
    what: "the environment",
    pattern: /Deno\.env\b|process\.env\b/,
    owners: /^(config\/environment\.ts|executor\/child\/)/,
  },
  {
    what: "standard output",
    pattern: /\bconsole\.|Deno\.stdout/,
    owners: /^(cli\/terminal\.ts|executor\/child\/)/,
  },
  // the probe tries what a box has to refuse
  {
    what: "spawning",
    pattern: /Deno\.Command|node:child_process|\bspawnChild\b/,
    owners: /^(os\/child_process|executor\/(spawn|command|child\/probe))\.ts$/,
  },
  { what: "node:http", pattern: /from "node:http"/, owners: /^(server\/|client\/transport\.ts$)/ },
  {
    what: "problem+json",
    pattern: /application\/problem\+json/,
    owners: /^(server\/(reply|openapi)\.ts|client\/)/,
  },
];

test.each(OWNERS)("$what has one owner", ({ pattern, owners }) => {
  const users = files.filter((file) => pattern.test(file.text)).map((file) => file.path);
  expect(users.length).toBeGreaterThan(0);
  expect(users.filter((path) => !owners.test(path))).toEqual([]);
});

test("core, log, audits and client name no runtime of their own", () => {
  const bound = ["core/clock.ts", "audit/snapshot.ts"];
  const portable = files.filter((file) =>
    ["core", "log", "audit", "client"].includes(file.part) && !bound.includes(file.path)
  );
  const breaches = portable.filter((file) =>
    /\bDeno\./.test(file.text) ||
    (file.path !== "client/transport.ts" &&
      /from "node:/.test(file.text.replace(/import type .*$/gm, "")))
  );
  expect(breaches.map((file) => file.path)).toEqual([]);
});
