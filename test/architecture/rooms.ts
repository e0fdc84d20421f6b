/**
 * The rooms of src/: what each owns, and which others it may import.
 *
 * imports.test.ts holds the sources to this table, and src/README.md shows it.
 */

export interface Room {
  readonly owns: string;
  /** Rooms that it may import. */
  readonly imports: readonly string[];
  /** Rooms that it may import types from, besides. */
  readonly types?: readonly string[];
}

/** By folder; "" is src/main.ts. */
export const ROOMS: Readonly<Record<string, Room>> = {
  "": { owns: "the entry: it hands the arguments to `cli`", imports: ["cli"] },
  core: {
    owns: "bytes, JSON, hashes, signatures, approval claims, the error table, the clock",
    imports: [],
  },
  config: { owns: "the TOML file and the environment, resolved and checked", imports: ["core"] },
  approval: {
    owns: "the way from an unverified approval to a verified one",
    imports: ["core"],
    types: ["config"],
  },
  actions: {
    owns: "the definition of a handler, pins, built-ins",
    imports: ["core", "config", "os"],
    types: ["executor"],
  },
  ledger: {
    owns: "claims, outcomes, sealed bodies; LMDB",
    imports: ["core", "log", "os"],
    types: ["config"],
  },
  log: { owns: "receipts, Merkle tree, checkpoints, proofs, verification", imports: ["core"] },
  audit: {
    owns: "the check of a whole ledger or export, and the export",
    imports: ["core", "log", "ledger", "os"],
  },
  box: {
    owns: "the limits that the kernel sets to executors",
    imports: ["core", "os"],
    types: ["config"],
  },
  executor: {
    owns: "the processes that run handlers",
    imports: ["core", "actions", "box", "os", "telemetry"],
    types: ["config"],
  },
  "executor/child": {
    owns: "the code inside these processes",
    imports: ["core", "actions", "box", "os"],
    types: ["executor"],
  },
  engine: {
    owns: "the story of one request, recovery, operators' acts",
    imports: ["core", "config", "approval", "ledger", "log", "telemetry", "os"],
    types: ["executor", "actions"],
  },
  server: {
    owns: "HTTP over Unix sockets",
    imports: ["core", "config", "log", "os", "telemetry"],
    types: ["engine", "ledger", "executor"],
  },
  page: {
    owns: "the review page, which runs in an approver's browser",
    imports: ["core", "log", "client"],
  },
  daemon: {
    owns: "one daemon from its start to its end; `daemon.ts` puts the parts together",
    imports: [
      "core",
      "config",
      "os",
      "telemetry",
      "log",
      "approval",
      "ledger",
      "executor",
      "engine",
      "server",
      "client",
    ],
  },
  os: { owns: "every call that needs FFI, and what comes from systemd", imports: ["core"] },
  telemetry: { owns: "log lines and metrics", imports: ["core"] },
  mcp: {
    owns: "the server for agents that speak the Model Context Protocol",
    imports: ["core", "client"],
  },
  client: { owns: "the SDK", imports: ["core", "log"], types: ["actions"] },
  cli: {
    owns: "the commands",
    imports: [
      "core",
      "config",
      "os",
      "telemetry",
      "log",
      "approval",
      "actions",
      "ledger",
      "audit",
      "box",
      "executor",
      "engine",
      "server",
      "daemon",
      "client",
      "mcp",
    ],
  },
};

/** `executor/child/main.ts` -> `executor/child`, `core/json/json.ts` -> `core`, `main.ts` -> "". */
export function roomOf(path: string): string {
  if (path.startsWith("executor/child/")) return "executor/child";
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}
