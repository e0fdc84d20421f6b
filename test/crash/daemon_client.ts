/**
 * Run by the crash campaign: a client that has its requests approved and sends each, the same bytes again and again, until
 * it is answered for good, or gives up on it. Some it proposes instead, and decides about them as an approver, or takes them
 * back, or leaves them to expire.
 *
 * Lines of JSON: first its approver's table for the configuration, then one for each request that is over.
 */

import { Approver, type Request, request } from "../support/approver.ts";
import { call, type HttpAnswer } from "../support/http.ts";

/** What became of a request, as far as its client was told. */
export interface Told {
  readonly action: string;
  readonly nonce: string;
  /**
   * `succeeded`, a problem's code, or `silence` where the client gave up before it was answered; a proposal's status.
   */
  readonly outcome: string;
  readonly id: string | null;
  /** What the client did about its proposal; absent where it had the request approved. */
  readonly did?: Deed;
}

export type Deed = (typeof DEEDS)[number];

const ACTIONS = ["once", "again"] as const;
const DEEDS = ["approve", "decline", "approve", "withdraw", "approve", "leave"] as const;
const PAUSE_MS_MAX = 40;
const THINK_MS_MAX = 30;
const RETRY_MS = 120;
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
    const asked = request(action, { folder, label, pauseMs }, label);
    const did = round % 3 === 0 ? DEEDS[round / 3 % DEEDS.length] : undefined;
    const told = did === undefined
      ? await outcomeOf(socket, JSON.stringify(approver.approve(asked)))
      : { did, ...await endOf(folder, asked, approver, did) };
    await say({ action, nonce: label, ...told });
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

/** Proposes, decides, and waits for the end; every step again until it is answered. */
async function endOf(
  folder: string,
  asked: Request,
  approver: Approver,
  did: Deed,
): Promise<Pick<Told, "outcome" | "id">> {
  const [agent, review] = [`${folder}/agent.sock`, `${folder}/review.sock`];
  const proposed = await answered(() => call(agent, "POST", "/proposals", asked));
  const { id } = proposed.json;
  if (proposed.status !== 200 && proposed.status !== 202) return told(proposed);
  const path = `/proposals/${id}`;
  if (did === "withdraw") await answered(() => call(agent, "DELETE", path));
  if (did === "approve" || did === "decline") {
    const { json: shown } = await answered(() => call(review, "GET", path));
    if (shown.payload !== null) {
      const [route, body] = did === "approve"
        ? ["approvals", approver.consent(shown)]
        : ["decline", approver.decline(shown)];
      await answered(() => call(review, "POST", `${path}/${route}`, body));
    }
  }
  for (;;) {
    const { status, json } = await answered(() =>
      call(agent, "GET", path, undefined, { prefer: "wait=5" })
    );
    if (status === 200) return { outcome: json.status, id };
    if (status !== 202) return { outcome: json.code, id };
  }
}

/** Asks until a daemon answers that is not about to end. */
async function answered(ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer !== null && answer.status < 500) return answer;
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
