/**
 * OpenExec 0.1.10 beside ours, each as it comes and with approvals of its own kind, over Unix
 * sockets and from the same load. Its source and a Python that can run it are given: nothing of
 * either belongs to this repository.
 */

import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { join, resolve } from "node:path";
import { durableCommits, executorRoundTrip } from "./ceilings.ts";
import { benchConfig } from "./config.ts";
import { inTurn, type Round } from "./in_turn.ts";
import { approved, HELLO, load } from "./load.ts";
import { processorOf } from "./processor.ts";
import { scene } from "./scene.ts";
import type { Table } from "./table.ts";

export const BESIDE = "beside OpenExec 0.1.10, measured in turn";
export const BESIDES = {
  alone: "p50 at 1 / OpenExec's",
  throughput: "throughput at 16 / OpenExec's",
  tail: "p99 at 16 / OpenExec's",
  processors: "processor time of an execution at 16 / OpenExec's",
  ofWaits: "p50 at 1 / (two commits + round trip), beside OpenExec",
} as const;

const VERSION = "0.1.10";
const ROUNDS = 5;
const TENANT = "bench";
/** Some seconds of each in every round. */
const OURS = { alone: 500, together: 2_000 };
const THEIRS = { alone: 300, together: 400 };

/** A server to load, and what makes so many distinct requests that it executes. */
interface Side {
  readonly socket: string;
  readonly requests: (count: number) => string[];
}

/** `folder` holds OpenExec's source, and `python` is an interpreter that can import FastAPI. */
export async function besideOpenExec(
  folder: string | undefined,
  python: string,
  table: Table,
): Promise<void> {
  const theirs = await OpenExec.start(checked(folder), python);
  const daemon = await scene();
  const ours = {
    socket: daemon.socket,
    requests: (count: number) => approved("echo", count, HELLO),
  };
  try {
    for (const { socket, requests } of [ours, theirs]) {
      await load(socket, requests(500), 4); // warm
    }
    await inTurn(table, BESIDE, () => measure(ours, theirs), ROUNDS);
  } finally {
    await Promise.all([daemon.close(), theirs.close()]);
  }
}

async function measure(ours: Side, theirs: Side): Promise<Round> {
  const waitsMs = await waits();
  const our = await figures(ours, OURS);
  const their = await figures(theirs, THEIRS);
  return {
    [BESIDES.alone]: our.alone / their.alone,
    [BESIDES.throughput]: our.perSecond / their.perSecond,
    [BESIDES.tail]: our.p99 / their.p99,
    [BESIDES.processors]: our.microsEach / their.microsEach,
    [BESIDES.ofWaits]: our.alone / waitsMs,
    ...named("ours", our),
    ...named("OpenExec", their),
  };
}

/** Milliseconds of two durable commits, one after the other, and of an executor's round trip. */
async function waits(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  const commits = await durableCommits(folder, 1, 1);
  const roundTrip = await executorRoundTrip(benchConfig(), folder, 500);
  await Deno.remove(folder, { recursive: true });
  return commits.ms + roundTrip.ms;
}

/** OpenExec answers some of 16 clients that its database is locked: these did not execute. */
async function figures({ socket, requests }: Side, count: { alone: number; together: number }) {
  const alone = await load(socket, requests(count.alone), 1);
  const bodies = requests(count.together);
  const { result: { perSecond, p99, statuses }, microsEach } = await processorOf(
    bodies.length,
    () => load(socket, bodies, 16, { strict: false }),
  );
  const executed = (statuses["200"] ?? 0) / bodies.length;
  return {
    alone: alone.p50,
    perSecond: perSecond * executed,
    p99,
    microsEach: microsEach / executed,
    failed: 1 - executed,
  };
}

type Figures = Awaited<ReturnType<typeof figures>>;

function named(side: string, { alone, perSecond, p99, microsEach, failed }: Figures): Round {
  return {
    [`${side}: p50 at 1, ms`]: alone,
    [`${side}: executed at 16, a second`]: perSecond,
    [`${side}: p99 at 16, ms`]: p99,
    [`${side}: processors, microseconds an execution at 16`]: microsEach,
    [`${side}: failed at 16, share`]: failed,
  };
}

/** Returns the whole path of the folder. Throws an error that says what to give instead. */
function checked(folder: string | undefined): string {
  const how = `Give the source of OpenExec ${VERSION} (github.com/trendinghot/openexec): ` +
    "npm run bench openexec -- --openexec=FOLDER --python=PATH";
  if (folder === undefined) throw new Error(how);
  const whole = resolve(folder);
  let main: string;
  try {
    main = Deno.readTextFileSync(join(whole, "main.py"));
  } catch {
    throw new Error(`${whole} has no main.py that can be read. ${how}`);
  }
  if (!main.includes(`VERSION = "${VERSION}"`)) {
    throw new Error(`${whole} is not OpenExec ${VERSION}. ${how}`);
  }
  return whole;
}

/** A running OpenExec in ClawShield mode, with its database in a folder that goes with it. */
class OpenExec implements Side {
  private constructor(
    readonly socket: string,
    private readonly key: KeyObject,
    private readonly directory: string,
    private readonly process: Deno.ChildProcess,
  ) {}

  /** Starts it as its scripts/run.sh does, but on a socket, and without a watch over its files. */
  static async start(folder: string, python: string): Promise<OpenExec> {
    const directory = await Deno.makeTempDir({ prefix: "openexec-bench-" });
    const socket = join(directory, "openexec.sock");
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const process = new Deno.Command(python, {
      args: ["-m", "uvicorn", "main:app", "--app-dir", folder, "--uds", socket],
      cwd: directory,
      env: {
        PYTHONDONTWRITEBYTECODE: "1",
        OPENEXEC_MODE: "clawshield",
        OPENEXEC_DB_URL: `sqlite:///${join(directory, "openexec.db")}`,
        CLAWSHIELD_PUBLIC_KEY: publicKey.export({ format: "pem", type: "spki" }).toString(),
        CLAWSHIELD_TENANT_ID: TENANT,
      },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    await running(process.stderr, `${python} -m pip install -r ${folder}/requirements.txt`);
    return new OpenExec(socket, privateKey, directory, process);
  }

  /** Both sides are handed on as values, so it keeps its `this`. */
  readonly requests = (count: number): string[] =>
    Array.from({ length: count }, () => this.#approve());

  async close(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.status;
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Its times have no zone, and its hash is over sorted members without spaces. */
  #approve(): string {
    const asked = { action: "echo", payload: HELLO };
    const at = (ms: number) => new Date(ms).toISOString().slice(0, -1);
    const signed = {
      approval_id: randomUUID(),
      tenant_id: TENANT,
      action_hash: createHash("sha256").update(JSON.stringify(asked)).digest("hex"),
      issued_at: at(Date.now()),
      expires_at: at(Date.now() + 3_600_000),
    };
    const signature = sign(null, Buffer.from(Object.values(signed).join("")), this.key);
    return JSON.stringify({
      ...asked,
      nonce: randomUUID(),
      approval_artifact: { ...signed, signature: signature.toString("base64") },
    });
  }
}

/** Waits for the line that says it runs, and goes on reading so that the pipe never fills. */
async function running(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
  install: string,
): Promise<void> {
  const ready = Promise.withResolvers<void>();
  void (async () => {
    let said = "";
    for await (const text of stderr.pipeThrough(new TextDecoderStream())) {
      said = (said + text).slice(-4_096);
      if (said.includes("Uvicorn running on")) ready.resolve();
    }
    ready.reject(new Error(`OpenExec ended:\n${said}\nWhat it needs is installed by: ${install}`));
  })();
  await ready.promise;
}
