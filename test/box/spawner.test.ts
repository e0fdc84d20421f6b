import { expect, test } from "vitest";
import { Spawner } from "../../src/box/spawner.ts";

const ORDER = { path: "/bin/true", args: [], environment: {} };

test("a spawner whose thread could not be restricted starts nothing, and is known to be broken", async () => {
  const noDescriptor = { path: "/etc", rights: 4, descriptor: 99_999 };
  const spawner = new Spawner({ paths: [noDescriptor], connect: null, bind: null });
  expect(spawner.isBroken).toBe(false);
  await expect(spawner.start(() => ORDER)).rejects.toThrow(Error);
  expect(spawner.isBroken).toBe(true);
  await expect(spawner.start(() => ORDER)).rejects.toThrow(Error);
  spawner.close();
});

test("where few descriptors are left no thread is started, and the process lives", async () => {
  const script = new URL("spawner_without_descriptors.ts", import.meta.url).pathname;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-worker-options", script],
  }).output();
  expect(code).toBe(0);
  expect(JSON.parse(new TextDecoder().decode(stdout))).toEqual({
    few: [
      "too few descriptors are left for a thread; raise LimitNOFILE=",
      expect.stringMatching(/^executor_unavailable: .*LimitNOFILE=/),
    ],
    many: "done",
  });
});
