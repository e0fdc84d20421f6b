import { expect, test } from "vitest";
import { join } from "node:path";
import { environmentOf } from "../../src/config/environment.ts";
import { loadConfig } from "../../src/config/load.ts";
import { publicKeyOf } from "../../src/core/keys/ed25519.ts";
import { sshStrings } from "../../src/core/keys/ssh_key.ts";
import { base64Encode, utf8Encode } from "../../src/core/bytes.ts";
import { program } from "../../src/os/program.ts";

const FOLDER = join(program.root, "systemd");
const TYPE = "sk-ssh-ed25519@openssh.com";
const BLOB = sshStrings(TYPE, publicKeyOf(new Uint8Array(32).fill(7)), "ssh:");

/** The example with its approver put in, as its comment asks. */
function completed(path: string): Uint8Array {
  const text = Deno.readTextFileSync(path)
    .replaceAll(/^# (?=\[\[approvers|name =|keys =)/gm, "")
    .replace(`${TYPE} ...`, `${TYPE} ${base64Encode(BLOB)}`);
  return utf8Encode(text);
}

test("the example configuration loads, and names the sockets and folders of the units", async () => {
  const { config, warnings } = loadConfig({
    config: join(FOLDER, "openexec.toml.example"),
    overrides: { state: null, socket: null, mode: null },
    environment: environmentOf({}),
    cwd: "/",
    read: completed,
    developmentKey: () => null,
  });
  expect(warnings).toEqual([]);
  expect(config.mode).toBe("enforced");
  expect(config.approvers).toHaveLength(1);

  const unit = async (name: string) => await Deno.readTextFile(join(FOLDER, name));
  for (
    const [socket, name] of [
      ["agent", "openexec.socket"],
      ["approver", "openexec-review.socket"],
      ["admin", "openexec-admin.socket"],
    ] as const
  ) {
    const listed = config.sockets.find(({ role }) => role === socket);
    const text = await unit(name);
    expect(text).toContain(`ListenStream=${listed?.path}\n`);
    expect(text).toContain(`SocketMode=0${listed?.mode.toString(8)}\n`);
    if (listed?.group) expect(text).toContain(`SocketGroup=${listed.group}\n`);
  }
  const service = await unit("openexec.service");
  expect(service).toContain(`StateDirectory=${config.stateDir.replace("/var/lib/", "")}\n`);
});
