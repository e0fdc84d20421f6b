/** strace(1) around a real daemon, and its trace as calls in the order in which they began. */

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
export function straceTo(file: string, calls: readonly string[], ...more: readonly string[]): string[] {
  return ["strace", "-D", "-f", "-qq", "-yy", "-o", file, "-e", `trace=${calls.join(",")}`, ...more];
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
    calls.push({ thread, name, text: args.trimEnd(), result, began: start?.line ?? line, ended: line });
  }
  return calls.sort((a, b) => a.began - b.began);
}
