import { expect, test } from "vitest";
import { environmentOf } from "../../src/config/environment.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { handoverOf, handoverVariables, textOf } from "../../src/cli/handover.ts";
import { formatPublicKey } from "../../src/core/public_key.ts";
import { publicKeyOf } from "../../src/core/ed25519.ts";

const KEY = formatPublicKey(publicKeyOf(new Uint8Array(32).fill(7)));

/** With every kind of value that a configuration holds. */
const RICH = `executor_id = "openexec:test"
tenant = "t"
state_dir = "/state"
[[sockets]]
path = "/run/a.sock"
uids = [1000, 1001]
actions = ["x"]
[[sockets]]
path = "/run/admin.sock"
role = "admin"
[retention]
payload = "none"
[[approvers]]
name = "alice"
actions = ["x", "$map"]
[[approvers.keys]]
keyid = "k"
public_key = "${KEY}"
not_after = 2030-01-01T00:00:00Z
[actions.x]
module = "/handlers/x.ts"
digest = "sha256:${"a".repeat(64)}"
allow = { env = ["LANG"], net = ["example.com:443"] }
secrets = { token = "/etc/token" }
retention = { payload = "1h" }
[actions."$map"]
module = "builtin:echo"
`;

function load(text: string): LoadedConfig {
  return loadConfig({
    config: "/etc/openexec.toml",
    overrides: { state: null, socket: null, mode: null },
    environment: environmentOf({ HOME: "/home/x", OPENEXEC_ALLOWED_ACTIONS: "x,y" }),
    cwd: "/",
    read: () => new TextEncoder().encode(text),
    developmentKey: () => null,
  });
}

test("a configuration is the same in the second stage, to the last member", () => {
  const { config, warnings } = load(RICH);
  const examiner = { child: { pid: 4711, channel: 12, stderr: 13 }, terms: '{"$map":[]}' };
  const { loaded, ...rest } = handoverOf(textOf({ loaded: { config, warnings }, examiner }));
  expect(loaded).toStrictEqual({ config, warnings });
  expect(loaded?.config.approvers[0]?.keys[0]?.publicKey).toBeInstanceOf(Uint8Array);
  expect(loaded?.config.actions).toBeInstanceOf(Map);
  expect(rest).toStrictEqual({ examiner });
});

test("a configuration is measured in bytes, which the kernel counts", () => {
  const letters = "\u042f".repeat(60_000); // of two bytes each
  const { config, warnings } = load(`${RICH}[checkpoints]\ncommand = ["/bin/x", "${letters}"]\n`);
  const { OPENEXEC_HANDOVER: text = "" } = handoverVariables({ config, warnings }, null);
  expect(handoverOf(text)).toStrictEqual({ loaded: null, examiner: null });
});

test("a configuration that is too long for a variable is left to be read again", () => {
  const many = Array.from({ length: 500 }, (_, i) => `[actions.a${i}]\nmodule = "builtin:echo"\n`)
    .join("");
  const { config, warnings } = load(`${RICH}${many}`);
  const examiner = { child: { pid: 4711, channel: 12, stderr: 13 }, terms: '{"$map":[]}' };
  const { OPENEXEC_HANDOVER: text = "" } = handoverVariables({ config, warnings }, examiner);
  expect(handoverOf(text)).toStrictEqual({ loaded: null, examiner });
});
