/** A command's context in a test: what it prints is kept, what it is asked is scripted. */

import { environmentOf } from "../../src/config/environment.ts";
import type { Context } from "../../src/cli/context.ts";
import { runCli } from "../../src/cli/commands.ts";
import { DONE, type ExitCode } from "../../src/cli/exit_code.ts";
import type { Size } from "../../src/cli/terminal/screen.ts";
import { type Terminal, visibleLines } from "../../src/cli/terminal/terminal.ts";
import { clientEnvironment, type Daemon } from "../support/daemon.ts";

export interface Run {
  readonly code: ExitCode;
  /** Standard output and standard error, as they were written. */
  readonly out: string;
  readonly err: string;
  /** Questions that were asked. */
  readonly questions: readonly string[];
}

export interface Circumstances {
  readonly input?: string;
  /** What a person answers; absent: there is no terminal. */
  readonly answer?: string | (() => string);
  /** The size of the terminal; absent: standard error is none. */
  readonly size?: Size;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard output is a terminal's; a person sees what `out` then holds. */
  readonly onTerminal?: true;
  readonly nowMs?: number | (() => number);
  readonly signal?: AbortSignal;
}

/** Runs a command line in this process. */
export async function openexec(
  argv: readonly string[],
  circumstances: Circumstances = {},
): Promise<Run> {
  const { input = "", answer, env = {}, nowMs, onTerminal = false } = circumstances;
  const run = { out: "", err: "", questions: [] as string[] };
  const terminal: Terminal = {
    print: (text) => void (run.out += `${onTerminal ? visibleLines(text) : text}\n`),
    note: (text) => void (run.err += `${text}\n`),
    write: (bytes) => void (run.out += new TextDecoder().decode(bytes)),
    clear: () => {},
    progress: () => {},
    readInput: (bytesMax) => {
      const bytes = new TextEncoder().encode(input);
      return Promise.resolve(bytes.length > bytesMax ? null : bytes);
    },
    ask: (question) => {
      run.questions.push(question);
      return (typeof answer === "function" ? answer() : answer) ?? null;
    },
    openScreen: () => null,
    size: () => circumstances.size ?? null,
    inputIsTerminal: false,
    outputIsTerminal: onTerminal,
    errorIsTerminal: false,
  };
  const context: Context = {
    terminal,
    // a home of nobody: no test finds the configuration or the daemon of whoever runs it
    environment: environmentOf({ HOME: "/nonexistent", OPENEXEC_CONFIG: "", ...env }),
    cwd: circumstances.cwd ?? "/",
    clock: {
      nowMs: () => typeof nowMs === "function" ? nowMs() : nowMs ?? 1_800_000_000_000,
      uptimeMs: () => 0,
      bootId: () => "",
    },
    interruption: () => circumstances.signal ?? new AbortController().signal,
    exitCode: DONE,
  };
  return { code: await runCli(argv, context), ...run };
}

/**
 * Runs a command line in this process, in the environment of that daemon: as `openexec` of
 * support/daemon.ts, without the processor time of a process.
 */
export async function openexecHere(
  daemon: Pick<Daemon, "directory" | "socket">,
  argv: readonly string[],
  input = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = clientEnvironment(daemon);
  const { code, out, err } = await openexec(argv, { input, env, nowMs: () => Date.now() });
  return { code, stdout: out, stderr: err };
}
