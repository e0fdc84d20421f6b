import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect } from "vitest";
import { OPENEXEC } from "../../support/daemon.ts";
import { testWith } from "../../support/tools.ts";

let folder: string;
beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-terminal-" });
  execFileSync(OPENEXEC, ["keygen", `${folder}/approver.key`, "--name", "alice"]);
});
afterAll(() => Deno.remove(folder, { recursive: true }));

/**
 * What a person at a real terminal sees who answers `answer`; the approved request goes to a file.
 */
function atTerminal(answer: string): string {
  const pipe = `${OPENEXEC} request pay '{"to":"a\\u202eb","n":1}' | ` +
    `${OPENEXEC} approve --key ${folder}/approver.key --aud a - > ${folder}/approved.json`;
  return execFileSync("script", ["-qec", pipe, "/dev/null"], {
    encoding: "utf8",
    input: `${answer}\n`,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: folder, SHELL: "/bin/sh" },
  });
}

testWith("script")(
  "approve asks at the terminal although standard input is the request, and takes the answer",
  () => {
    const seen = atTerminal("y");
    expect(seen).toContain("Approve this? [y/N]");
    expect(seen).toContain("a\\u202eb");
    expect(seen).not.toContain("\u202e");
    expect(JSON.parse(Deno.readTextFileSync(`${folder}/approved.json`))).toMatchObject({
      action: "pay",
    });
  },
);

testWith("script")("approve signs nothing when the answer is no", () => {
  expect(() => atTerminal("n")).toThrow();
  expect(Deno.readTextFileSync(`${folder}/approved.json`)).toBe("");
});
