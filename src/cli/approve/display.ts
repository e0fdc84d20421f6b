/**
 * The display for an approver: exactly what would run, whole, in characters that cannot deceive.
 *
 * Invariants:
 * - Every value goes through marked(), and is shown whole, however long it is.
 * - Each line begins with our own text, also where a value had to be wrapped.
 * - All that identifies the request stands below the payload, beside the question.
 */

import { type ApprovalClaims, USES_DEFAULT } from "../../core/signed_claims.ts";
import { marked } from "../../core/visible.ts";
import { actionDigest, type ExecutionRequest } from "../../client/request.ts";
import { payloadLength, shownPayload } from "../../client/shown_payload.ts";
import { labelledLines, numberedLines } from "../terminal/gutter.ts";
import type { HandlerFacts } from "./knowledge.ts";
import type { Doubt } from "./doubts.ts";

export interface Display {
  readonly request: ExecutionRequest;
  /** Claims of the approval to be made, or of the one that the request carries. */
  readonly claims: ApprovalClaims;
  /** Whether the approval is new: then it is valid from the answer on. */
  readonly isNew: boolean;
  readonly signatures: readonly { readonly keyid: string; readonly standing: string }[];
  readonly signing: { readonly keyid: string; readonly name: string };
  /** The handler that is configured for the action; null where nothing here tells. */
  readonly handler: HandlerFacts | null;
  readonly doubts: readonly Doubt[];
  readonly nowSeconds: number;
}

/** The payload, which may be long, and what stands below it. */
export interface ApprovalScreen {
  readonly payload: readonly string[];
  readonly summary: readonly string[];
}

/** `columns` null: the lines are not wrapped. */
export function approvalScreen(display: Display, columns: number | null): ApprovalScreen {
  const { request, claims, signatures, signing, doubts } = display;
  const shown = shownPayload(request.payload);
  const line = (label: string, value: string) => labelledLines(label, marked(value), columns);
  const uses = claims.uses ?? USES_DEFAULT;
  return {
    payload: [
      "This would run:",
      "",
      ...numberedLines(shown.lines, columns),
      ...(shown.ascii === null ? [] : ["", ...labelledLines("in ASCII", shown.ascii, columns)]),
      "",
    ],
    summary: [
      ...line("action", request.action),
      ...line("payload", `all of the ${payloadLength(shown)} above`),
      ...line("digest", actionDigest(request)),
      ...handlerLines(display, line),
      ...line("for", claims.aud),
      ...line("tenant", claims.tenant ?? "(none)"),
      ...line("nonce", claims.nonce ?? "(any: this approval binds none)"),
      ...line("id", claims.jti),
      ...line(
        "uses",
        uses === 1 ? "1" : `${uses}, each with a nonce of its own, all with this payload`,
      ),
      ...line("peer", claims.sub ?? "(any peer)"),
      ...validityOf(display).flatMap(([label, text]) => line(label, text)),
      ...line("by", claims.iss),
      ...signatures.flatMap(({ keyid, standing }) => line("signed", `${keyid} (${standing})`)),
      ...line("key", `${signing.keyid} of ${signing.name}`),
      ...doubts.flatMap(({ code, text }) => line("WARNING", `${text} (${code})`)),
    ],
  };
}

function handlerLines(
  { claims, handler }: Display,
  line: (label: string, value: string) => string[],
): string[] {
  const configured = handler?.digest ?? null;
  const pinned = claims.handler_digest ?? null;
  const text = pinned ??
    (configured === null
      ? "(whichever is configured)"
      : `${configured} (now; this approval pins none)`);
  return [
    ...line("handler", text),
    ...(handler === null ? [] : line("reaches", handler.permissions)),
  ];
}

function validityOf({ claims, isNew, nowSeconds }: Display): [label: string, text: string][] {
  const notBefore: [string, string][] = claims.nbf === undefined
    ? []
    : [["from", timeText(claims.nbf, nowSeconds)]];
  return [
    ...notBefore,
    [
      "expires",
      isNew ? `${claims.exp - claims.iat} s after the answer` : timeText(claims.exp, nowSeconds),
    ],
  ];
}

function timeText(seconds: number, nowSeconds: number): string {
  const left = Math.round(seconds - nowSeconds);
  const clock = seconds <= YEAR_9999
    ? new Date(seconds * 1000).toISOString().replace(".000Z", "Z")
    : String(seconds);
  return `${clock} (${left >= 0 ? `in ${left} s` : `${-left} s ago`})`;
}

const YEAR_9999 = 253_402_300_799;
