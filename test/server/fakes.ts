/** In-memory stand-ins for the backend, and a real server in front of them on a real socket. */

import { join } from "node:path";
import type { SocketConfig } from "../../src/config/config.ts";
import type { Limits } from "../../src/config/config.ts";
import { Refusal } from "../../src/core/errors.ts";
import { UNSAID } from "../../src/core/presentation.ts";
import type { Peer, Role } from "../../src/core/types.ts";
import { EXECUTE_MEMBERS } from "../../src/core/limits.ts";
import { type ParsedRequest, parseRequest, readRequest } from "../../src/engine/request.ts";
import { RequestReader } from "../../src/engine/request_reader.ts";
import type { Answer, Asker, RequestContext, Viewer } from "../../src/engine/types.ts";
import type { ExecutionView } from "../../src/engine/view.ts";
import type { Backend } from "../../src/server/call.ts";
import type { ExchangeEvent } from "../../src/server/exchange.ts";
import { Server } from "../../src/server/server.ts";
import type { InheritedSocket } from "../../src/os/sockets/socket_activation.ts";

type EngineLike = Backend["engine"];
type InspectorLike = Backend["inspector"];
type DeskLike = Backend["proposals"];
type OperatorLike = Backend["operator"];

export const EXECUTION_ID = "019aab00-0000-7000-8000-000000000001";

const ENVELOPE = { payloadType: "t", payload: "AA==", signatures: [{ keyid: "k", sig: "AA==" }] };

export function executionView(overrides: Partial<ExecutionView> = {}): ExecutionView {
  return {
    id: EXECUTION_ID,
    action: "echo",
    status: "succeeded",
    approved: true,
    result: { msg: "hi" },
    replayed: false,
    receipt: "00".repeat(32),
    attestation: ENVELOPE,
    salts: { request: "AA==", result: "AA==" },
    log_index: 0,
    ...overrides,
  };
}

/** Reads the body as the real engine does, and counts what it would have run. */
export class FakeEngine implements EngineLike {
  readonly executed: { request: ParsedRequest; context: RequestContext }[] = [];
  readonly contexts: RequestContext[] = [];
  /** Called when a run begins. */
  onRun: () => void = () => {};
  /** Awaited before each answer. */
  gate: Promise<void> = Promise.resolve();
  draining = false;
  /** The answer to every run. */
  answer: Answer = { ok: true, execution: executionView() };
  #running = new Set<Promise<void>>();

  async execute(body: Uint8Array, context: RequestContext): Promise<Answer> {
    this.contexts.push(context);
    try {
      const request = parseRequest(readRequest(body, EXECUTE_MEMBERS), context.idempotencyKey);
      if (this.draining) throw new Refusal("draining");
      this.executed.push({ request, context });
      this.onRun();
      const run = this.gate;
      this.#running.add(run);
      await run;
      this.#running.delete(run);
      return this.answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ok: false, code: error.code, detail: error.detail, execution: null };
    }
  }

  async drain(limitMs: number): Promise<void> {
    this.draining = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise((resolve) => timer = setTimeout(resolve, limitMs));
    await Promise.race([Promise.all(this.#running), limit]);
    clearTimeout(timer);
  }
}

/** Knows one execution, of uid `owner`, under nonce `n-1`, with receipt 0. */
export class FakeInspector implements InspectorLike {
  healthy = true;
  /** What is opened for each look at the execution, and when it is. */
  storedBytes = 0;
  opened: Promise<void> = Promise.resolve();
  /** What a look waits for before it opens anything, and how many have come to wait. */
  waited: Promise<void> | null = null;
  waiting = 0;
  looks = 0;
  constructor(readonly owner = 0) {}

  service() {
    return {
      service: "OpenExec",
      status: "running",
      version: "9.9.9",
      executor_id: "openexec:test",
      tenant: null,
    };
  }
  health() {
    const status = this.healthy ? "healthy" as const : "unhealthy" as const;
    return {
      status,
      exec_mode: "enforced",
      signature_verification: "enabled",
      restriction: "allow_list",
      allow_list: ["echo"],
      box: { kernel: "whole" as const, missing: [], unconfined: [] },
    };
  }
  ready() {
    return this.healthy;
  }
  actions(socket: SocketConfig) {
    const names = ["add", "echo"].filter((name) => socket.actions?.has(name) ?? true);
    return names.map((name) => ({
      name,
      ...UNSAID,
      idempotent: false,
      input_schema: { type: "object" },
      output_schema: { type: "object" },
      approvals: 1,
      require: "any" as const,
      grants: {},
      handler_digest: `sha256:${"0".repeat(64)}` as const,
    }));
  }
  async find(id: string, { uid, meter, again }: Viewer) {
    if (id !== EXECUTION_ID) throw new Refusal("execution_not_found");
    if (this.waited !== null) {
      this.waiting++;
      await this.waited;
      await again?.();
    }
    this.looks++;
    meter?.weigh(this.storedBytes);
    await this.opened;
    return this.#show(uid);
  }
  findByNonce(nonce: string, viewer: Viewer) {
    return this.find(nonce === "n-1" ? EXECUTION_ID : "", viewer);
  }
  list({ uid }: Viewer, limit: number, before: string | null) {
    const seen = (uid ?? this.owner) === this.owner && before === null;
    return Promise.resolve({
      executions: (seen ? [executionView()] : []).slice(0, limit),
      next: null,
    });
  }
  receipt(logIndex: number, { uid }: Viewer) {
    if (logIndex !== 0) throw new Refusal("execution_not_found");
    this.#show(uid);
    return {
      log_index: 0,
      attestation: ENVELOPE,
      tlog_proof: "c2sp.org/tlog-proof@v1\n",
    };
  }
  keys() {
    return { keys: [{ log_index: 0, attestation: ENVELOPE }] };
  }
  checkpoint() {
    return "openexec:test/log\n1\nAA==\n";
  }
  inclusionProof(logIndex: number, size: number | null) {
    return {
      log_index: logIndex,
      tree_size: size ?? 1,
      leaf_hash: "AA==",
      root_hash: "AA==",
      hashes: [],
    };
  }
  consistencyProof(from: number, to: number | null) {
    return { from, to: to ?? 1, from_root_hash: "AA==", root_hash: "AA==", hashes: [] };
  }
  isLegacyReceipt(body: Uint8Array, asker: Asker) {
    return new RequestReader().isLegacyReceipt(body, asker);
  }
  status() {
    const attempts = [{ action: "echo", code: "succeeded", count: 1 }];
    const stations = [{ station: "parse", count: 1, mean_ms: 0.15 }];
    return { executions: 1, attempts, stations, pruned_bodies: 0, unreachable: [] };
  }
  metrics() {
    return "# TYPE openexec_up gauge\nopenexec_up 1\n";
  }
  #show(uid: number | null) {
    if (uid !== null && uid !== this.owner) throw new Refusal("execution_not_found");
    return executionView();
  }
}

export const PROPOSAL_VIEW = {
  id: EXECUTION_ID,
  action: "echo",
  payload: {},
  nonce: "n-1",
  status: "withdrawn" as const,
  proposed_at: "2027-01-15T08:00:00.000Z",
  expires_at: "2027-01-15T09:00:00.000Z",
  now: "2027-01-15T08:00:00.000Z",
  peer: { uid: 0, pid: 1 },
  approvals: { needed: 1, require: "any" as const, given: [], max_ttl_seconds: 900 },
};

/** Knows one proposal, which is over. Its streams end at once. */
export class FakeDesk implements DeskLike {
  propose = () => Promise.resolve(PROPOSAL_VIEW);
  withdraw = () => Promise.resolve(PROPOSAL_VIEW);
  approve = () => Promise.resolve(PROPOSAL_VIEW);
  decline = () => Promise.resolve(PROPOSAL_VIEW);
  hold = () => Promise.resolve(PROPOSAL_VIEW);
  deliver = () => Promise.resolve(PROPOSAL_VIEW);
  views: DeskLike["views"] = {
    find: () => Promise.resolve(PROPOSAL_VIEW),
    findByNonce: () => Promise.resolve(PROPOSAL_VIEW),
    page: () => Promise.resolve({ proposals: [PROPOSAL_VIEW], next: null, now: PROPOSAL_VIEW.now }),
    follow: () => (_send, onClose) => {
      onClose();
      return () => {};
    },
  };
}

/** Writes down what it was asked to do, and by whom. */
export class FakeOperator implements OperatorLike {
  readonly acts: { act: string; peer: Peer; what: unknown }[] = [];
  #note(act: string, peer: Peer, what: unknown = null): Promise<void> {
    this.acts.push({ act, peer, what });
    return Promise.resolve();
  }
  halt = (peer: Peer) => this.#note("halt", peer);
  resume = (peer: Peer) => this.#note("resume", peer);
  revoke = (iss: string, jti: string, peer: Peer) => this.#note("revoke", peer, { iss, jti });
  resolve = (resolution: unknown, peer: Peer) =>
    this.#note("resolve", peer, resolution).then(() => executionView({ resolved: true }));
  prune = (peer: Peer) =>
    this.#note("prune", peer).then(() => ({ bodies: 3, buckets: 1, done: true }));
  backup = (directory: string, peer: Peer) =>
    this.#note("backup", peer, directory).then(() => ({ directory }));
}

export const LIMITS: Limits = {
  requestBytes: 4096,
  resultBytes: 4096,
  inFlight: 256,
  inFlightPerUid: 128,
  requestsPerSecond: 0,
  refusalReceiptsPerMinute: 60,
  refusalReceiptsPerDay: 1000,
  connections: 2048,
  connectionsPerUid: 256,
  heldBytes: 2 ** 26,
  heldBytesPerUid: 2 ** 24,
  headerMs: 2000,
  bodyMs: 2000,
  bodyIdleMs: 2000,
  drainMs: 5000,
};

export function socketConfig(path: string, overrides: Partial<SocketConfig> = {}): SocketConfig {
  return { path, mode: 0o600, group: null, role: "agent", actions: null, uids: null, ...overrides };
}

export interface TestServerOptions {
  readonly limits?: Partial<Limits>;
  readonly agent?: Partial<SocketConfig>;
  readonly admin?: Partial<SocketConfig>;
  readonly owner?: number;
  readonly inherited?: readonly InheritedSocket[];
}

/** A server with an agent and an admin socket in a folder of its own. */
export class TestServer {
  private constructor(
    readonly directory: string,
    readonly engine: FakeEngine,
    readonly operator: FakeOperator,
    readonly desk: FakeDesk,
    readonly inspector: FakeInspector,
    readonly events: readonly ExchangeEvent[],
    readonly bugs: readonly unknown[],
    readonly server: Server,
  ) {}

  get agent(): string {
    return join(this.directory, "agent.sock");
  }
  get approver(): string {
    return join(this.directory, "review.sock");
  }
  get admin(): string {
    return join(this.directory, "admin.sock");
  }

  /** The path of the socket with this role. */
  socketOf(role: Role): string {
    return this[role];
  }

  static start(options: TestServerOptions = {}): Promise<TestServer> {
    return TestServer.startIn(Deno.makeTempDirSync({ prefix: "openexec-server-" }), options);
  }

  static async startIn(directory: string, options: TestServerOptions = {}): Promise<TestServer> {
    const [engine, operator] = [new FakeEngine(), new FakeOperator()];
    const desk = new FakeDesk();
    const inspector = new FakeInspector(options.owner ?? Deno.uid() ?? 0);
    const events: ExchangeEvent[] = [];
    const bugs: unknown[] = [];
    const server = await Server.start({
      sockets: [
        socketConfig(join(directory, "agent.sock"), options.agent),
        socketConfig(join(directory, "review.sock"), { role: "approver" }),
        socketConfig(join(directory, "admin.sock"), { role: "admin", ...options.admin }),
      ],
      inherited: options.inherited ?? [],
      limits: { ...LIMITS, ...options.limits },
      engine,
      inspector,
      operator,
      proposals: desk,
      clock: { nowMs: () => 1_800_000_000_000 },
      observe: (event) => events.push(event),
      observeCrowd: () => {},
      onBug: (error) => bugs.push(error),
    });
    return new TestServer(directory, engine, operator, desk, inspector, events, bugs, server);
  }

  async close(): Promise<void> {
    await this.server.stop();
    Deno.removeSync(this.directory, { recursive: true });
  }
}
