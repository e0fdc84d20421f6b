/**
 * Run by the crash campaign: a client that has its requests approved and sends each, the same bytes again and again, until
 * it is answered for good, or gives up on it.
 *
 * Lines of JSON: first its approver's table for the configuration, then one for each request that is over.
 */

import { Approver, request } from "../support/approver.ts";
import { call, type HttpAnswer } from "../support/http.ts";

/** What became of a request, as far as its client was told. */
export interface Told {
  readonly action: string;
  readonly nonce: string;
  /** `succeeded`, a problem's code, or `silence` where the client gave up before it was answered. */
  readonly outcome: string;
  readonly id: string | null;
}

const ACTIONS = ["once", "again"] as const;
const PAUSE_MS_MAX = 40;
const THINK_MS_MAX = 30;
const RETRY_MS = 30;
/** Of the requests, how many are given up when nobody answers. */
const IMPATIENCE = 0.05;
/** What asks for the same request again. */
const AGAIN: ReadonlySet<string> = new Set([
  "execution_in_flight",
  "executor_busy",
  "executor_unavailable",
]);

if (import.meta.main) {
  const [name = "", folder = ""] = Deno.args;
  const approver = new Approver(name);
  await say(approver.toml());
  await work(name, folder, approver);
}

/** Until standard input ends, whose first line is the daemon's socket. */
async function work(name: string, folder: string, approver: Approver): Promise<void> {
  const orders = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  const socket = ((await orders.read()).value ?? "").trim();
  let working = true;
  void orders.read().then(() => working = false);
  for (let round = 0; working; round++) {
    const action = ACTIONS[round % 2] ?? "once";
    const label = `${name}-${round}`;
    const pauseMs = Math.floor(Math.random() * PAUSE_MS_MAX);
    const approved = JSON.stringify(
      approver.approve(request(action, { folder, label, pauseMs }, label)),
    );
    await say({ action, nonce: label, ...await outcomeOf(socket, approved) });
    await sleep(Math.random() * THINK_MS_MAX);
  }
}

async function outcomeOf(socket: string, body: string): Promise<Pick<Told, "outcome" | "id">> {
  const impatient = Math.random() < IMPATIENCE;
  for (;;) {
    const answer = await call(socket, "POST", "/execute", body).catch(() => null);
    if (answer === null && impatient) return { outcome: "silence", id: null };
    if (answer !== null && !AGAIN.has(answer.json?.code)) return told(answer);
    await sleep(RETRY_MS);
  }
}

function told({ status, json }: HttpAnswer): Pick<Told, "outcome" | "id"> {
  if (status === 200) return { outcome: json.status, id: json.id };
  return { outcome: json?.code ?? `status ${status}`, id: json?.execution?.id ?? null };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function say(value: string | Told): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
