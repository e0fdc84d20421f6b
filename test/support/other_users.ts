/**
 * Requests from processes that really are somebody else: another uid, another group. Needs root and
 * setpriv.
 */

import { test } from "vitest";
import { groupId } from "../../src/os/files.ts";
import { parseAnswers } from "./raw_http.ts";
import { has } from "./tools.ts";

export const OTHER_UID = 65534;
/** A group that every distribution has and nobody is in. */
export const OTHER_GROUP = "daemon";
export const OTHER_GID = groupId(OTHER_GROUP) ?? -1;

const missing = [
  ...["setpriv", "python3"].filter((tool) => !has(tool)),
  ...(Deno.uid() === 0 ? [] : ["root"]),
  ...(OTHER_GID === -1 ? [`group ${OTHER_GROUP}`] : []),
];

/** As `test`, with other users and groups at hand. */
export function testAsOthers(title: string, body: () => Promise<void> | void): void {
  const why = missing.length === 0 ? "" : ` [skipped: needs ${missing.join(", ")}]`;
  test.skipIf(missing.length > 0)(`${title}${why}`, body);
}

/** What runs a command as that user, in that group alone. */
export function asUser(uid: number, gid: number): string[] {
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

export interface OtherAnswer {
  /** null: connect(2) itself was refused, with EACCES. */
  readonly status: number | null;
  // deno-lint-ignore no-explicit-any -- what a test asserts on is what an answer turned out to be
  readonly json: any;
  /** Of the process that asked. */
  readonly pid: number;
}

const ASK = `
import os, socket, sys
print(os.getpid(), flush=True)
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except PermissionError:
    sys.exit("EACCES")
s.sendall(sys.stdin.buffer.read())
while data := s.recv(65536):
    sys.stdout.buffer.write(data)
`;

/** One request from a process of that user. */
export async function callAs(
  [uid, gid]: readonly [uid: number, gid: number],
  path: string,
  method: string,
  target: string,
  body?: unknown,
): Promise<OtherAnswer> {
  const [setpriv = "", ...who] = asUser(uid, gid);
  const child = new Deno.Command(setpriv, {
    args: [...who, PYTHON, "-I", "-c", ASK, path],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const text = body === undefined ? "" : JSON.stringify(body);
  const length = body === undefined ? "" : `Content-Length: ${text.length}\r\n`;
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(
      `${method} ${target} HTTP/1.1\r\nHost: x\r\n${length}Connection: close\r\n\r\n${text}`,
    ),
  );
  await writer.close();
  const { stdout, stderr } = await child.output();
  const said = Buffer.from(stdout).toString("latin1");
  const [, pid = "", rest = ""] = /^(\d+)\n([^]*)$/.exec(said) ?? [];
  const [answer] = parseAnswers(rest);
  const error = new TextDecoder().decode(stderr).trim();
  if (answer === undefined && error !== "EACCES") throw new Error(`no answer: ${error}`);
  const content = Buffer.from(answer?.body ?? "", "latin1").toString();
  return {
    status: answer?.status ?? null,
    json: content.startsWith("{") ? JSON.parse(content) : undefined,
    pid: Number(pid),
  };
}

/** A Python that other users may run: one in root's home is none. */
const PYTHON = ["/usr/bin/python3", "/usr/local/bin/python3"].find(isFile) ?? "python3";

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
