/**
 * Requests of the page to the daemon it came from, directly or by the bridge of
 * `openexec review --web`.
 *
 * Invariant: nothing is kept outside of this module's memory. The bearer of the bridge is gone with
 * the page.
 */

import type { Json } from "../core/types.ts";

/** An answer that is no success: RFC 9457's members, as far as they are there. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

let bearer: string | null = null;

/** Exchanges the token of a one-time link for a bearer. Throws a ProblemError when it was used. */
export async function openLink(token: string): Promise<void> {
  const answer = await post("/bridge/session", { token });
  const given = memberOf(answer, "bearer");
  if (given === null) throw new ProblemError(0, "bridge", "The bridge gave no bearer.");
  bearer = given;
}

export function get(path: string): Promise<Json> {
  return exchange(path, { method: "GET" });
}

export function post(path: string, body: Json): Promise<Json> {
  return exchange(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Opens a stream that stays open, such as GET /events. Throws a ProblemError. */
export async function stream(
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const answer = await send(path, { method: "GET", headers, signal });
  if (!answer.ok || answer.body === null) throw problemOf(answer.status, await bodyOf(answer));
  return answer.body;
}

async function exchange(path: string, init: RequestInit): Promise<Json> {
  const answer = await send(path, init);
  const body = await bodyOf(answer);
  if (!answer.ok) throw problemOf(answer.status, body);
  return body;
}

function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("x-openexec", "1");
  if (bearer !== null) headers.set("authorization", `Bearer ${bearer}`);
  return fetch(path, { ...init, headers, cache: "no-store", redirect: "error" });
}

async function bodyOf(answer: Response): Promise<Json> {
  try {
    const body: Json = await answer.json();
    return body;
  } catch {
    return null;
  }
}

function problemOf(status: number, body: Json): ProblemError {
  return new ProblemError(
    status,
    memberOf(body, "code") ?? "unknown",
    memberOf(body, "detail") ?? `The daemon answered with status ${status}.`,
  );
}

function memberOf(body: Json, name: string): string | null {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
  const value = Object.entries(body).find(([key]) => key === name)?.[1];
  return typeof value === "string" ? value : null;
}
