/**
 * Turns what the parts of the daemon tell as they work into log lines and metrics. No part knows of
 * either.
 */

import type { CheckpointFailure } from "../engine/checkpoints.ts";
import type { ProposalStatus } from "../core/proposal.ts";
import type { ProposalRecord } from "../ledger/proposals/types.ts";
import type { Answer, Attempt } from "../engine/types.ts";
import type { ExchangeEvent } from "../server/exchange.ts";
import type { DaemonMetrics } from "../telemetry/daemon_metrics.ts";
import { faultFields } from "../telemetry/redact.ts";
import { logger } from "../telemetry/log.ts";

export interface Observer {
  readonly attempt: (attempt: Attempt, answer: Answer) => void;
  readonly proposal: (record: ProposalRecord, status: ProposalStatus) => void;
  readonly notifyFailed: (error: unknown) => void;
  readonly exchange: (event: ExchangeEvent) => void;
  readonly crowd: (uid: number, count: number) => void;
  readonly pruned: (bodies: number) => void;
  readonly pruningPaused: () => void;
  /** Told at a start, of buckets in the vault. */
  readonly bodiesUnreadable: (buckets: number) => void;
  readonly recovered: (interrupted: { readonly unknown: number; readonly rerun: number }) => void;
  readonly checkpointFailed: (where: CheckpointFailure, error: unknown) => void;
  readonly unsettled: (execution: string, error: unknown) => void;
  readonly unstored: (execution: string, error: unknown) => void;
  readonly bug: (error: unknown) => void;
}

/** `metrics` is asked for at each event: the daemon makes it once its parts stand. */
export function observerOf(metrics: () => DaemonMetrics | null): Observer {
  const log = logger("daemon");
  const server = logger("server");
  return {
    attempt: (attempt, answer) => metrics()?.attempt(attemptEvent(attempt, answer)),
    proposal: ({ id, action, peer, endedBy, bodies }, status) => {
      const decider = endedBy !== null && "keyid" in endedBy ? endedBy : bodies[0]?.signers[0];
      metrics()?.proposal({ id, action, status, uid: peer.uid, kind: decider?.kind ?? null });
    },
    notifyFailed: (error) => log.warning("a notice could not be handed over", faultFields(error)),
    exchange: ({ peer, route, status, code, durationMs }) => {
      if (code === null) return; // the engine's answer has a line of its own
      server.info("request refused", {
        ...(peer === null ? {} : { uid: peer.uid, pid: peer.pid, socket: peer.socket }),
        ...(route === null ? {} : { route }),
        http_status: status,
        code,
        duration_ms: durationMs,
      });
    },
    crowd: (uid, count) => server.warning("connections turned away", { uid, count }),
    pruned: (bodies) => {
      if (bodies === 0) return;
      metrics()?.pruned(bodies);
      log.info("bodies pruned", { count: bodies });
    },
    pruningPaused: () =>
      log.warning("pruning is paused: wall clock and uptime went different ways"),
    bodiesUnreadable: (buckets) => {
      if (buckets === 0) return;
      log.error("keys of the vault are missing or were swapped", { count: buckets });
    },
    recovered: ({ unknown, rerun }) => {
      if (unknown > 0) {
        log.warning("outcomes of interrupted executions are unknown", { count: unknown });
      }
      if (rerun > 0) log.info("interrupted executions run again", { count: rerun });
    },
    checkpointFailed: (where, error) => {
      const fields = faultFields(error);
      if (where === "log") log.error("the log could not be read for a checkpoint", fields);
      else if (where === "anchor") log.error("the anchor could not be written", fields);
      else log.warning("a checkpoint could not be handed over", fields);
    },
    unsettled: (execution, error) => {
      log.error("an outcome could not be recorded", { execution, ...faultFields(error) });
    },
    unstored: (execution, error) => {
      metrics()?.unstored();
      log.error("a result or a reason could not be stored", { execution, ...faultFields(error) });
    },
    bug: (error) => log.error("internal error", faultFields(error)),
  };
}

function attemptEvent({ request, execution, context, stations }: Attempt, answer: Answer) {
  return {
    action: request?.action ?? null,
    code: answer.ok ? null : answer.code,
    replayed: answer.execution?.replayed === true,
    execution: execution?.id ?? null,
    trace: context.traceparent?.split("-")[1] ?? null,
    peer: context.peer,
    stations: stations.micros,
  };
}
