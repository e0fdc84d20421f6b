import { afterAll, beforeAll, expect, test } from "vitest";
import { openexec } from "./recording_terminal.ts";

let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-drop-in-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));

async function dropInOf(allow: string, rest = ""): Promise<string[]> {
  await Deno.writeTextFile(
    `${folder}/openexec.toml`,
    `mode = "demo"\nstate_dir = "/var/lib/openexec"\n${rest}[[sockets]]\npath = "/run/openexec/a.sock"\n` +
      `[actions.echo]\nmodule = "builtin:echo"\nallow = { ${allow} }\n`,
  );
  const { code, out } = await openexec([
    ...["doctor", "--drop-in", "--config", `${folder}/openexec.toml`],
  ]);
  expect(code).toBe(0);
  return out.trim().split("\n").slice(1);
}

test("what actions write and run is what the unit has to allow", async () => {
  const allow =
    'write = ["/srv/notes", "/srv/100%"], run = ["/opt/tool", "/usr/bin/id"], read = ["/srv"]';
  expect(await dropInOf(allow)).toEqual([
    "[Service]",
    "ReadWritePaths=-/srv/100%%",
    "ReadWritePaths=-/srv/notes",
    "ExecPaths=-/opt/tool",
  ]);
});

test("folders of users are bound into the unit, which hides the others", async () => {
  const allow = 'write = ["/home/a b/out"], read = ["/root/data", "/home/a b/out"]';
  expect(await dropInOf(allow)).toEqual([
    "[Service]",
    "ProtectHome=tmpfs",
    'BindPaths="-/home/a b/out"',
    "BindReadOnlyPaths=-/root/data",
  ]);
});

test("it says what no drop-in of its can give, and where checkpoints go", async () => {
  const rest = 'anchor = "/mnt/other/openexec.checkpoint"\n';
  const lines = await dropInOf('net = ["api.example.com:443"], write = ["/tmp/x"]', rest);
  expect(lines).toEqual([
    expect.stringContaining("/tmp/x is hidden"),
    expect.stringContaining("network.conf.example"),
    "[Service]",
    "ReadWritePaths=-/mnt/other",
    "ReadWritePaths=-/tmp/x",
  ]);
});
