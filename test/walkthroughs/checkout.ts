/** What a reader of README.md has to begin with. */

import { Walkthrough } from "./walkthrough.ts";

export const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

export const README = Deno.readTextFileSync(`${ROOT}/README.md`);

/** What the commands of README.md need beside npm. */
export const TOOLS = ["bash", "curl", "socat", "tmux"];

/** A reader in an empty home, whose terminal is in `folder`. */
export function reader(
  home: string,
  folder: string,
  checkout: string,
  variables: Readonly<Record<string, string>> = {},
): Walkthrough {
  const environment = {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: home,
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    TERM: "dumb",
    REPOSITORY: ROOT,
    ...variables,
  };
  return new Walkthrough({ folder, environment }, { checkout, home });
}
