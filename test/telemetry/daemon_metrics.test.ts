import { expect, test } from "vitest";
import { utf8Decode } from "../../src/core/bytes.ts";
import {
  type AttemptEvent,
  daemonMetrics,
  type DaemonSources,
} from "../../src/telemetry/daemon_metrics.ts";
import { configureLogging } from "../../src/telemetry/log.ts";
import { readExposition } from "./exposition.ts";

function sources(changed: Partial<DaemonSources> = {}): DaemonSources {
  return {
    version: "0.2.0",
    actions: ["echo"],
    inFlight: () => 3,
    executors: () => ({ processes: 2, running: 1, restarts: 4 }),
    ledger: () => ({
      executions: 10,
      unsettled: 1,
      logSize: 12,
      fileBytes: 4096,
      oldestUnprunedMs: 1_500,
    }),
    health: () => ({ refusing: null, halted: false }),
    proposals: () => ({ waiting: 2, oldestMs: 1_000 }),
    nowMs: () => 61_000,
    ...changed,
  };
}

const EVENT: AttemptEvent = {
  action: "echo",
  code: null,
  replayed: false,
  execution: "0190a8b4-7c11-7abc-8def-0123456789ab",
  trace: "0af7651916cd43dd8448eb211c80319c",
  peer: { uid: 1000, gid: 1000, pid: 42, socket: "agent.sock" },
  stations: new Map([["parse", 150], ["run", 2_000_000]]),
};

/** The value of the only sample of `name`. */
function valueOf(text: string, name: string): number | undefined {
  return readExposition(text).get(name)?.samples[0]?.value;
}

test("attempts are counted by action and code; unknown actions are one", () => {
  const metrics = daemonMetrics(sources());
  metrics.attempt(EVENT);
  metrics.attempt(EVENT);
  metrics.attempt({ ...EVENT, code: "approval_expired" });
  metrics.attempt({ ...EVENT, action: "sudo", code: "action_unknown" });
  metrics.attempt({ ...EVENT, action: null, code: "request_malformed" });
  const samples = readExposition(metrics.render()).get("openexec_attempts_total")?.samples ?? [];
  expect(samples.map(({ labels, value }) => [labels["action"], labels["code"], value])).toEqual([
    ["echo", "succeeded", 2],
    ["echo", "approval_expired", 1],
    ["other", "action_unknown", 1],
    ["other", "request_malformed", 1],
  ]);
});

test("durations are by station, in seconds", () => {
  const metrics = daemonMetrics(sources());
  metrics.attempt(EVENT);
  const samples = readExposition(metrics.render()).get("openexec_station_seconds")?.samples ?? [];
  const sums = samples.filter(({ name }) => name.endsWith("_sum"));
  expect(sums.map(({ labels, value }) => [labels["station"], value])).toEqual([["parse", 0.00015], [
    "run",
    2,
  ]]);
});

test("measures() gives the same counts as numbers, and nothing of what never happened", () => {
  const metrics = daemonMetrics(sources());
  metrics.attempt(EVENT);
  metrics.attempt({ ...EVENT, stations: new Map([["parse", 250]]) });
  metrics.attempt({ ...EVENT, action: "sudo", code: "action_unknown", stations: new Map() });
  metrics.pruned(5);
  expect(metrics.measures()).toEqual({
    attempts: [
      { action: "echo", code: "succeeded", count: 2 },
      { action: "other", code: "action_unknown", count: 1 },
    ],
    stations: [
      { station: "parse", count: 2, mean_ms: 0.2 },
      { station: "run", count: 1, mean_ms: 2000 },
    ],
    pruned_bodies: 5,
  });
});

test("proposals are counted by their end and by the kind of key that decided", () => {
  const metrics = daemonMetrics(sources());
  const event = { id: EVENT.execution ?? "", action: "echo", uid: 1000 };
  metrics.proposal({ ...event, status: "pending", kind: null });
  metrics.proposal({ ...event, status: "declined", kind: "sshsig" });
  metrics.proposal({ ...event, status: "expired", kind: null });
  const text = metrics.render();
  expect(valueOf(text, "openexec_proposals_waiting")).toBe(2);
  expect(valueOf(text, "openexec_proposals_oldest_seconds")).toBe(60);
  const samples = text.split("\n").filter((line) => /^openexec_proposals_ended.* 1$/.test(line));
  expect(samples.sort()).toEqual([
    'openexec_proposals_ended_total{end="declined",kind="sshsig"} 1',
    'openexec_proposals_ended_total{end="expired",kind="none"} 1',
  ]);
});

test("what others keep is read when it is asked for", () => {
  let inFlight = 1;
  let asked = 0;
  const metrics = daemonMetrics(sources({
    inFlight: () => inFlight,
    ledger: () => {
      asked++;
      return { executions: 10, unsettled: 1, logSize: 12, fileBytes: 4096, oldestUnprunedMs: null };
    },
    health: () => ({ refusing: "storage_full", halted: true }),
  }));
  metrics.render();
  inFlight = 9;
  asked = 0;
  metrics.pruned(5);
  metrics.unstored();
  const text = metrics.render();
  expect(asked).toBe(1);
  expect(Object.fromEntries(
    [
      "in_flight",
      "log_size",
      "ledger_bytes",
      "executor_restarts_total",
      "pruned_bodies_total",
      "unstored_bodies_total",
      "halted",
      "ledger_writable",
      "oldest_unpruned_timestamp_seconds",
    ].map((name) => [name, valueOf(text, `openexec_${name}`)]),
  )).toEqual({
    in_flight: 9,
    log_size: 12,
    ledger_bytes: 4096,
    executor_restarts_total: 4,
    pruned_bodies_total: 5,
    unstored_bodies_total: 1,
    halted: 1,
    ledger_writable: 0,
    oldest_unpruned_timestamp_seconds: undefined,
  });
});

test("the oldest body is told in seconds, and the version as a label", () => {
  const families = readExposition(daemonMetrics(sources()).render());
  expect(families.get("openexec_oldest_unpruned_timestamp_seconds")?.samples[0]?.value).toBe(1.5);
  expect(families.get("openexec_build_info")?.samples[0]?.labels).toEqual({ version: "0.2.0" });
});

test("every attempt is one log line; uncertain ones are warnings", async () => {
  let text = "";
  const stream = {
    write: (bytes: Uint8Array) => {
      text += utf8Decode(bytes);
      return Promise.resolve(bytes.length);
    },
  };
  const flush = configureLogging({ format: "json", color: false, stream });
  const metrics = daemonMetrics(sources());
  metrics.attempt(EVENT);
  metrics.attempt({ ...EVENT, code: "outcome_unknown", replayed: true });
  metrics.attempt({
    ...EVENT,
    action: null,
    code: "request_malformed",
    execution: null,
    trace: null,
  });
  await flush(60_000);
  const lines = text.trimEnd().split("\n").map((line) => {
    const { time: _time, ...rest } = JSON.parse(line);
    return rest;
  });
  const common = {
    part: "engine",
    message: "attempt answered",
    uid: 1000,
    pid: 42,
    socket: "agent.sock",
  };
  const ids = { execution: EVENT.execution, trace: EVENT.trace, action: "echo" };
  const stations = { parse: 150, run: 2_000_000 };
  expect(lines).toEqual([
    { ...common, ...ids, stations, level: "info", status: "succeeded" },
    { ...common, ...ids, stations, level: "warning", code: "outcome_unknown", replayed: true },
    { ...common, stations, level: "info", code: "request_malformed" },
  ]);
});
