/** strace(1) around a real daemon, and its trace as calls in the order in which they began. */

import { signalUnlessEnded } from "./signals.ts";
import { has } from "./tools.ts";

export const HAS_STRACE = has("strace");

export interface Call {
  readonly thread: number;
  readonly name: string;
  /** Its arguments, with what is behind a descriptor in angle brackets. */
  readonly text: string;
  /** `?` when the thread was killed in it. */
  readonly result: string;
  /** Lines of the trace: where it began, and where its effect is certain. */
  readonly began: number;
  readonly ended: number;
}

/** A wrapper for support/daemon.ts: the tracer stands beside the daemon, which stays our child. */
export function straceTo(
  file: string,
  calls: readonly string[],
  ...more: readonly string[]
): string[] {
  return [
    "strace",
    "-D",
    "-f",
    "-qq",
    "-yy",
    "-o",
    file,
    "-e",
    `trace=${calls.join(",")}`,
    ...more,
  ];
}

export function callsOf(trace: string): Call[] {
  const calls: Call[] = [];
  const begun = new Map<number, { text: string; line: number }>();
  for (const [line, text] of trace.split("\n").entries()) {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    const thread = Number(pid);
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(thread, { text: rest.slice(0, -"<unfinished ...>".length), line });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest);
    const start = resumed === null ? undefined : begun.get(thread);
    const whole = start === undefined ? rest : start.text + rest.slice(resumed?.[0].length);
    const [, name = "", args = "", result = ""] = /^(\w+)\((.*)\)\s+= (\S+)/.exec(whole) ?? [];
    if (name === "") continue;
    calls.push({
      thread,
      name,
      text: args.trimEnd(),
      result,
      began: start?.line ?? line,
      ended: line,
    });
  }
  return calls.sort((a, b) => a.began - b.began);
}

/**
 * A tracer of a process that runs already. In the end it is killed, and the kernel lets go of what it
 * traced: to detach by itself it would wait for a child that is just being started, for ever.
 */
export async function traceRunning(pid: number, args: readonly string[]): Promise<AsyncDisposable> {
  const tracer = new Deno.Command("strace", {
    args: ["-f", "-o", "/dev/null", "-p", String(pid), ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reader = tracer.stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (let said = ""; !/ attached\b/.test(said);) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`strace cannot attach: ${said}`);
    said += value;
  }
  void reader.read().then(function readOn(part): unknown {
    return part.done ? undefined : reader.read().then(readOn);
  });
  return {
    async [Symbol.asyncDispose]() {
      signalUnlessEnded(tracer, "SIGKILL"); // it may have ended with the process
      await tracer.status;
    },
  };
}

/** Where a process may be traced that is not the tracer's child (ptrace(2), access mode checks). */
export const MAY_TRACE = HAS_STRACE && await mayAttach();

async function mayAttach(): Promise<boolean> {
  const child = new Deno.Command("sleep", {
    args: ["60"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  })
    .spawn();
  try {
    await using _trace = await traceRunning(child.pid, []);
    return true;
  } catch {
    return false;
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}
