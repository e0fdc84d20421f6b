/**
 * The Deno flags openexec starts itself with: one table for bin/openexec (test/build/deno_flags.test.ts compares), for the single
 * file (scripts/build.ts compiles it in) and for every later process.
 *
 * No command runs with --allow-all. `serve` starts with what it takes to read the configuration, then replaces itself by the
 * run that the configuration narrows. Permissions guard our own code against mistakes; FFI, which the daemon needs, can
 * reach anything its uid can, so they are no boundary against a daemon that was taken over.
 */

/** For every process: nothing is asked, fetched, locked or read from a deno.json; packages are those installed. */
export const RUNTIME_FLAGS: readonly string[] = [
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--cached-only",
  "--node-modules-dir=manual",
  "--unstable-worker-options",
  "--unstable-net",
];

/**
 * Talks to a daemon and works on files its user names. Deno knows no pattern for "any Unix socket", and which one it will
 * be is only known once the command runs, so this is the network without IPv4.
 */
const CLIENT = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-net",
  "--deny-net=0.0.0.0/0",
];

/** Opens the ledger itself, or starts an executor. */
const LOCAL = [...CLIENT, "--allow-ffi"];

/** Permission flags by command; a command not named here is a client. */
export const COMMAND_PERMISSIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ["serve", ["--allow-read", "--allow-env", "--allow-sys", "--allow-ffi"]],
  ["audit", LOCAL],
  ["export", LOCAL],
  ["backup", LOCAL],
  ["restore", LOCAL],
  ["doctor", LOCAL],
  ["pin", LOCAL],
  ["test-action", LOCAL],
]);

export const CLIENT_PERMISSIONS: readonly string[] = CLIENT;
