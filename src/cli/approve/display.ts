/**
 * The display for an approver: exactly what would run, whole, in characters that cannot deceive.
 *
 * Invariants:
 * - Every value goes through visible(), and is shown whole, however long it is.
 * - The payload is laid out in the order of its canonical text, and parses back to what is signed.
 */

import type { ApprovalClaims } from "../../core/approval_claims.ts";
import { actionDigest, type ExecutionRequest } from "../../client/request.ts";
import type { Json } from "../../core/types.ts";
import { parseCanonical, toValue } from "../../core/json.ts";
import { canonicalJson } from "../../core/canonical_json.ts";
import { pretty } from "../terminal/print.ts";
import { visible, visibleAscii } from "../terminal/visible.ts";

export interface Display {
  readonly request: ExecutionRequest;
  /** Claims of the approval to be made, or of the one that the request carries. */
  readonly claims: ApprovalClaims;
  readonly signatures: readonly { readonly keyid: string; readonly standing: string }[];
  readonly signing: { readonly keyid: string; readonly name: string };
  readonly nowSeconds: number;
}

const LABEL_WIDTH = 12;

/** Returns the lines that go to standard error before an approver is asked. */
export function approvalLines(
  { request, claims, signatures, signing, nowSeconds }: Display,
): string[] {
  const uses = claims.uses ?? 1;
  return [
    "This would run:",
    "",
    line("action", request.action),
    line("payload", ""),
    ...payloadLines(request),
    "",
    line("digest", actionDigest(request)),
    line("audience", claims.aud),
    line("tenant", claims.tenant ?? "(none)"),
    line("nonce", claims.nonce ?? "(any: this approval binds none)"),
    line("approval id", claims.jti),
    line("uses", uses === 1 ? "1" : `${uses}, each with a nonce of its own, all with this payload`),
    line("subject", claims.sub ?? "(any peer)"),
    line("handler", claims.handler_digest ?? "(whichever is configured)"),
    ...(claims.nbf === undefined ? [] : [line("not before", timeText(claims.nbf, nowSeconds))]),
    line("expires", timeText(claims.exp, nowSeconds)),
    line("approver", claims.iss),
    ...signatures.map(({ keyid, standing }) => line("signed", `${keyid} (${standing})`)),
    line("signing as", `${signing.name}, with key ${signing.keyid}`),
  ];
}

function line(label: string, value: string): string {
  return `  ${label.padEnd(LABEL_WIDTH)} ${visible(value)}`.trimEnd();
}

/** Shows the payload once more in ASCII where other letters could pass for these. */
function payloadLines(request: ExecutionRequest): string[] {
  const canonical = canonicalJson(request.payload);
  const shown = pretty(inCanonicalOrder(request.payload)).split("\n");
  const plain = visibleAscii(canonical);
  return [
    ...shown.map((text) => `    ${text}`),
    ...(plain === canonical ? [] : ["", line("in ASCII", ""), `    ${plain}`]),
  ];
}

function inCanonicalOrder(value: Json): Json {
  return toValue(parseCanonical(canonicalJson(value)));
}

function timeText(seconds: number, nowSeconds: number): string {
  const left = Math.round(seconds - nowSeconds);
  const clock = seconds <= YEAR_9999
    ? new Date(seconds * 1000).toISOString().replace(".000Z", "Z")
    : String(seconds);
  return `${clock} (${left >= 0 ? `in ${left} s` : `${-left} s ago`})`;
}

const YEAR_9999 = 253_402_300_799;
