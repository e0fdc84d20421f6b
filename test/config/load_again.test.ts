/** What a reload reads: what the daemon was started from, or nothing. */

import { expect, test } from "vitest";
import { ConfigError, problemText } from "../../src/config/config_error.ts";
import { SYSTEM_CONFIG } from "../../src/config/defaults.ts";
import { environmentOf } from "../../src/config/environment.ts";
import { loadConfig, loadConfigAgain, type LoadRequest } from "../../src/config/load.ts";
import { formatPublicKey } from "../../src/core/keys/public_key.ts";
import { publicKeyOf } from "../../src/core/keys/ed25519.ts";

const keyOf = (seed: number) => publicKeyOf(new Uint8Array(32).fill(seed));

/** A file that trusts one approver. */
function trusting(name: string): string {
  const key = formatPublicKey(keyOf(name.length));
  return `[[approvers]]\nname = "${name}"\nkeys = [{ keyid = "k", public_key = "${key}" }]\n`;
}

/** Started without --config and $OPENEXEC_CONFIG, where these files are now. */
function request(files: Readonly<Record<string, string>>, variables: Record<string, string> = {}) {
  const made: string[] = [];
  const asked: LoadRequest = {
    config: null,
    overrides: { state: null, socket: null, mode: null },
    environment: environmentOf({ HOME: "/home/u", ...variables }),
    cwd: "/",
    read: (path) => {
      const text = files[path];
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
    developmentKey: (file) => {
      made.push(file);
      return { keyid: "development-1", publicKey: keyOf(99) };
    },
  };
  return { asked, made };
}

/** Names of the approvers, or what was wrong. */
function trustedBy(
  load: () => { readonly config: ReturnType<typeof loadConfig>["config"] },
): string[] {
  try {
    const { config } = load();
    const names = config.approvers.map(({ name }) => name);
    return config.clawshield === null ? names : [...names, "clawshield"];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(problemText);
  }
}

test("a reload reads the file that the daemon was started from, as it is now", () => {
  const { asked } = request({ [SYSTEM_CONFIG]: trusting("alice") });
  expect(trustedBy(() => loadConfigAgain(asked, SYSTEM_CONFIG))).toEqual(["alice"]);
  const other = request({ "/elsewhere.toml": trusting("bob"), [SYSTEM_CONFIG]: trusting("alice") });
  expect(trustedBy(() => loadConfigAgain(other.asked, "/elsewhere.toml"))).toEqual(["bob"]);
});

test.each([
  {},
  {
    CLAWSHIELD_PUBLIC_KEY: formatPublicKey(keyOf(8)),
    CLAWSHIELD_TENANT_ID: "t",
  },
])(
  "a file that is gone is an error and never the embedded default, the variables being %j",
  (variables) => {
    const { asked, made } = request({}, variables);
    expect(trustedBy(() => loadConfig(asked))).not.toEqual([]); // what a start would take
    made.length = 0;
    const problems = trustedBy(() => loadConfigAgain(asked, SYSTEM_CONFIG));
    expect([problems, made]).toEqual([[`${SYSTEM_CONFIG}: no such file`], []]);
  },
);

test("a daemon that was started without a file stays without one", () => {
  const { asked } = request({});
  expect(trustedBy(() => loadConfigAgain(asked, null))).toEqual(["development"]);
});

test("a file that was not there at the start waits for a restart", () => {
  const { asked, made } = request({ [SYSTEM_CONFIG]: trusting("alice") });
  expect([trustedBy(() => loadConfigAgain(asked, null)), made]).toEqual([
    [`${SYSTEM_CONFIG}: it was not there at the start, and waits for a restart`],
    [],
  ]);
});
