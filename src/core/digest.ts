/** What an approval is bound to: the canonical request, and its digest. */

import { canonicalNode } from "./canonical_json.ts";
import { utf8Encode } from "./bytes.ts";
import type { JsonNode } from "./json.ts";
import { digestOf } from "./sha.ts";
import type { Digest } from "./types.ts";

/** RFC 8785 text of `{"action":…,"payload":…}`. `action` is a name, `payload` an object. */
export function canonicalRequest(action: string, payload: JsonNode): string {
  return `{"action":${JSON.stringify(action)},"payload":${canonicalNode(payload)}}`;
}

/** The action_digest of a canonical request. */
export function actionDigest(canonical: string): Digest {
  return digestOf(utf8Encode(canonical));
}
