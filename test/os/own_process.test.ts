import { expect, test } from "vitest";
import { replaceProcess } from "../../src/os/own_process.ts";
import { testWith } from "../support/tools.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

testWith("env", "sh")(
  "a process becomes another and keeps its pid, with its arguments and its environment",
  async () => {
    const script = `
    import { replaceProcess } from "${ROOT}src/os/own_process.ts";
    console.log(Deno.pid);
    const show = 'echo "$$ $1 [$2]"; exec env -u PWD -u SHLVL -u _ -u OLDPWD';
    replaceProcess("/bin/sh", ["-c", show, "sh", "ä b", ""], { PATH: "/usr/bin:/bin", ONLY: "ü" });
  `;
    const args = ["eval", "--no-lock", "--cached-only", script];
    const { stdout, code } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
    const [pid, ...rest] = new TextDecoder().decode(stdout).trim().split("\n");
    expect([code, rest.sort()]).toEqual([
      0,
      [`${pid} ä b []`, "ONLY=ü", "PATH=/usr/bin:/bin"].sort(),
    ]);
  },
);

test("a program that cannot be started leaves the process as it was", () => {
  expect(() => replaceProcess("/nonexistent/program", [], {})).toThrow(/No such file/);
});
