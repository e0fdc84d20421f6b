import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import metadata from "../../package.json" with { type: "json" };
import { ROOT } from "../walkthroughs/checkout.ts";
import { blocksOf, fileLinksOf } from "./markdown.ts";

/** Not looked into: other tests build in `dist`, and take away what they built. */
const ELSEWHERE = new Set(["node_modules", "dist", "coverage", ".git"]);

/** Every document of the repository, by its path from the root. */
const documents = readdirSync(ROOT, { withFileTypes: true })
  .filter(({ name }) => !ELSEWHERE.has(name))
  .flatMap((entry) => entry.isDirectory() ? documentsIn(entry.name) : [entry.name])
  .filter((path) => path.endsWith(".md"));

function documentsIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path));
}

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Files that a document links to, by their paths from the root. */
function linkedFrom(document: string): string[] {
  return fileLinksOf(read(document)).map((target) => normalize(join(dirname(document), target)));
}

test("every link to a file leads to one", () => {
  const broken = documents.flatMap((document) =>
    linkedFrom(document).filter((path) => !existsSync(join(ROOT, path))).map((path) =>
      `${document}: ${path}`
    )
  );
  expect(broken).toEqual([]);
  expect(linkedFrom("docs/guarantees.md").length).toBeGreaterThan(40);
});

test("every file of docs/ is listed in docs/README.md", () => {
  const files = readdirSync(join(ROOT, "docs"), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "README.md")
    .map(({ name }) => `docs/${name}`);
  const listed = new Set(linkedFrom("docs/README.md"));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((path) => !listed.has(path))).toEqual([]);
});

const decisions = documents.filter((path) => /^docs\/decisions\/(?!README)/.test(path));

test("every decision is in the index, under its title", () => {
  const index = read("docs/decisions/README.md");
  const listed = [...index.matchAll(/^- \[(.+)\]\((.+)\)$/gm)].map(([, title, file]) =>
    `${file}: ${title}`
  );
  const written = decisions.map((path) => {
    const title = read(path).split("\n", 1)[0]?.replace(/^# /, "");
    return `${path.replace("docs/decisions/", "")}: ${title}`;
  });
  expect(listed.toSorted()).toEqual(written.toSorted());
});

test.each(decisions)("%s says what was decided, what was rejected, and what it costs", (path) => {
  const parts = [...read(path).matchAll(/^\*\*(\w+)\.\*\*/gm)].map(([, part]) => part);
  expect(parts.filter((part) => part !== "Why")).toEqual(["Decided", "Rejected", "Costs"]);
});

test("what a document shows of a file is in it", () => {
  const shown = documents.flatMap((document) =>
    blocksOf(read(document)).filter(({ words: [file = ""] }) => file.includes("/")).map((
      block,
    ) => ({
      document,
      ...block,
    }))
  );
  expect(shown.map(({ document }) => document)).toContain("docs/openexec-compatibility.md");
  for (const { document, line, words: [file = ""], text } of shown) {
    expect(`\n${read(file)}`, `${document}, line ${line}`).toContain(`\n${text}\n`);
  }
});

/** Made by programs, or as programs printed it. */
const MADE = /^docs\/(cli|config|errors|malformed-requests|agents-transcript|transcript)\.md$/;
/** Rows of tables, headings, pictures, names of tests, and what is one word or one link. */
const WHOLE = /^\||^#|^!|^<| › |^\s*(?:[-*] )?(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|\S)+[.,;:]?$/;

test("no line of a document's prose is longer than 100 columns", () => {
  const long = documents.filter((path) => !MADE.test(path)).flatMap((path) =>
    proseOf(read(path)).filter(({ text }) => [...text].length > 100 && !WHOLE.test(text))
      .map(({ line }) => `${path}:${line}`)
  );
  expect(long).toEqual([]);
});

/** The lines outside of code. */
function proseOf(text: string): { line: number; text: string }[] {
  let isCode = false;
  return text.split("\n").flatMap((text, at) => {
    const isFence = /^\s*```/.test(text);
    if (isFence) isCode = !isCode;
    return isFence || isCode || text.startsWith("    ") ? [] : [{ line: at + 1, text }];
  });
}

test("docs/dependencies.md: every dependency has its reason", () => {
  const rows = [
    ...readFileSync(join(ROOT, "docs/dependencies.md"), "utf8").matchAll(/^\| ([^ |]+) \| \S/gm),
  ].map(([, name]) => name).slice(1);
  expect(rows.toSorted()).toEqual(
    Object.keys({ ...metadata.dependencies, ...metadata.optionalDependencies }).toSorted(),
  );
});
