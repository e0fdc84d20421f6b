/**
 * Rewords what the runtime says where a permission is missing: it names flags of its own, and an
 * operator gives permissions in the configuration.
 */

const PERMISSIONS: ReadonlySet<string> = new Set(["net", "read", "write", "env", "run"]);

/** `text` may be an error with its stack. */
export function reworded(text: string): string {
  return text.replace(
    /(Requires (\w+) access)(?:( to .*?)?), run again with the --allow-\w+ flag/g,
    (_, requires: string, kind: string, what = "") =>
      `${requires}${what}, and ${reasonOf(kind, what)}`,
  );
}

function reasonOf(kind: string, what: string): string {
  if (!PERMISSIONS.has(kind)) return "no action may have that";
  if (kind === "env" && what === "") {
    return "no action gets all of it, as node's child_process needs; Deno's Command does without";
  }
  return `allow.${kind} of the action does not name it`;
}
