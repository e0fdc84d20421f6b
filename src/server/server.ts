/**
 * The server as a whole: every configured socket, one set of limits, one way to stop.
 *
 * Invariants:
 * - From start() on, every socket answers; from the end of stop() on, none does and no name of ours is left.
 * - Who was promised an answer gets it, or a closed connection at the limit, never silence.
 */

import { sleep } from "../core/wait.ts";
import type { Clock } from "../core/clock.ts";
import type { JsonObject } from "../core/types.ts";
import type { Limits, SocketConfig } from "../config/config.ts";
import type { Engine } from "../engine/engine.ts";
import type { Inspector } from "../engine/inspector.ts";
import type { Operator } from "../engine/operator.ts";
import { descriptorLimit } from "../os/descriptors.ts";
import type { InheritedSocket } from "../os/socket_activation.ts";
import { ADMIN_SEATS, Admission, connectionsMax, Seats } from "./admission.ts";
import type { Handlers } from "./call.ts";
import type { ExchangeEvent } from "./exchange.ts";
import { HttpListener } from "./http_listener.ts";
import { openSockets } from "./listen.ts";
import { openapiDocument } from "./openapi.ts";
import { TokenBuckets } from "./token_bucket.ts";

export interface ServerParts {
  readonly sockets: readonly SocketConfig[];
  readonly inherited: readonly InheritedSocket[];
  readonly limits: Limits;
  readonly engine: Engine;
  readonly inspector: Inspector;
  readonly operator: Operator;
  readonly clock: Clock;
  readonly observe: (event: ExchangeEvent) => void;
  readonly onBug: (error: unknown) => void;
}

/** How often a stopping server looks whether everybody has been answered. */
const DRAIN_STEP_MS = 20;

export class Server {
  #closing = false;
  #stopped: Promise<void> | undefined;

  private constructor(
    private readonly parts: ServerParts,
    private readonly listeners: readonly HttpListener[],
    private readonly removeNames: () => void,
  ) {}

  /** Throws a StartupError when one of the sockets cannot be had; then none is left behind. */
  static async start(parts: ServerParts): Promise<Server> {
    const shared = {
      seats: new Seats(connectionsMax(parts.sockets.length, descriptorLimit()), ADMIN_SEATS),
      requests: new TokenBuckets(parts.limits.requestsPerSecond, () => performance.now()),
    };
    const sockets = openSockets(parts.sockets, parts.inherited);
    let document: JsonObject | undefined;
    const handlers: Handlers = {
      engine: parts.engine,
      inspector: parts.inspector,
      operator: parts.operator,
      document: () => document ??= openapiDocument(parts.inspector.service().version),
    };
    const listeners: HttpListener[] = [];
    const server = new Server(parts, listeners, () => sockets.forEach(({ remove }) => remove()));
    try {
      for (const { config, descriptor } of sockets) {
        const listener = new HttpListener({
          socket: config,
          admission: new Admission(config, parts.limits, shared),
          limits: parts.limits,
          clock: parts.clock,
          handlers,
          isClosing: () => server.#closing,
          observe: parts.observe,
          onBug: parts.onBug,
        });
        await listener.listen(descriptor);
        listeners.push(listener);
      }
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /**
   * Lets what runs end, for at most limits.drainMs, while new work is answered `draining`; then closes everything. Answers that
   * are on their way at the limit are cut off: their executions are in the ledger, and a replay tells.
   */
  async drain(): Promise<void> {
    const deadline = performance.now() + this.parts.limits.drainMs;
    this.#closing = true;
    for (const listener of this.listeners) listener.closeIdle();
    await this.parts.engine.drain(this.parts.limits.drainMs);
    while (performance.now() < deadline && this.listeners.some(({ busy }) => busy > 0)) {
      await sleep(DRAIN_STEP_MS);
    }
    await this.stop();
  }

  /** To be asked every few seconds: false when a socket accepts no connections any more, for which only a restart helps. */
  isAccepting(): boolean {
    return !this.listeners.map((listener) => listener.isStuck()).includes(true);
  }

  /** Closes everything at once: socket names are gone on return. Calling it again waits for the same end. */
  stop(): Promise<void> {
    this.#closing = true;
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    this.removeNames();
    await Promise.all(this.listeners.map((listener) => listener.close()));
  }
}
