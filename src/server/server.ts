/**
 * The server as a whole: every configured socket, one set of limits, one way to stop.
 *
 * Invariants:
 * - From start() on, every socket answers. From the end of stop() on, none does, and no name of
 *   ours is left.
 * - A caller who was promised an answer gets it, or a closed connection at the limit.
 * - The sockets are bound or taken over: all of them, or none. No listener of this program is
 *   anything but a Unix stream socket.
 */

import type { Limits, SocketConfig } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { StartupError } from "../core/startup_error.ts";
import type { JsonObject } from "../core/types.ts";
import { sleep } from "../core/wait.ts";
import { descriptorLimit } from "../os/descriptors.ts";
import { groupId } from "../os/files.ts";
import { requireNoFault, socketFolderFault, thisUser } from "../os/protected_path.ts";
import { assignInherited, type InheritedSocket } from "../os/sockets/socket_activation.ts";
import { bindUnixListener, removeUnixListener } from "../os/sockets/unix_socket.ts";
import {
  Admission,
  connectionsMax,
  OPERATOR_SEATS,
  Seats,
  TokenBuckets,
  TurnedAway,
} from "./admission/admission.ts";
import { Turns } from "./admission/turns.ts";
import type { Backend } from "./call.ts";
import type { ExchangeEvent } from "./exchange.ts";
import { HttpListener } from "./http_listener.ts";
import { openapiDocument } from "./openapi.ts";

export interface ServerOptions extends Omit<Backend, "document"> {
  readonly sockets: readonly SocketConfig[];
  readonly inherited: readonly InheritedSocket[];
  readonly limits: Limits;
  readonly clock: Clock;
  readonly observe: (event: ExchangeEvent) => void;
  /** Called now and then with how many connections of a uid were turned away. */
  readonly observeCrowd: (uid: number, count: number) => void;
  readonly onBug: (error: unknown) => void;
}

/** How often a stopping server looks whether everybody has been answered. */
const DRAIN_STEP_MS = 20;

export class Server {
  #isClosing = false;
  #stopped: Promise<void> | undefined;

  private constructor(
    private readonly options: ServerOptions,
    private readonly listeners: readonly HttpListener[],
    private readonly turnedAway: TurnedAway,
    private readonly removeNames: () => void,
  ) {}

  /** Throws a StartupError when one of the sockets cannot be had; then none is left behind. */
  static async start(options: ServerOptions): Promise<Server> {
    const { engine, inspector, operator, proposals, limits, clock, observe, onBug } = options;
    const shared = {
      seats: new Seats(
        Math.min(limits.connections, connectionsMax(descriptorLimit())),
        OPERATOR_SEATS,
      ),
      requests: new TokenBuckets(limits.requestsPerSecond, () => performance.now()),
      turns: new Turns(limits),
      agents: new Map(),
    };
    const turnedAway = new TurnedAway(options.observeCrowd);
    const sockets = openSockets(options.sockets, options.inherited);
    let made: JsonObject | undefined;
    const document = () => made ??= openapiDocument(inspector.service().version);
    const backend = { engine, inspector, operator, proposals, document };
    const listeners: HttpListener[] = [];
    const server = new Server(options, listeners, turnedAway, () => {
      for (const { remove } of sockets) remove();
    });
    const isClosing = () => server.#isClosing;
    const common = { backend, limits, clock, isClosing, observe, turnedAway, onBug };
    try {
      for (const { config, descriptor } of sockets) {
        const admission = new Admission(config, limits, shared);
        const context = { ...common, admission };
        const listener = new HttpListener(context);
        listener.listen(descriptor);
        listeners.push(listener);
      }
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /**
   * Lets runs end, for at most limits.drainMs, while new work is answered `draining`; then
   * closes everything. An answer on its way at the limit is cut off: its execution is in the
   * ledger, and a replay tells.
   */
  async drain(): Promise<void> {
    const { drainMs } = this.options.limits;
    const deadline = performance.now() + drainMs;
    this.#isClosing = true;
    for (const listener of this.listeners) listener.closeIdle();
    await this.options.engine.drain(drainMs);
    while (performance.now() < deadline && this.listeners.some(({ busy }) => busy > 0)) {
      await sleep(DRAIN_STEP_MS);
    }
    await this.stop();
  }

  /** Ask it every few seconds. false when a socket accepts no more, and only a restart helps. */
  async isAccepting(): Promise<boolean> {
    return !(await Promise.all(this.listeners.map((listener) => listener.isStuck()))).includes(
      true,
    );
  }

  /** Closes everything at once: socket names are gone on return. A second call waits with it. */
  stop(): Promise<void> {
    this.#isClosing = true;
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    this.removeNames();
    this.turnedAway.flush();
    await Promise.all(this.listeners.map((listener) => listener.close()));
  }
}

interface OpenSocket {
  readonly config: SocketConfig;
  readonly descriptor: number;
  /** Takes the name away, unless the service manager owns it. */
  readonly remove: () => void;
}

/** Uses a socket that was handed over as it is, and binds the others. Throws a StartupError. */
function openSockets(
  configs: readonly SocketConfig[],
  inherited: readonly InheritedSocket[],
): readonly OpenSocket[] {
  const descriptors = assignInherited(inherited, configs.map(({ path }) => path));
  const opened: OpenSocket[] = [];
  try {
    for (const config of configs) {
      const descriptor = descriptors.get(config.path);
      opened.push(
        descriptor === undefined ? bind(config) : { config, descriptor, remove: () => {} },
      );
    }
    return opened;
  } catch (error) {
    for (const socket of opened) socket.remove();
    throw error;
  }
}

function bind(config: SocketConfig): OpenSocket {
  requireNoFault(socketFolderFault(config.path, thisUser()));
  const listener = bindUnixListener(config.path, config.mode, groupOf(config));
  return { config, descriptor: listener.descriptor, remove: () => removeUnixListener(listener) };
}

function groupOf({ group, path }: SocketConfig): number | null {
  if (group === null) return null;
  const id = groupId(group);
  if (id === undefined) {
    throw new StartupError(
      `The group ${group} of ${path} does not exist`,
      "Make it, or leave `group` out",
    );
  }
  return id;
}
