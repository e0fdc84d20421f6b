/** What the kernel says in /proc of a process and those it started. */

/** Its children, of all its threads. */
export function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
    words(Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`)).map(Number)
  );
}

/** What each of its descriptors is: a path, `socket:[INODE]`, `pipe:[INODE]`, `anon_inode:...`. */
export function descriptorsOf(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Its command line. */
export function argumentsOf(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** The variables it was started with. */
export function environmentOf(pid: number): Record<string, string> {
  const variables = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").filter((text) =>
    text !== ""
  );
  return Object.fromEntries(variables.map((text) => {
    const equals = text.indexOf("=");
    return [text.slice(0, equals), text.slice(equals + 1)];
  }));
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word.trim() !== "");
}
