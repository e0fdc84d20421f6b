/**
 * A request before it is sent: action, payload, nonce, and the approval once there is one.
 *
 * Invariant: the I-JSON reading (RFC 7493) of one text is approved, printed and sent. Two readings
 * of a payload would let a person approve one thing and the daemon run another.
 */

import { canonicalJson } from "../core/json/canonical_json.ts";
import { utf8Encode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { isJsonObject, parseIJson, toValue } from "../core/json/json.ts";
import { EXECUTE_MEMBERS, isName } from "../core/limits.ts";
import { digestOf } from "../core/sha.ts";
import type { Digest, JsonObject } from "../core/types.ts";
import { iJsonText, jsonOf } from "./json.ts";

export interface ExecutionRequest {
  readonly action: string;
  readonly payload: JsonObject;
  readonly nonce: string;
  /** A DSSE envelope. */
  readonly approval?: JsonObject;
  /** An artifact of OpenExec 0.1.10, in place of `approval`. */
  readonly approval_artifact?: JsonObject;
}

/** Copies `payload`. Throws Refusal payload_not_i_json, nonce_missing, request_malformed. */
export function newRequest(
  action: string,
  payload: unknown = {},
  nonce: string = crypto.randomUUID(),
): ExecutionRequest {
  const json = jsonOf(payload);
  if (!isJsonObject(json)) throw new Refusal("request_malformed", "the payload must be an object");
  return parseRequest(iJsonText({ action, payload: json, nonce }));
}

/** Reads a payload as a person wrote it. Throws Refusal payload_not_i_json, request_malformed. */
export function parsePayload(input: Uint8Array | string): JsonObject {
  const payload = toValue(parseIJson(input));
  if (!isJsonObject(payload)) {
    throw new Refusal("request_malformed", "the payload must be an object");
  }
  return payload;
}

/** Reads a request that `requestText` or a person wrote. Throws the daemon's refusals. */
export function parseRequest(input: Uint8Array | string): ExecutionRequest {
  const value = toValue(parseIJson(input));
  if (!isJsonObject(value)) throw new Refusal("request_malformed", "a request is one JSON object");
  const stray = Object.keys(value).find((member) => !EXECUTE_MEMBERS.includes(member));
  if (stray !== undefined) {
    throw new Refusal("request_malformed", "the request has an unknown member");
  }
  const { action, nonce } = value;
  const payload = value["payload"] ?? {};
  const approval = value["approval"] ?? undefined;
  const artifact = value["approval_artifact"] ?? undefined;
  if (typeof action !== "string" || !isName(action)) {
    throw new Refusal("request_malformed", "action is no name");
  }
  if (!isJsonObject(payload)) {
    throw new Refusal("request_malformed", "the payload must be an object");
  }
  if (typeof nonce !== "string") throw new Refusal("nonce_missing");
  if (!isName(nonce)) throw new Refusal("request_malformed", "the nonce is no name");
  if (approval !== undefined && !isJsonObject(approval)) throw new Refusal("approval_malformed");
  if (artifact !== undefined && !isJsonObject(artifact)) throw new Refusal("approval_malformed");
  if (approval && artifact) {
    throw new Refusal("request_malformed", "approval and approval_artifact exclude each other");
  }
  return {
    action,
    payload,
    nonce,
    ...(approval === undefined ? {} : { approval }),
    ...(artifact === undefined ? {} : { approval_artifact: artifact }),
  };
}

/** Prints one line of JSON, which `execute` sends byte for byte. */
export function requestText(request: ExecutionRequest): string {
  const { action, payload, nonce, approval, approval_artifact } = request;
  return iJsonText({
    action,
    payload,
    nonce,
    ...(approval === undefined ? {} : { approval }),
    ...(approval_artifact === undefined ? {} : { approval_artifact }),
  });
}

/** Prints `{"action","payload"}` by RFC 8785: an approval's action_digest covers this text. */
function canonicalAction(request: ExecutionRequest): string {
  return canonicalJson({ action: request.action, payload: request.payload });
}

export function actionDigest(request: ExecutionRequest): Digest {
  return digestOf(utf8Encode(canonicalAction(request)));
}
