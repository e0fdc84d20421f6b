/**
 * Standard input and output as the transport of the protocol: one JSON-RPC message a line.
 *
 * Invariants: a message is I-JSON (RFC 7493) or is refused, so that the arguments that are proposed
 * are those that came, and no number was rounded on the way. An answer counts as written once the
 * pipe took all of it. Nothing but messages is written.
 */

import { stdin, stdout } from "node:process";
import {
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  parseJSONRPCMessage,
  ProtocolErrorCode,
  type RequestId,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/server";
import { GatheredBytes, utf8Decode } from "../core/bytes.ts";
import { ERRORS, Refusal } from "../core/errors.ts";
import { isJsonObject, parseIJson, toValue } from "../core/json/json.ts";
import type { Json, JsonObject } from "../core/types.ts";

/** Largest message that is read, in bytes. A larger one ends the connection. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** A request that was neither answered nor cancelled yet. */
export interface OpenRequest {
  /** The arguments of a tool call, with all their members. */
  readonly payload: JsonObject;
  /** Resolves once the answer was written, or will not be; false where it tells no end. */
  readonly isAnswered: Promise<boolean>;
}

type Open = OpenRequest & { readonly settle: (isWritten: boolean) => void };

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #open = new Map<RequestId, Open>();
  readonly #closed = Promise.withResolvers<void>();
  #line = new GatheredBytes(MESSAGE_BYTES_MAX);
  #isClosed = false;

  /** Resolves when the client is gone. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  start(): Promise<void> {
    stdin.on("data", this.#read);
    for (const event of ["end", "close", "error"]) stdin.on(event, this.#end);
    stdout.on("error", this.#end);
    return Promise.resolve();
  }

  /** Returns undefined for a request that was cancelled or does not exist. */
  request(id: RequestId): OpenRequest | undefined {
    return this.#open.get(id);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return;
    const isWritten = await write(serializeMessage(message));
    if ("method" in message || message.id === undefined) return;
    this.#settle(message.id, isWritten);
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    stdin.off("data", this.#read);
    stdin.destroy();
    for (const id of [...this.#open.keys()]) this.#settle(id, false);
    this.onclose?.();
    this.#closed.resolve();
    return Promise.resolve();
  }

  readonly #end = () => void this.close();

  readonly #read = (chunk: Uint8Array) => {
    let rest = chunk;
    while (!this.#isClosed) {
      const end = rest.indexOf(LINE_FEED);
      if (!this.#line.add(end === -1 ? rest : rest.subarray(0, end))) {
        this.#refuse(`a message has at most ${MESSAGE_BYTES_MAX} bytes`, null);
        return void this.close();
      }
      if (end === -1) return;
      const line = this.#line.whole();
      this.#line = new GatheredBytes(MESSAGE_BYTES_MAX);
      this.#hear(line);
      rest = rest.subarray(end + 1);
    }
  };

  #hear(line: Uint8Array): void {
    if (line.every((byte) => byte <= 0x20)) return;
    let value: Json = null;
    let message;
    try {
      value = toValue(parseIJson(line));
      message = parseJSONRPCMessage(value);
    } catch (error) {
      if (error instanceof Refusal && error.code === "payload_not_i_json") {
        const help = ERRORS[error.code].help;
        return this.#refuse(`${error.detail} ${help}`, idOfRequest(line));
      }
      return this.#refuse("a message is JSON-RPC 2.0 in I-JSON (RFC 7493)", idIn(value));
    }
    if ("method" in message && "id" in message && this.#open.has(message.id)) {
      const { InvalidRequest } = ProtocolErrorCode;
      return this.#refuse("another request with this id is open", message.id, InvalidRequest);
    }
    if ("method" in message) this.#note(message, value);
    this.onmessage?.(message);
  }

  /** The package answers no request that was cancelled. */
  #note(message: JSONRPCRequest | JSONRPCNotification, value: Json): void {
    const params = memberOf(value, "params");
    if ("id" in message) {
      const payload = memberOf(params, "arguments");
      const { promise: isAnswered, resolve: settle } = Promise.withResolvers<boolean>();
      this.#open.set(message.id, {
        payload: isJsonObject(payload) ? payload : {},
        isAnswered,
        settle,
      });
    } else if (message.method === "notifications/cancelled") {
      const id = memberOf(params, "requestId");
      if (isId(id)) this.#settle(id, false);
    }
  }

  #settle(id: RequestId, isWritten: boolean): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.settle(isWritten);
  }

  #refuse(message: string, id: RequestId | null, code = ProtocolErrorCode.ParseError): void {
    const error = { code, message };
    void write(`${JSON.stringify({ jsonrpc: "2.0", id, error })}\n`);
  }
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function idIn(value: Json): RequestId | null {
  const id = memberOf(value, "id");
  return isId(id) ? id : null;
}

/**
 * The id of a request that is JSON but not I-JSON, under which its client waits. Null for a number
 * that was rounded, and for an answer: its id is that of a request of ours.
 */
function idOfRequest(line: Uint8Array): RequestId | null {
  const value: unknown = JSON.parse(utf8Decode(line) ?? "null");
  if (!isJsonObject(value) || typeof value["method"] !== "string") return null;
  const { id } = value;
  return typeof id === "string" || (typeof id === "number" && Number.isSafeInteger(id)) ? id : null;
}

function isId(value: Json | undefined): value is RequestId {
  return typeof value === "string" || typeof value === "number";
}

function write(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    stdout.write(text, (error) => resolve(!error));
  });
}
