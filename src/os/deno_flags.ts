/**
 * The Deno flags openexec starts itself with: one table for bin/openexec (compared by
 * test/build/deno_flags.test.ts), for the single file (scripts/build.ts compiles it in) and for
 * every later process.
 *
 * No command runs with --allow-all. `serve` starts with the permissions to read the configuration,
 * then replaces itself by a run with those that the configuration needs. Permissions guard our own
 * code against mistakes. They are no boundary against a daemon that was taken over: FFI, which it
 * needs, can reach anything that its uid can.
 */

/** Keep every process from asking, fetching or locking anything, and from reading a deno.json. */
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
  // else it reads at each start whatever an import() names: all commands, for one of them
  "--unstable-lazy-dynamic-imports",
];

/**
 * For commands that talk to a daemon and work on files that their user names. Which socket it will
 * be is only known once the command runs, and Deno has no pattern for "any Unix socket", so these
 * allow the network without IPv4.
 */
const CLIENT = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-net",
  "--deny-net=0.0.0.0/0",
];

/** `review --web` listens on loopback, and starts a browser. */
const REVIEWING = [
  ...CLIENT.filter((flag) => !flag.startsWith("--deny-net=")),
  "--allow-ffi",
  "--allow-run=ssh-keygen,xdg-open",
];

/** For a process of each agent that waits most of its life: small heaps keep it under 100 MB. */
const WAITING = [...CLIENT, "--v8-flags=--max-semi-space-size=1"];

/** For commands that open the ledger themselves, start an executor, or ask at the terminal. */
const LOCAL = [...CLIENT, "--allow-ffi"];

/** For commands that sign with an SSH key, and ask at the terminal. */
const SIGNING = [...LOCAL, "--allow-run=ssh-keygen"];

/** Permission flags by command. A command that is not named here gets CLIENT_PERMISSIONS. */
export const COMMAND_PERMISSIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ["serve", ["--allow-read", "--allow-env", "--allow-sys", "--allow-ffi"]],
  ["approve", SIGNING],
  ["audit", LOCAL],
  ["export", LOCAL],
  ["backup", LOCAL],
  ["restore", LOCAL],
  ["decide", SIGNING],
  ["doctor", LOCAL],
  ["mcp", WAITING],
  ["pin", LOCAL],
  ["review", REVIEWING],
  ["test-action", LOCAL],
]);

export const CLIENT_PERMISSIONS: readonly string[] = CLIENT;
