/**
 * A real daemon that peers of many uids flood, while an honest peer of another uid has approved
 * requests executed and an operator looks and halts. Needs root, as other users' processes do.
 */

import { join } from "node:path";
import { Approver } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { sleep } from "../../src/core/wait.ts";
import { asUser, OTHER_GID, OTHER_GROUP } from "../support/other_users.ts";

/** What peers of other uids do at once. */
export interface Row {
  readonly title: string;
  readonly peers: readonly { readonly kind: string; readonly connections: number }[];
}

const peer = (kind: string, connections: number) => ({ kind, connections });
const many = (count: number, kind: string, connections: number) =>
  Array.from({ length: count }, () => peer(kind, connections));

/** Each is what one or more uids without an approval did, and made the daemon unreachable or end. */
export const ROWS: readonly Row[] = [
  { title: "nothing", peers: [] },
  // What the processors alone take: compare the other rows with these.
  { title: "busy processors, 1 uid", peers: [peer("busy processor", 1)] },
  { title: "busy processors, 6 uids", peers: many(6, "busy processor", 1) },
  { title: "2 MiB bodies, 8 connections", peers: [peer("large bodies", 8)] },
  { title: "2 MiB bodies, 100 connections", peers: [peer("large bodies", 100)] },
  {
    title: "pipelined 1 MB answers, 250 connections",
    peers: [peer("pipelined large answers", 250)],
  },
  { title: "unread 1 MB answers, 510 connections", peers: [peer("unread large answers", 510)] },
  { title: "reconnects past the limit, 1 uid", peers: [peer("reconnects", 512)] },
  { title: "reconnects past the limit, 5 uids", peers: many(5, "reconnects", 512) },
  { title: "unfinished bodies, 6 uids", peers: many(6, "unfinished bodies", 400) },
  { title: "refused small requests", peers: [peer("small requests", 32)] },
  { title: "who waited for a 2 MiB proposal, 250 connections", peers: [peer("woken", 250)] },
  {
    title: "all of it, 6 uids",
    peers: [
      peer("large bodies", 100),
      peer("pipelined large answers", 510),
      peer("unread large answers", 100),
      peer("reconnects", 512),
      peer("unfinished bodies", 400),
      peer("small requests", 32),
    ],
  },
];

/** What was seen while a row went on. */
export interface Seen {
  readonly title: string;
  /** The operator's answers, in milliseconds, in order of size. */
  readonly operatorMs: readonly number[];
  /** Requests of the operator that were not answered as they should be. */
  readonly operatorFailures: readonly string[];
  /** Approved requests of the honest peer that were executed. */
  readonly honestAnswers: number;
  readonly honestRefused: number;
  readonly floodAnswers: number;
  /** The daemon's largest resident memory. */
  readonly memoryMib: number;
  readonly isAlive: boolean;
}

/** Default limits keep a daemon below it, whatever comes (docs/deployment.md). */
export const STATED_MEMORY_MIB = 1024;

const HONEST_UID = 61_000;
const HONEST_CONNECTIONS = 4;
const FIRST_FLOOD_UID = 61_001;
/** More than can be executed. */
const HONEST_PER_SECOND_MAX = 1200;
/** An echo of it is just under limits.result_bytes, and the dearest to read. */
const LARGE_ITEMS = 500_000;

export class FloodedDaemon implements AsyncDisposable {
  private constructor(private readonly daemon: Daemon, private readonly approver: Approver) {}

  static async start(): Promise<FloodedDaemon> {
    const approver = new Approver("alice");
    const daemon = await Daemon.start({
      config: (directory) => {
        Deno.chmodSync(directory, 0o755);
        return `executor_id = "openexec:test"\n${approver.toml()}
[[sockets]]
path = "${join(directory, "agent.sock")}"
mode = "0660"
group = "${OTHER_GROUP}"
[[sockets]]
path = "${join(directory, "admin.sock")}"
role = "admin"
[actions.echo]
module = "builtin:echo"
concurrency = 8
`;
      },
    });
    return new FloodedDaemon(daemon, approver);
  }

  /** Lets a row go on for so long. */
  async flood({ title, peers }: Row, seconds: number): Promise<Seen> {
    const honest = this.#peer(
      HONEST_UID,
      "honest",
      HONEST_CONNECTIONS,
      seconds,
      this.#requests(seconds),
    );
    const flood = peers.map(({ kind, connections }, i) =>
      this.#peer(FIRST_FLOOD_UID + i, kind, connections, seconds, [this.#largeRequest()])
    );
    const ended = Promise.all([honest, ...flood]);
    const operator = await this.#operate(ended, seconds);
    for (const path of ["/admin/halt", "/admin/resume"]) {
      await ask(this.#socket("admin"), "POST", path, operator.operatorFailures);
    }
    const [own, ...others] = await ended;
    return {
      title,
      ...operator,
      honestAnswers: own?.ok ?? 0,
      honestRefused: (own?.refused ?? 0) + (own?.broken ?? 0),
      floodAnswers: others.reduce((sum, { ok, refused }) => sum + ok + refused, 0),
      memoryMib: this.#memoryMib(),
      isAlive: (await call(this.#socket("admin"), "GET", "/ready")).status === 200,
    };
  }

  /** Sends SIGTERM and returns the exit code. */
  async stop(): Promise<number> {
    return (await this.daemon.stop()).code;
  }

  get output(): readonly string[] {
    return this.daemon.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.close();
  }

  #socket(name: string): string {
    return join(this.daemon.directory, `${name}.sock`);
  }

  /** Asks what an operator asks, one after another, until the peers have ended. */
  async #operate(ended: Promise<unknown>, seconds: number) {
    const admin = this.#socket("admin");
    const [times, failures]: [number[], string[]] = [[], []];
    let isOver = false;
    void ended.then(() => isOver = true);
    const asks = ["GET /ready", "GET /admin/status", "GET /metrics", "POST /admin/revoke"];
    for (let i = 0; !isOver; i++) {
      const [method = "", path = ""] = (asks[i % asks.length] ?? "").split(" ");
      const began = performance.now();
      await ask(admin, method, path, failures);
      times.push(performance.now() - began);
      await sleep(1000 * seconds / ASKS);
    }
    return { operatorMs: times.toSorted((a, b) => a - b), operatorFailures: failures };
  }

  async #peer(
    uid: number,
    kind: string,
    connections: number,
    seconds: number,
    requests: readonly string[],
  ): Promise<{ ok: number; refused: number; broken: number }> {
    // A service has its share of the processors whatever users' processes do: systemd's slices.
    const share = kind === "honest" ? [] : ["nice", "-n", "10"];
    const [program = "", ...who] = [...share, ...asUser(uid, OTHER_GID)];
    const child = new Deno.Command(program, {
      args: [...who, "/usr/bin/python3", "-I", "-c", PEER, kind, this.#socket("agent")]
        .concat(String(seconds), String(connections)),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const stdin = child.stdin.getWriter();
    await stdin.write(new TextEncoder().encode(requests.join("\n")));
    await stdin.close();
    return JSON.parse(new TextDecoder().decode((await child.output()).stdout));
  }

  /** The largest resident memory since the last call. */
  #memoryMib(): number {
    const status = Deno.readTextFileSync(`/proc/${this.daemon.pid}/status`);
    const kib = Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]);
    Deno.writeTextFileSync(`/proc/${this.daemon.pid}/clear_refs`, "5");
    return Math.round(kib / 1024);
  }

  #requests(seconds: number): string[] {
    return Array.from(
      { length: seconds * HONEST_PER_SECOND_MAX },
      (_, i) =>
        JSON.stringify(this.approver.approve({
          action: "echo",
          payload: { text: `request ${i}` },
          nonce: crypto.randomUUID(),
        })),
    );
  }

  #largeRequest(): string {
    const payload = { items: Array.from({ length: LARGE_ITEMS }, () => 1) };
    const request = { action: "echo", payload, nonce: crypto.randomUUID() };
    return JSON.stringify(this.approver.approve(request));
  }
}

const PEER = Deno.readTextFileSync(new URL("./peer.py", import.meta.url));
/** How often the operator asks in one row, at most. */
const ASKS = 100;

async function ask(
  socket: string,
  method: string,
  path: string,
  failures: string[],
): Promise<void> {
  const body = path === "/admin/revoke" ? { iss: "alice", jti: crypto.randomUUID() } : {};
  const outcome = await call(socket, method, path, method === "POST" ? body : undefined).then(
    ({ status }) => status === 200 ? "" : String(status),
    (error: Error) => error.message,
  );
  if (outcome !== "") failures.push(`${method} ${path}: ${outcome}`);
}
