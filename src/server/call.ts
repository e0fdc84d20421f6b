/** The arguments of a route: who asks for what, and the parts that answer. */

import { Refusal } from "../core/errors.ts";
import type { JsonObject, Peer } from "../core/types.ts";
import type { SocketConfig } from "../config/config.ts";
import type { Engine } from "../engine/execute.ts";
import type { Inspector } from "../engine/inspect.ts";
import type { Operator } from "../engine/operate.ts";
import type { ProposalDesk } from "../engine/proposals/desk.ts";
import type { OnGone } from "../engine/proposals/events.ts";
import type { Caller } from "../engine/proposals/leases.ts";
import type { Charge, Viewer } from "../engine/types.ts";
import type { Fields } from "./head.ts";

export interface Call extends Required<Charge> {
  readonly peer: Peer;
  readonly socket: SocketConfig;
  /** The segment that the route's path leaves open; "" when it leaves none. */
  readonly parameter: string;
  readonly query: Query;
  readonly fields: Fields;
  /** Empty unless the route has a body. */
  readonly body: Uint8Array;
  readonly receivedAtMs: number;
  /** Tells when the peer has gone; returns how to stop listening. */
  readonly onGone: OnGone;
  /** The connection that it came on. */
  readonly caller: Caller;
  /** The path of the request line, for the `instance` of problem+json. */
  readonly instance: string;
}

/** The proposals as the routes use them. */
export type Proposals =
  & Pick<ProposalDesk, "propose" | "withdraw" | "approve" | "decline" | "hold" | "deliver">
  & { readonly views: Pick<ProposalDesk["views"], "find" | "findByNonce" | "page" | "follow"> };

/** An agent socket shows the peer's own, an approver socket its actions, an admin socket all. */
export function viewerOf(
  { peer, socket, meter, again, goOn }: Pick<Call, "peer" | "socket" | keyof Charge>,
): Viewer {
  const { role, actions } = socket;
  return {
    uid: role === "agent" ? peer.uid : null,
    actions: role === "approver" ? actions : null,
    isReviewer: role !== "agent",
    meter,
    again,
    goOn,
  };
}

/** The parts behind the routes. */
export interface Backend {
  readonly engine: Pick<Engine, "execute" | "drain">;
  readonly inspector: Pick<Inspector, keyof Inspector>;
  readonly operator: Pick<Operator, keyof Operator>;
  readonly proposals: Proposals;
  /** The OpenAPI document, made when it is first asked for. */
  readonly document: () => JsonObject;
}

/** Names and values of a query. */
export type Query = ReadonlyMap<string, string>;

/**
 * Parses `name=value` pairs, percent-encoded (RFC 3986 section 3.4). `+` is a plus: a nonce may
 * hold one. Throws a Refusal request_malformed for a pair that is repeated, not decodable, or not
 * in `allowed`.
 */
export function parseQuery(text: string, allowed: readonly string[]): Query {
  const query = new Map<string, string>();
  for (const pair of text === "" ? [] : text.split("&")) {
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (!allowed.includes(name) || query.has(name)) {
      throw malformed(
        `The query takes ${allowed.length === 0 ? "nothing" : `${allowed.join(", ")}, each once`}.`,
      );
    }
    query.set(name, equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("The query is not percent-encoded UTF-8.");
  }
}

/** A whole number of at most 15 digits; null when absent. Throws a Refusal request_malformed. */
export function wholeNumber(query: Query, name: string): number | null {
  const text = query.get(name);
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw malformed(`${name} must be a whole number.`);
  return Number(text);
}

/** Throws a Refusal request_malformed, also when absent. */
export function requiredWholeNumber(query: Query, name: string): number {
  const value = wholeNumber(query, name);
  if (value === null) throw malformed(`${name} is missing from the query.`);
  return value;
}

export function malformed(detail: string): Refusal {
  return new Refusal("request_malformed", detail);
}
