import { afterAll, beforeAll, expect, test } from "vitest";
import { join } from "node:path";
import { EmptyRoot } from "./empty_root.ts";
import { builtOnce, missingToBuild, untilReady } from "./single_file.ts";

const SECONDS = 1000;
const CONFIG = "/etc/openexec/openexec.toml";
const missing = missingToBuild("unshare", "mount", "chroot");

/** Tries to leave its box, and says what it could do. */
const HANDLER = `
import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.object({ name: v.string() }),
  output: v.object({ greeting: v.string(), opened: v.array(v.string()), heard: v.nullable(v.number()) }),
  async run({ name }) {
    const doors: Record<string, () => unknown> = {
      read: () => Deno.readTextFileSync("${CONFIG}"),
      write: () => Deno.writeTextFileSync("/tmp/x", ""),
      env: () => Deno.env.get("HOME"),
      run: () => new Deno.Command("/openexec").outputSync(),
      ffi: () => Deno.dlopen("/libc.so.6", {}),
      net: () => Deno.listen({ port: 0 }),
      sys: () => Deno.hostname(),
    };
    const opened: string[] = [];
    for (const [door, open] of Object.entries(doors)) {
      try {
        await open();
        opened.push(door);
      } catch { /* shut */ }
    }
    try {
      Deno.stdout.writeSync(new TextEncoder().encode(name));
    } catch { /* closed */ }
    return { greeting: \`hello \${name}\`, opened, heard: Deno.stdin.readSync(new Uint8Array(9)) };
  },
});
`;

let folder: string;
let root: EmptyRoot;

beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-root-" });
  if (missing !== "") return;
  root = await EmptyRoot.make(folder, join(await builtOnce(), "openexec"));
}, 120 * SECONDS);
afterAll(() => Deno.remove(folder, { recursive: true }));

test.skipIf(missing !== "")(
  `in an empty root, the single file serves, boxes, runs once what was approved, and audits${missing}`,
  async () => {
    const keygen = await root.run(["keygen", "/approver.key"]);
    expect(keygen.code, keygen.error).toBe(0);
    const keys = /^keys = .*$/m.exec(keygen.out)?.[0];
    await root.write("etc/openexec/greet.ts", HANDLER);
    const pin = await root.run(["pin", "/etc/openexec/greet.ts"]);
    expect(pin.code, pin.error).toBe(0);
    const digest = /sha256:[0-9a-f]{64}/.exec(pin.out)?.[0];
    await root.write(
      CONFIG.slice(1),
      `
executor_id = "openexec:empty"
state_dir = "/var/lib/openexec"
[[sockets]]
path = "/run/agent.sock"
[[approvers]]
name = "operator"
${keys}
[actions.greet]
module = "greet.ts"
digest = "${digest}"
`,
    );
    await Deno.mkdir(join(root.path, "run"), { mode: 0o755 });

    const daemon = root.spawn(["serve"]);
    try {
      await untilReady(daemon.stdout);
      const request = await root.run(["request", "greet", '{"name":"root"}']);
      const approved = await root.run(
        ["approve", "--key", "/approver.key", "--yes", "-"],
        request.out,
      );
      expect(approved.code, approved.error).toBe(0);
      const ran = await root.run(["exec", "--json", "-"], approved.out);
      expect(ran.code, ran.error).toBe(0);
      expect(JSON.parse(ran.out)).toMatchObject({
        status: "succeeded",
        replayed: false,
        result: { greeting: "hello root", opened: [], heard: null },
      });
      const again = await root.run(["exec", "--json", "-"], approved.out);
      expect(JSON.parse(again.out)).toMatchObject({ status: "succeeded", replayed: true });
      const forged = await root.run(
        ["exec", "--json", "-"],
        approved.out.replace('"root"', '"r00t"'),
      );
      expect(forged.code).toBe(1);
      expect(forged.error + forged.out).toMatch(/approval_action_mismatch|nonce_reused/);
    } finally {
      daemon.kill("SIGTERM");
    }
    expect((await daemon.status).code).toBe(0);
    const audit = await root.run(["audit"]);
    expect(audit.code, audit.error + audit.out).toBe(0);
  },
  120 * SECONDS,
);
