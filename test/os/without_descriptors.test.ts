import { expect, test } from "vitest";

test("what cannot be looked at for want of a descriptor is not taken for gone", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("without_descriptors.ts", import.meta.url).pathname],
  }).output();
  expect(code).toBe(0);
  expect(JSON.parse(new TextDecoder().decode(stdout))).toEqual({
    started: "StartupError",
    group: "StartupError",
    path: "StartupError",
    list: "false",
  });
});
