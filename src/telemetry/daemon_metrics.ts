/** The daemon's metrics for GET /metrics, and a log line for each attempt. */

import { ERROR_CODES, type ErrorCode, ERRORS } from "../core/errors.ts";
import { isOver, PROPOSAL_STATUSES, type ProposalStatus } from "../core/proposal.ts";
import type { KeyKind, Peer } from "../core/types.ts";
import { logger } from "./log.ts";
import { MetricsRegistry, OTHER } from "./metrics.ts";

/** Numbers that other parts keep. */
export interface DaemonSources {
  readonly version: string;
  /** Names of the registered actions. */
  readonly actions: Iterable<string>;
  readonly inFlight: () => number;
  readonly proposals: () => { readonly waiting: number; readonly oldestMs: number | null };
  readonly nowMs: () => number;
  readonly executors: () => {
    readonly processes: number;
    readonly running: number;
    readonly restarts: number;
  };
  readonly ledger: () => {
    readonly executions: number;
    readonly unsettled: number;
    readonly logSize: number;
    readonly fileBytes: number;
    readonly oldestUnprunedMs: number | null;
  };
  readonly health: () => { readonly refusing: ErrorCode | null; readonly halted: boolean };
}

/** One request for an execution, answered. */
export interface AttemptEvent {
  /** The action asked for; null when the request could not be read that far. */
  readonly action: string | null;
  /** null when it succeeded. */
  readonly code: ErrorCode | null;
  readonly replayed: boolean;
  /** null when nothing was reserved. */
  readonly execution: string | null;
  readonly trace: string | null;
  readonly peer: Peer;
  /** Microseconds by station. */
  readonly stations: ReadonlyMap<string, number>;
}

/** A proposal that changed. */
export interface ProposalEvent {
  readonly id: string;
  readonly action: string;
  readonly status: ProposalStatus;
  readonly uid: number;
  /** The kind of key that decided; null where nobody did. */
  readonly kind: KeyKind | null;
}

/** Counts since the start, as `GET /admin/status` gives them. */
export type Measures = {
  readonly attempts: readonly {
    readonly action: string;
    readonly code: string;
    readonly count: number;
  }[];
  /** Mean time of an attempt at each station that one has passed. */
  readonly stations: readonly {
    readonly station: string;
    readonly count: number;
    readonly mean_ms: number;
  }[];
  readonly pruned_bodies: number;
};

export interface DaemonMetrics {
  attempt(event: AttemptEvent): void;
  proposal(event: ProposalEvent): void;
  pruned(bodies: number): void;
  /** Counts a result or a reason that could not be stored. */
  unstored(): void;
  measures(): Measures;
  /** Writes all of it as text for Prometheus. */
  render(): string;
}

const STATIONS = ["parse", "replay", "verify", "check", "reserve", "run", "settle"];
const SUCCEEDED = "succeeded";
const KEY_KINDS: readonly KeyKind[] = ["ed25519", "sshsig", "passkey"];
/** Stands for a kind of key where nobody decided. */
const NOBODY = "none";

/** Seconds: from a cheap refusal to a slow handler. */
const BOUNDS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

export function daemonMetrics(sources: DaemonSources): DaemonMetrics {
  const registry = new MetricsRegistry();
  const actions = [...sources.actions];
  const codes = [SUCCEEDED, ...ERROR_CODES];
  registry.info("openexec_build_info", "The running version.", { version: sources.version });
  const attempts = registry.counter(
    "openexec_attempts_total",
    "Answered requests for an execution, replays included.",
    { action: actions, code: codes },
  );
  const seconds = registry.histogram(
    "openexec_station_seconds",
    "Time that one attempt spends at a station.",
    BOUNDS,
    { station: STATIONS },
  );
  const pruned = registry.counter(
    "openexec_pruned_bodies_total",
    "Payloads and results destroyed.",
    {},
  );
  pruned.add(0, {});
  const unstored = registry.counter(
    "openexec_unstored_bodies_total",
    "Results and reasons of recorded outcomes that could not be stored.",
    {},
  );
  unstored.add(0, {});
  const ended = registry.counter(
    "openexec_proposals_ended_total",
    "Proposals that ended, by the kind of key that decided.",
    { end: PROPOSAL_STATUSES.filter(isOver), kind: [...KEY_KINDS, NOBODY] },
  );
  let snapshot = takeSnapshot(sources);
  for (const [name, type, help, read] of OBSERVED) {
    registry.observed(`openexec_${name}`, type, help, () => read(snapshot));
  }
  const log = logger("engine");
  return {
    attempt(event) {
      attempts.add(1, { action: event.action ?? "", code: event.code ?? SUCCEEDED });
      for (const [station, micros] of event.stations) seconds.observe(micros / 1e6, { station });
      const isTrouble = event.code !== null && event.code !== "execution_in_flight" &&
        ERRORS[event.code].effect === "unknown";
      (isTrouble ? log.warning : log.info)("attempt answered", attemptFields(event));
    },
    proposal({ id, action, status, uid, kind }) {
      if (isOver(status)) ended.add(1, { end: status, kind: kind ?? NOBODY });
      log.info("proposal changed", { proposal: id, action, status, uid });
    },
    pruned: (bodies) => pruned.add(bodies, {}),
    unstored: () => unstored.add(1, {}),
    measures: () => ({
      attempts: [...new Set([...actions, OTHER])].flatMap((action) =>
        codes.map((code) => ({ action, code, count: attempts.count({ action, code }) }))
      ).filter(({ count }) => count > 0),
      stations: STATIONS.map((station) => ({ station, ...seconds.total({ station }) }))
        .filter(({ count }) => count > 0)
        .map(({ station, count, sum }) => ({ station, count, mean_ms: milliseconds(sum / count) })),
      pruned_bodies: pruned.count({}),
    }),
    render() {
      snapshot = takeSnapshot(sources);
      return registry.render();
    },
  };
}

/** Rounds to whole microseconds. */
function milliseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1000;
}

/** Asks each source once, so that the numbers of one rendering belong together. */
function takeSnapshot(
  { inFlight, executors, ledger, health, proposals, nowMs }: DaemonSources,
) {
  return {
    inFlight: inFlight(),
    executors: executors(),
    ledger: ledger(),
    health: health(),
    proposals: proposals(),
    nowMs: nowMs(),
  };
}

type Snapshot = ReturnType<typeof takeSnapshot>;
type Observed = readonly [
  name: string,
  type: "counter" | "gauge",
  help: string,
  read: (s: Snapshot) => number | null,
];

const OBSERVED: readonly Observed[] = [
  ["in_flight", "gauge", "Requests being worked on.", (s) => s.inFlight],
  ["proposals_waiting", "gauge", "Proposals that wait.", (s) => s.proposals.waiting],
  [
    "proposals_oldest_seconds",
    "gauge",
    "How long the oldest waiting proposal has waited.",
    ({ proposals: { oldestMs }, nowMs }) => oldestMs === null ? null : (nowMs - oldestMs) / 1000,
  ],
  ["executor_processes", "gauge", "Executor processes alive.", (s) => s.executors.processes],
  ["executors_running", "gauge", "Executions running.", (s) => s.executors.running],
  [
    "executor_restarts_total",
    "counter",
    "Executor processes replaced after they died.",
    (s) => s.executors.restarts,
  ],
  ["executions", "gauge", "Executions in the ledger.", (s) => s.ledger.executions],
  ["executions_unsettled", "gauge", "Executions without an outcome.", (s) => s.ledger.unsettled],
  ["log_size", "gauge", "Receipts in the log.", (s) => s.ledger.logSize],
  ["ledger_bytes", "gauge", "Size of the ledger's file.", (s) => s.ledger.fileBytes],
  [
    "oldest_unpruned_timestamp_seconds",
    "gauge",
    "When the body that expires first, of those still kept, expires or did.",
    ({ ledger: { oldestUnprunedMs } }) =>
      oldestUnprunedMs === null ? null : oldestUnprunedMs / 1000,
  ],
  [
    "halted",
    "gauge",
    "1 while an operator has stopped new executions.",
    (s) => s.health.halted ? 1 : 0,
  ],
  [
    "ledger_writable",
    "gauge",
    "1 while executions can be recorded.",
    (s) => s.health.refusing === null ? 1 : 0,
  ],
];

function attemptFields({ action, code, replayed, execution, trace, peer, stations }: AttemptEvent) {
  return {
    ...(execution === null ? {} : { execution }),
    ...(trace === null ? {} : { trace }),
    ...(action === null ? {} : { action }),
    ...(code === null ? { status: SUCCEEDED } : { code }),
    ...(replayed ? { replayed } : {}),
    uid: peer.uid,
    pid: peer.pid,
    socket: peer.socket,
    stations: Object.fromEntries(stations),
  };
}
