import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["src", "test", "scripts", "bench", "examples"];
/** What packages export is for others to import. */
const PUBLISHED = new Set(["src/client/mod.ts", "src/actions/define.ts"]);

interface Use {
  readonly file: string;
  readonly name: string;
}

const files = new Map(
  FOLDERS.flatMap((folder) => walk(`${folder}/`)).map((path) => [path, textOf(path)]),
);

function walk(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return walk(`${folder}${name}/`);
    return name.endsWith(".ts") ? [folder + name] : [];
  });
}

/** Without comments. */
function textOf(path: string): string {
  const raw = Deno.readTextFileSync(new URL(path, ROOT));
  return raw.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/ .*$/gm, "$1");
}

/** Values have to be used elsewhere; a type may be there for the signature of one of its file. */
function exportsOf(text: string): string[] {
  const declared = /^export (?:async |abstract )*(function\*?|const|class|interface|type) (\w+)/gm;
  return [...text.matchAll(declared)].filter(([, kind, name = ""]) =>
    !/interface|type/.test(kind ?? "") || text.split(new RegExp(`\\b${name}\\b`)).length === 2
  ).map(([, , name = ""]) => name);
}

/** What a file imports of others, by name; names in braces, members of a namespace. */
function usesIn(path: string, text: string): Use[] {
  const braces = /\{([^{}]*)\}\s*(?:from\s*|=\s*\(?await import\(\s*)"(\.[^"]+)"/g;
  const member = /\bimport\("(\.[^"]+)"\)\)?\s*\.(\w+)/g;
  const namespace = /import (?:type )?\* as (\w+) from "(\.[^"]+)"/g;
  const target = (specifier: string) =>
    new URL(specifier, new URL(path, ROOT)).href.slice(ROOT.href.length);
  return [
    ...[...text.matchAll(braces)].flatMap(([, names = "", specifier = ""]) =>
      names.split(",").map((name) => ({
        file: target(specifier),
        name: /^\s*(?:type\s+)?(\w+)/.exec(name)?.[1] ?? "",
      }))
    ),
    ...[...text.matchAll(member)].map(([, specifier = "", name = ""]) => ({
      file: target(specifier),
      name,
    })),
    ...[...text.matchAll(namespace)].flatMap(([, space = "", specifier = ""]) =>
      [...text.matchAll(new RegExp(`\\b${space}\\.(\\w+)`, "g"))].map(([, name = ""]) => ({
        file: target(specifier),
        name,
      }))
    ),
  ];
}

test("everything that is exported is used", () => {
  const used = new Set(
    [...files].flatMap(([path, text]) => usesIn(path, text)).map(({ file, name }) =>
      `${file} ${name}`
    ),
  );
  const exported = [...files].filter(([path]) => path.startsWith("src/") && !PUBLISHED.has(path))
    .flatMap(([path, text]) => exportsOf(text).map((name) => `${path} ${name}`));
  expect(exported.length).toBeGreaterThan(300);
  expect(exported.filter((name) => !used.has(name))).toEqual([]);
});
