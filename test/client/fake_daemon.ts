/**
 * A stand-in for the daemon: its routes over a real Unix socket, with an outcome per nonce in
 * memory. It runs nothing and checks no signature; a test scripts what goes wrong.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type ErrorCode, ERRORS } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/types.ts";
import { FakeProposals } from "./fake_proposals.ts";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Which connection it came through, counted from 1. */
  readonly connection: number;
}

/** A fault in place of a proper answer to the next request. */
export type Mishap =
  | {
    readonly problem: ErrorCode;
    readonly retryAfterSeconds?: number;
    readonly execution?: JsonObject;
  }
  | { readonly answer: string; readonly status?: number }
  | "reset"
  | "run, then reset"
  | "hang";

export class FakeDaemon {
  readonly received: Received[] = [];
  readonly mishaps: Mishap[] = [];
  /** By nonce. */
  readonly executions = new Map<string, JsonObject>();
  /** How often each nonce was started. */
  readonly starts = new Map<string, number>();
  /** The operator's acts, each with its body. */
  readonly acts: [path: string, body: Json][] = [];
  /** Answers by path, the last one for ever. Without any the socket is no admin socket. */
  readonly operatorAnswers = new Map<string, Json[]>();
  readonly proposals = new FakeProposals();
  tenant: string | null = "t1";
  inputSchema: JsonObject = {};
  /** Executions stay `reserved` this many looks. */
  looksReserved = 0;
  executorId = "openexec:fake";
  #connections = 0;
  readonly #server: Server;

  private constructor(readonly socketPath: string) {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    const numbers = new WeakMap<object, number>();
    this.#server.on("connection", (socket) => numbers.set(socket, ++this.#connections));
    this.#connectionOf = (socket) => numbers.get(socket) ?? 0;
  }
  readonly #connectionOf: (socket: object) => number;

  static async start(): Promise<FakeDaemon> {
    const folder = await Deno.makeTempDir({ prefix: "openexec-client-" });
    const daemon = new FakeDaemon(`${folder}/agent.sock`);
    await new Promise<void>((resolve) => daemon.#server.listen(daemon.socketPath, resolve));
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Deno.remove(this.socketPath.slice(0, this.socketPath.lastIndexOf("/")), {
      recursive: true,
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    const path = request.url ?? "";
    const connection = this.#connectionOf(request.socket);
    this.received.push({
      method: request.method ?? "",
      path,
      headers: request.headers,
      body,
      connection,
    });
    const mishap = this.mishaps.shift();
    if (mishap === "hang") return;
    if (mishap === "run, then reset") this.#execute(body);
    if (mishap === "reset" || mishap === "run, then reset") return void request.socket.destroy();
    if (mishap === undefined) {
      const url = new URL(path, "http://localhost");
      const answer = await this.proposals.answer(request, url, body, response);
      if (answer === "streaming") return;
      if (answer === undefined) return this.#answer(response, path, body);
      if (typeof answer === "string") return problem(response, answer, null);
      return json(response, answer[1], answer[0]);
    }
    if ("answer" in mishap) return void response.writeHead(mishap.status ?? 200).end(mishap.answer);
    problem(response, mishap.problem, mishap.execution ?? null, mishap.retryAfterSeconds);
  }

  #answer(response: ServerResponse, path: string, body: string): void {
    const url = new URL(path, "http://localhost");
    const nonce = url.searchParams.get("nonce");
    switch (url.pathname) {
      case "/":
        return json(response, this.#description());
      case "/health":
        return json(response, { status: "ok", exec_mode: "enforced" });
      case "/ready":
        return json(response, { ready: true });
      case "/actions":
        return json(response, {
          actions: ["echo", "pay"].map((name) => ({
            name,
            approvals: 1,
            input_schema: this.inputSchema,
          })),
        });
      case "/execute":
        return json(response, this.#execute(body));
      case "/receipts/0":
        return json(response, { log_index: 0, attestation: {}, tlog_proof: "a proof" });
      case "/log/checkpoint":
        return void response.writeHead(200).end("openexec:fake/log\n1\nroot\n\n— signature\n");
      case "/executions":
        if (nonce === null) return json(response, { executions: [...this.executions.values()] });
        return this.#show(response, nonce === null ? undefined : this.executions.get(nonce));
    }
    if (url.pathname.startsWith("/admin/")) return this.#operate(response, url.pathname, body);
    const id = url.pathname.replace("/executions/", "");
    this.#show(response, [...this.executions.values()].find((execution) => execution["id"] === id));
  }

  #operate(response: ServerResponse, path: string, body: string): void {
    const answer = this.operatorAnswers.get(path);
    if (answer === undefined) return problem(response, "admin_only", null);
    this.acts.push([path, body === "" ? null : JSON.parse(body)]);
    json(response, answer.length > 1 ? answer.shift() ?? null : answer[0] ?? null);
  }

  #description(): JsonObject {
    const tenant = this.tenant === null ? {} : { tenant: this.tenant };
    return {
      service: "openexec",
      status: "ok",
      version: "0.2.0",
      executor_id: this.executorId,
      ...tenant,
    };
  }

  #show(response: ServerResponse, execution: JsonObject | undefined): void {
    if (execution === undefined) return problem(response, "execution_not_found", null);
    const reserved = this.looksReserved-- > 0;
    json(response, reserved ? { ...execution, status: "reserved", result: null } : execution);
  }

  #execute(body: string): JsonObject {
    const { action, payload, nonce } = JSON.parse(body) as {
      action: string;
      payload: Json;
      nonce: string;
    };
    const known = this.executions.get(nonce);
    if (known !== undefined) return { ...known, replayed: true };
    this.starts.set(nonce, (this.starts.get(nonce) ?? 0) + 1);
    const execution = {
      id: `0190b1c0-0000-7000-8000-${String(this.executions.size).padStart(12, "0")}`,
      action,
      status: "succeeded",
      approved: true,
      result: payload,
      replayed: false,
      receipt: "0".repeat(64),
      attestation: null,
      salts: {},
      log_index: this.executions.size,
    };
    this.executions.set(nonce, execution);
    return execution;
  }
}

function json(response: ServerResponse, value: Json, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function problem(
  response: ServerResponse,
  code: ErrorCode,
  execution: JsonObject | null,
  retryAfterSeconds?: number,
): void {
  const { status, title, effect, retry } = ERRORS[code];
  const retryAfter = retryAfterSeconds === undefined
    ? {}
    : { "Retry-After": String(retryAfterSeconds) };
  response.writeHead(status, { "Content-Type": "application/problem+json", ...retryAfter });
  const extras = execution === null ? {} : { execution };
  response.end(
    JSON.stringify({ title, status, detail: "scripted", code, effect, retry, ...extras }),
  );
}
