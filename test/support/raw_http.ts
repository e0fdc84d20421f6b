/** HTTP as bytes over a Unix socket: no client library mends, checks or hides anything. */

import { setImmediate } from "node:timers/promises";

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawOutcome {
  readonly answers: readonly RawAnswer[];
  /** Whether the server closed the connection, rather than waiting for more. */
  readonly closed: boolean;
}

export interface RawOptions {
  /**
   * Each byte on its own, with a turn of the event loop in between; beyond 4 KiB in pieces of 61
   * bytes.
   */
  readonly byteByByte?: boolean;
  /** Closes the sending half after the bytes, as socat does. */
  readonly halfClose?: boolean;
  /** Answers to wait for; until the server closes where it is Infinity. */
  readonly answers?: number;
  /** Longer than any limit of the server: what takes as long is a hang. */
  readonly patienceMs?: number;
  /** The request was a HEAD: Content-Length says what a GET would get. */
  readonly bodyless?: boolean;
}

/** Sends bytes and reads what comes back. Rejects when the server neither answers nor closes. */
export async function rawExchange(
  path: string,
  message: string | Uint8Array,
  { byteByByte = false, halfClose = false, answers = 1, patienceMs = 15_000, bodyless = false }:
    RawOptions = {},
): Promise<RawOutcome> {
  const bytes = typeof message === "string" ? latin1(message) : message;
  const connection = await Deno.connect({ transport: "unix", path });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("hang: neither an answer nor an end")), patienceMs);
  });
  const sending = send(connection, bytes, byteByByte).then(async () => {
    if (halfClose) await connection.closeWrite();
  }).catch(() => {}); // a server that had enough may close while we still send
  try {
    return await Promise.race([receive(connection, answers, bodyless), patience]);
  } finally {
    clearTimeout(timer);
    connection.close();
    await sending;
  }
}

export function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

async function send(connection: Deno.Conn, bytes: Uint8Array, byteByByte: boolean): Promise<void> {
  const step = byteByByte ? (bytes.length > 4096 ? 61 : 1) : Math.max(1, bytes.length);
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at, at + step));
    if (byteByByte) await setImmediate();
  }
}

async function receive(
  connection: Deno.Conn,
  wanted: number,
  bodyless: boolean,
): Promise<RawOutcome> {
  let text = "";
  const buffer = new Uint8Array(65536);
  for (;;) {
    const length = await connection.read(buffer).catch(() => null);
    if (length !== null) text += String.fromCharCode(...buffer.subarray(0, length));
    const answers = parseAnswers(text, bodyless);
    const saysClose = answers.at(-1)?.headers.get("connection") === "close";
    if (length === null) return { answers, closed: true };
    if (answers.length >= wanted && !saysClose) return { answers, closed: false };
  }
}

/** Complete answers at the beginning of the text; 1xx are passed over. */
export function parseAnswers(text: string, bodyless = false): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text;;) {
    const end = rest.indexOf("\r\n\r\n");
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(rest)?.[1];
    if (end === -1 || status === undefined) return answers;
    const lines = rest.slice(0, end).split("\r\n").slice(1);
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const length = bodyless ? 0 : Number(headers.get("content-length") ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    if (!status.startsWith("1")) answers.push({ status: Number(status), headers, body });
    rest = rest.slice(end + 4 + length);
  }
}
