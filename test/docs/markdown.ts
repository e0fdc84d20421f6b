/** Fenced code blocks (CommonMark 4.5) and links of a Markdown file. */

export interface Block {
  /** The heading it stands under, without its hashes. */
  readonly section: string;
  /** The first word behind the fence, "" where there is none. */
  readonly language: string;
  /** The other words; renderers ignore them. */
  readonly words: readonly string[];
  /** Without the newline before the closing fence. */
  readonly text: string;
  readonly line: number;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  let open: { info: string; line: number; text: string[] } | undefined;
  markdown.split("\n").forEach((line, at) => {
    const fence = /^\s*```(.*)$/.exec(line);
    if (open === undefined) {
      section = /^#+ (.+)$/.exec(line)?.[1] ?? section;
      if (fence !== null) open = { info: fence[1] ?? "", line: at + 1, text: [] };
    } else if (fence === null) {
      open.text.push(line);
    } else {
      const [language = "", ...words] = open.info.trim().split(/\s+/);
      blocks.push({ section, language, words, text: open.text.join("\n"), line: open.line });
      open = undefined;
    }
  });
  if (open !== undefined) throw new Error(`the block of line ${open.line} has no end`);
  return blocks;
}

/** Targets of links to files, without fragment; addresses on the web are left out. */
export function fileLinksOf(markdown: string): string[] {
  const prose = markdown.replace(/^\s*```[\s\S]*?^\s*```/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target.replace(/#.*$/, ""))
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target));
}
