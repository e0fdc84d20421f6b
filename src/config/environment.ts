/**
 * The one owner of environment variables: every name openexec reads, once, into a typed value.
 *
 * Invariant: an empty variable counts as unset, so that `NAME=` in a unit file or a shell can clear
 * an inherited value.
 */

export interface Environment {
  readonly config: string | null;
  readonly socket: string | null;
  readonly stateDir: string | null;
  readonly openexec: OpenexecVariables;
  readonly home: string | null;
  /** XDG Base Directory Specification 0.8: a relative path is invalid and ignored. */
  readonly xdgRuntimeDir: string | null;
  readonly xdgStateHome: string | null;
  readonly systemd: SystemdVariables;
  /** https://no-color.org */
  readonly noColor: boolean;
}

/** The variables of OpenExec 0.1.10, as they were set; legacy_environment.ts checks them. */
export interface OpenexecVariables {
  readonly mode: string | null;
  readonly allowedActions: string | null;
  readonly clawshieldPublicKey: string | null;
  readonly clawshieldTenant: string | null;
}

/** systemd.exec(5), sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). */
export interface SystemdVariables {
  readonly credentialsDirectory: string | null;
  readonly notifySocket: string | null;
  /** null unless LISTEN_FDS and LISTEN_PID are whole numbers. The descriptors start at 3. */
  readonly listen: {
    readonly pid: number;
    readonly count: number;
    readonly names: readonly string[];
  } | null;
  /** null unless WATCHDOG_USEC is a whole number; `pid` null means any process. */
  readonly watchdog: { readonly intervalMs: number; readonly pid: number | null } | null;
  /** Device and inode of the journal's stream, when stdout or stderr is connected to it. */
  readonly journalStream: { readonly device: string; readonly inode: string } | null;
}

/** Every variable openexec reads, and what for. */
export const VARIABLES = {
  OPENEXEC_CONFIG: "The configuration file, where --config does not name one.",
  OPENEXEC_SOCKET: "Path of the first agent socket, over the file's; --socket goes before it.",
  OPENEXEC_STATE_DIR: "The state directory, over the file's; --state goes before it.",
  OPENEXEC_MODE:
    "As in OpenExec 0.1.10: `demo`, or `clawshield` for enforced with [clawshield]; also " +
    "`enforced`.",
  OPENEXEC_ALLOWED_ACTIONS:
    "As in OpenExec 0.1.10: names separated by commas; nothing else may be asked for.",
  CLAWSHIELD_PUBLIC_KEY: "As in OpenExec 0.1.10: stands for clawshield.public_key.",
  CLAWSHIELD_TENANT_ID: "As in OpenExec 0.1.10: stands for clawshield.tenant.",
  HOME: "Where the default state directory and sockets are, without the next two.",
  XDG_RUNTIME_DIR: "Where the default sockets are. Ignored unless absolute.",
  XDG_STATE_HOME: "Where the default state directory is. Ignored unless absolute.",
  CREDENTIALS_DIRECTORY: "Where secrets are read from (systemd.exec(5)).",
  NOTIFY_SOCKET: "Where readiness, status and liveness are told (sd_notify(3)).",
  LISTEN_FDS: "Sockets passed by the service manager (sd_listen_fds(3)).",
  LISTEN_PID: "The process those sockets are for.",
  LISTEN_FDNAMES: "Their names.",
  WATCHDOG_USEC: "How often liveness has to be told (sd_watchdog_enabled(3)).",
  WATCHDOG_PID: "The process that has to tell it.",
  JOURNAL_STREAM: "Set where stderr goes to the journal: log lines then carry their priority.",
  NO_COLOR: "Any value: no colours on a terminal (no-color.org).",
} as const satisfies Record<string, string>;

type Name = keyof typeof VARIABLES;

/** The names for `--allow-env`. */
export const ENVIRONMENT_NAMES: readonly string[] = Object.keys(VARIABLES);

/** Reads the process's own variables. */
export function readEnvironment(): Environment {
  return environmentOf(
    Object.fromEntries(ENVIRONMENT_NAMES.map((name) => [name, Deno.env.get(name)])),
  );
}

/** Variables by which the runtime finds its cache. */
const RUNTIME_NAMES: readonly string[] = ["DENO_DIR", "XDG_CACHE_HOME"];

/**
 * Picks the variables a daemon keeps when it takes this process's place: those it reads, and
 * `granted` for its actions. It gets no variable that could load code into it, and no secret that
 * was meant for the shell it was started from. The runtime does not look for updates.
 */
export function daemonVariables(granted: readonly string[]): Record<string, string> {
  const kept = [...ENVIRONMENT_NAMES, ...RUNTIME_NAMES, ...granted].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), DENO_NO_UPDATE_CHECK: "1" };
}

/** Reads one variable by its name, for actions that are granted it. */
export function readVariable(name: string): string | undefined {
  return Deno.env.get(name);
}

export function environmentOf(
  variables: Readonly<Record<string, string | undefined>>,
): Environment {
  const get = (name: Name): string | null => variables[name] || null;
  return {
    config: get("OPENEXEC_CONFIG"),
    socket: get("OPENEXEC_SOCKET"),
    stateDir: get("OPENEXEC_STATE_DIR"),
    openexec: {
      mode: get("OPENEXEC_MODE"),
      allowedActions: get("OPENEXEC_ALLOWED_ACTIONS"),
      clawshieldPublicKey: get("CLAWSHIELD_PUBLIC_KEY"),
      clawshieldTenant: get("CLAWSHIELD_TENANT_ID"),
    },
    home: absolute(get("HOME")),
    xdgRuntimeDir: absolute(get("XDG_RUNTIME_DIR")),
    xdgStateHome: absolute(get("XDG_STATE_HOME")),
    systemd: {
      credentialsDirectory: absolute(get("CREDENTIALS_DIRECTORY")),
      notifySocket: get("NOTIFY_SOCKET"),
      listen: listenOf(whole(get("LISTEN_PID")), whole(get("LISTEN_FDS")), get("LISTEN_FDNAMES")),
      watchdog: watchdogOf(whole(get("WATCHDOG_USEC")), whole(get("WATCHDOG_PID"))),
      journalStream: journalStreamOf(get("JOURNAL_STREAM")),
    },
    noColor: get("NO_COLOR") !== null,
  };
}

function absolute(path: string | null): string | null {
  return path?.startsWith("/") ? path : null;
}

function whole(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function listenOf(
  pid: number | null,
  count: number | null,
  names: string | null,
): SystemdVariables["listen"] {
  return pid === null || count === null ? null : { pid, count, names: names?.split(":") ?? [] };
}

function watchdogOf(micros: number | null, pid: number | null): SystemdVariables["watchdog"] {
  return micros === null || micros === 0 ? null : { intervalMs: micros / 1000, pid };
}

function journalStreamOf(text: string | null): SystemdVariables["journalStream"] {
  const match = /^(\d+):(\d+)$/.exec(text ?? "");
  return match ? { device: match[1] ?? "", inode: match[2] ?? "" } : null;
}
