import { join } from "node:path";
import { expect } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call as send } from "../support/http.ts";
import { type Call, callsOf, straceTo } from "../support/strace.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";

const REQUESTS = 5;
const CALLS = [
  "openat",
  "fdatasync",
  "pwrite64",
  "pwritev",
  "writev",
  "write",
  "sendto",
  "sendmsg",
  "read",
  "recvfrom",
];
/** Of a call's data, enough for whole pages of the ledger. */
const DATA_BYTES = 1 << 20;

const isData = ({ name, text }: Call) =>
  /^p?writev?(64)?$/.test(name) && /^\d+<[^>]*\/data\.mdb>/.test(text);
/** LMDB's meta page: 128 bytes at one of its two places. */
const isCommitPoint = (call: Call) =>
  isData(call) && call.result === "128" && /, 128, (40|4136)$/.test(call.text);
const isFlush = ({ name, text, result }: Call) =>
  name === "fdatasync" && text.includes("/data.mdb>") && result === "0";
const isSynchronous = ({ name, text }: Call) =>
  name === "openat" && /data\.mdb", O_WRONLY\|O_DSYNC/.test(text);
/** To or from the other end of a socket: an executor's has no path, a client's has that of the agents' socket. */
const onSocket = ({ text }: Call, ofClient: boolean) => {
  const behind = /^\d+<UNIX-STREAM:\[([^\]]*)\]>/.exec(text)?.[1];
  return behind !== undefined && behind.includes("agent.sock") === ofClient;
};
const isSent = ({ name }: Call) => /^(write|writev|sendto|sendmsg)$/.test(name);
/** The daemon's sending of it: the executor's read began before, and waited. */
const isStart = (call: Call) =>
  isSent(call) && onSocket(call, false) && call.text.includes('{\\"kind\\":\\"run\\"');
const isReport = (call: Call) =>
  onSocket(call, false) && call.text.includes('{\\"kind\\":\\"succeeded\\"');
const isAnswer = (call: Call) => onSocket(call, true) && call.text.includes("HTTP/1.1 200");

/**
 * Whether, after `from` and before `effect` began, `content` was written to the ledger's file, then flushed, then committed,
 * each having ended before the next began.
 */
function isCommittedBefore(
  calls: readonly Call[],
  from: Call,
  effect: Call,
  content: string,
): boolean {
  const between = calls.filter(({ began, ended }) => began > from.ended && ended < effect.began);
  const written = between.find((call) =>
    isData(call) && !isCommitPoint(call) && call.text.includes(content)
  );
  const flushed = between.find((call) =>
    isFlush(call) && call.began > (written?.ended ?? Infinity)
  );
  return between.some((call) => isCommitPoint(call) && call.began > (flushed?.ended ?? Infinity));
}

/** What is out of order for one request, in words. */
function disorder(calls: readonly Call[], nonce: string): string[] {
  const asked = calls.findIndex((call) => onSocket(call, true) && call.text.includes(nonce));
  const its = calls.slice(asked);
  const [start, report, answer] = [isStart, isReport, isAnswer].map((fits) => its.find(fits));
  const from = its[0];
  if (asked === -1 || !from || !start || !report || !answer) {
    return [`${nonce}: not all of it is in the trace`];
  }
  const [, id = ""] = /\\"id\\":\\"([0-9a-f-]{36})\\"/.exec(start.text) ?? [];
  return [
    ...(isCommittedBefore(calls, from, start, nonce)
      ? []
      : [`${nonce} was started before it was reserved`]),
    ...(isCommittedBefore(calls, report, answer, `\\"execution_id\\":\\"${id}\\"`)
      ? []
      : [`${nonce} was answered before it was settled`]),
  ];
}

/** The trace of a daemon that is asked for one execution after another. */
async function traceOf(nonces: readonly string[]): Promise<Call[]> {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-trace-" });
  const file = join(folder, "trace");
  const approver = new Approver("alice");
  const daemon = await Daemon.start({
    config:
      `executor_id = "openexec:test"\n${approver.toml()}\n[actions.echo]\nmodule = "builtin:echo"\n`,
    wrapper: straceTo(file, CALLS, "--seccomp-bpf", "-s", String(DATA_BYTES)),
  });
  try {
    for (const nonce of nonces) {
      const approved = approver.approve(request("echo", { msg: "hello" }, nonce));
      expect((await send(daemon.socket, "POST", "/execute", approved)).status).toBe(200);
    }
  } finally {
    await daemon.close();
  }
  const lastLine = new RegExp(`^${daemon.pid} +\\+\\+\\+ killed by SIGKILL`, "m"); // short pids are padded
  await until(() => lastLine.test(Deno.readTextFileSync(file)));
  const trace = Deno.readTextFileSync(file);
  Deno.removeSync(folder, { recursive: true });
  return callsOf(trace);
}

/** As if nobody had waited for the commit point. */
function late(call: Call): Call {
  return isCommitPoint(call) ? { ...call, began: Infinity, ended: Infinity } : call;
}

const nonces = Array.from({ length: REQUESTS }, (_, i) => `in-order-${i}`);

testWith("strace")(
  "the start message leaves after the commit point of its reservation, the answer after that of its settlement",
  async () => {
    const calls = await traceOf(nonces);
    expect(
      calls.some(isSynchronous),
      "the commit point is written through a synchronous descriptor",
    ).toBe(
      true,
    );
    expect(nonces.flatMap((nonce) => disorder(calls, nonce))).toEqual([]);
    const overtaken = nonces.flatMap((nonce) => disorder(calls.map(late), nonce));
    expect(overtaken, "a commit point that comes after the effect is noticed").toHaveLength(
      2 * REQUESTS,
    );
  },
);
