/** What an approval is bound to: the canonical request, and its digest. */

import { canonicalNode } from "./canonical_json.ts";
import { utf8Encode } from "./encoding.ts";
import type { JsonNode } from "./json.ts";
import { sha256 } from "./sha.ts";

/** RFC 8785 text of `{"action":…,"payload":…}`. `payload` is an object. */
export function canonicalRequest(action: string, payload: JsonNode): string {
  return `{"action":${JSON.stringify(action)},"payload":${canonicalNode(payload)}}`;
}

/** 32 bytes: the hash of a canonical request. */
export function actionDigest(canonical: string): Uint8Array {
  return sha256(utf8Encode(canonical));
}
