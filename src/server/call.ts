/** What a route's handler is given: the admitted peer, the parsed request line, and the parts that answer. */

import type { JsonObject, Peer } from "../core/types.ts";
import type { SocketConfig } from "../config/config.ts";
import type { Engine } from "../engine/types.ts";
import type { Inspector } from "../engine/views.ts";
import type { Operator } from "../engine/operator.ts";
import type { FieldLines } from "./head.ts";
import type { Query } from "./query.ts";

export interface Call {
  readonly peer: Peer;
  readonly socket: SocketConfig;
  /** The segment that the route's path leaves open; "" when it leaves none. */
  readonly parameter: string;
  readonly query: Query;
  readonly fields: FieldLines;
  /** Empty unless the route has a body. */
  readonly body: Uint8Array;
  readonly receivedAtMs: number;
  /** The path of the request line, for problem+json's `instance`. */
  readonly instance: string;
}

export interface Handlers {
  readonly engine: Engine;
  readonly inspector: Inspector;
  readonly operator: Operator;
  /** The OpenAPI document, made when it is first asked for: a start does not wait for it. */
  readonly document: () => JsonObject;
}
