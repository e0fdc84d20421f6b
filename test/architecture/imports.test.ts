import { expect, test } from "vitest";
import { roomOf, ROOMS } from "./rooms.ts";
import { circlesIn, readSource } from "./source.ts";

const files = readSource();

/** Imports that one file may have, against the table. */
const EXCEPTIONS: ReadonlySet<string> = new Set([
  "os/program.ts imports outside:../../package.json",
  "executor/start_check.ts imports executor/child/probe.ts",
]);

test("every room imports only what the table allows", () => {
  const breaches = files.flatMap((file) => {
    const room = ROOMS[file.room];
    if (room === undefined) return [`${file.path}: no row for "${file.room}"`];
    return file.imports.flatMap(({ target, typeOnly }) => {
      if (target === null) return [];
      const other = roomOf(target);
      const allowed = other === file.room || room.imports.includes(other) ||
        (typeOnly && room.types?.includes(other) === true) ||
        (file.room === "executor/child" && target === "executor/protocol.ts");
      const breach = `${file.path} imports ${target}`;
      return allowed || EXCEPTIONS.has(breach) ? [] : [breach];
    });
  });
  expect(files.length).toBeGreaterThan(60);
  expect(breaches).toEqual([]);
});

test("no file imports itself in a circle, types included", () => {
  const graph = new Map(
    files.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]),
  );
  expect(circlesIn(graph)).toEqual([]);
});

test("circlesIn() finds circles, and only them", () => {
  const graph = { a: ["b", "c"], b: ["c"], c: ["a"], d: ["a", "e"], e: ["f"], f: [], g: ["g"] };
  expect(circlesIn(new Map(Object.entries(graph)))).toEqual([["a", "b", "c"], ["g"]]);
});

/** Things that exactly one file or folder may touch. */
const OWNERS: readonly {
  readonly what: string;
  readonly pattern: RegExp;
  readonly owners: RegExp;
}[] = [
  { what: "lmdb", pattern: /from "lmdb"/, owners: /^ledger\/store\/store\.ts$/ },
  {
    what: "@noble/curves",
    pattern: /from "@noble\/curves/,
    owners: /^core\/keys\/p256(_sums)?\.ts$/,
  },
  {
    what: "@noble/ed25519",
    pattern: /from "@noble\/ed25519"/,
    owners: /^core\/keys\/ed25519\.ts$/,
  },
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
    owners: /^(cli\/terminal\/terminal\.ts|executor\/child\/)/,
  },
  // the probe tries what a box has to refuse
  {
    what: "spawning",
    pattern: /Deno\.Command|node:child_process|\bspawnChild\b/,
    owners:
      /^(os\/child_process|cli\/(approve\/approving_key|review\/web)|(box\/spawner_thread|executor\/(launch|command|child\/probe)))\.ts$/,
  },
  {
    what: "sleeping",
    pattern: /=> setTimeout\(resolve/,
    owners: /^(core\/wait\.ts$|executor\/)/, // executor is still to be done
  },
  {
    what: "node:http",
    pattern: /from "node:http"/,
    owners: /^(server\/|client\/transport\.ts$|cli\/review\/bridge\.ts$)/,
  },
  {
    what: "the protocol's package",
    pattern: /from "@modelcontextprotocol/,
    owners: /^mcp\//,
  },
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
  const bound = ["core/clock.ts", "audit/snapshot.ts", "audit/signature_checks.ts"];
  const portable = files.filter((file) =>
    ["core", "log", "audit", "client"].includes(file.room) && !bound.includes(file.path)
  );
  const breaches = portable.filter((file) =>
    /\bDeno\./.test(file.text) ||
    (file.path !== "client/transport.ts" &&
      /from "node:/.test(file.text.replace(/import type .*$/gm, "")))
  );
  expect(breaches.map((file) => file.path)).toEqual([]);
});
