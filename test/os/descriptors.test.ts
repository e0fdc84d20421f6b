import { expect } from "vitest";
import { descriptorLimit, markDescriptorsCloseOnExec } from "../../src/os/descriptors.ts";
import { cString, libc } from "../../src/os/libc.ts";
import { testWith } from "../support/tools.ts";

testWith("sh")("no descriptor is inherited once they are marked", async () => {
  const file = libc.open(cString("/dev/null"), 0);
  const inherited = async () => {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `test -e /proc/self/fd/${file} && echo yes || echo no`],
    })
      .output();
    return new TextDecoder().decode(stdout).trim();
  };
  expect(await inherited()).toBe("yes");
  markDescriptorsCloseOnExec();
  expect(await inherited()).toBe("no");
  libc.close(file);
});

testWith("sh")("the descriptor limit is the process's own", async () => {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `sed -n 's/^Max open files *//p' /proc/${Deno.pid}/limits`],
  }).output();
  expect(descriptorLimit()).toBe(parseInt(new TextDecoder().decode(stdout)));
});
