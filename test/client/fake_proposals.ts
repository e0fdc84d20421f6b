/**
 * The proposals of the stand-in daemon: what waits, decisions and events, in memory. It counts
 * signatures and checks none.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { actionDigest } from "../support/approver.ts";
import canonicalize from "canonicalize";
import { type ErrorCode, ERRORS } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/types.ts";

type Answer = readonly [status: number, body: JsonObject] | ErrorCode;
type Signature = { readonly keyid: string; readonly sig: string };
type Envelope = { readonly payload: string; readonly signatures: readonly Signature[] };

const END_BY_CODE = { withdrawn: "proposal_withdrawn", declined: "proposal_declined" } as const;

export class FakeProposals {
  readonly proposals = new Map<string, JsonObject>();
  /** Bodies that were signed, as they came. */
  readonly approvals: Envelope[] = [];
  readonly declines: Envelope[] = [];
  /** How often a proposal began. */
  begun = 0;
  needed = 1;
  /** Milliseconds that this daemon's clock is ahead. */
  aheadMs = 0;
  readonly #streams = new Set<ServerResponse>();
  readonly #waits = new Set<() => void>();

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** Answers one request; undefined for a path that is none of these. */
  async answer(
    request: IncomingMessage,
    url: URL,
    body: string,
    response: ServerResponse,
  ): Promise<Answer | "streaming" | undefined> {
    const [, first, id = "", act] = url.pathname.split("/");
    if (first === "events") return this.#stream(response);
    if (first !== "proposals") return undefined;
    const { method } = request;
    if (method === "POST" && id === "") return this.#propose(JSON.parse(body));
    if (method === "DELETE") return this.#end(id, "withdrawn");
    if (act === "approvals") return this.#approve(id, JSON.parse(body));
    if (act === "decline") return this.#decline(id, JSON.parse(body));
    const nonce = url.searchParams.get("nonce");
    if (id === "" && nonce === null) return this.#page(url.searchParams.get("status"));
    const found = [...this.proposals.values()].find((one) =>
      one["id"] === id || one["nonce"] === nonce
    );
    if (found === undefined) return "proposal_not_found";
    if (/^wait=[1-9]/.test(String(request.headers["prefer"])) && isOpen(found)) {
      await new Promise<void>((resolve) => this.#waits.add(resolve));
    }
    return this.#shown(String(found["id"]));
  }

  /** Changes a proposal, and tells whoever follows. */
  change(id: string, members: JsonObject): void {
    const known = this.proposals.get(id);
    if (known !== undefined) this.proposals.set(id, { ...known, ...members });
    const event = JSON.stringify({ id, status: this.proposals.get(id)?.["status"] ?? "" });
    for (const stream of this.#streams) {
      stream.write(`id: e${id}\nevent: proposal\ndata: ${event}\n\n`);
    }
    for (const go of this.#waits) go();
    this.#waits.clear();
  }

  /** Breaks every open stream and wait. */
  breakStreams(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }

  #now(): string {
    return new Date(this.nowMs() + this.aheadMs).toISOString();
  }

  #propose(asked: JsonObject): Answer {
    const { action, payload = {}, nonce, reason, client } = asked;
    const known = [...this.proposals.values()].find((one) => one["nonce"] === nonce);
    if (known !== undefined) {
      const isSame = canonicalize(known["payload"]) === canonicalize(payload);
      return isSame ? this.#shown(String(known["id"])) : "nonce_reused";
    }
    this.begun++;
    const id = `0190b1c0-0000-7000-8000-${String(this.begun).padStart(12, "0")}`;
    this.proposals.set(id, {
      id,
      action: action ?? "",
      payload,
      nonce: nonce ?? id,
      ...(reason === undefined ? {} : { reason }),
      ...(client === undefined ? {} : { client }),
      status: "pending",
      proposed_at: this.#now(),
      expires_at: new Date(this.nowMs() + 3_600_000).toISOString(),
      peer: { uid: 1000, pid: 4711 },
    });
    this.change(id, {});
    return this.#shown(id);
  }

  #approve(id: string, envelope: Envelope): Answer {
    const proposal = this.proposals.get(id);
    if (proposal === undefined) return "proposal_not_found";
    if (!isOpen(proposal)) return "proposal_over";
    this.approvals.push(envelope);
    const given = this.approvals.filter(({ payload }) => payload === envelope.payload);
    if (given.length < this.needed) this.change(id, {});
    else {
      const { action = "", payload = {} } = proposal;
      const execution = { id, action, status: "succeeded", result: payload, log_index: 7 };
      this.change(id, { status: "succeeded", execution });
    }
    return this.#shown(id);
  }

  #decline(id: string, envelope: Envelope): Answer {
    this.declines.push(envelope);
    const { iss, reason } = JSON.parse(atob(envelope.payload));
    return this.#end(id, "declined", { decline: { by: iss, reason, at: this.#now() } });
  }

  #end(id: string, status: keyof typeof END_BY_CODE, more: JsonObject = {}): Answer {
    const proposal = this.proposals.get(id);
    if (proposal === undefined) return "proposal_not_found";
    if (!isOpen(proposal)) return "proposal_over";
    const code = END_BY_CODE[status];
    const { effect, retry, title: detail } = ERRORS[code];
    this.change(id, { status, problem: { code, detail, effect, retry }, ...more });
    return this.#shown(id);
  }

  #shown(id: string): Answer {
    const proposal = this.proposals.get(id) ?? {};
    return [isOpen(proposal) ? 202 : 200, this.#view(proposal)];
  }

  #view(proposal: JsonObject): JsonObject {
    const { action = "", payload = {} } = proposal;
    const bodies = new Map<string, Signature[]>();
    for (const { payload: body, signatures } of this.approvals) {
      if (JSON.parse(atob(body))["nonce"] !== proposal["nonce"]) continue;
      bodies.set(body, [...bodies.get(body) ?? [], ...signatures]);
    }
    const given = [...bodies].flatMap(([body, signatures]) => {
      const { iss, jti } = JSON.parse(atob(body));
      return signatures.map(({ keyid }) => ({
        name: keyid.replace(/-\d+$/, ""),
        keyid,
        kind: "ed25519",
        iss,
        jti,
      }));
    });
    const similar = [...this.proposals.values()].filter((other) =>
      other["id"] !== proposal["id"] && canonicalize(other["payload"]) === canonicalize(payload)
    ).map((other) => ({
      id: other["id"] ?? "",
      status: other["status"] ?? "",
      at: other["proposed_at"] ?? "",
      uid: 1000,
    }));
    return {
      request: {
        canonical: canonicalize({ action, payload }) ?? "",
        action_digest: actionDigest(String(action), payload),
      },
      handler: {
        digest: `sha256:${"ab".repeat(32)}`,
        permissions: { net: ["api.example.com:443"], read: [] },
        secrets: [],
      },
      similar,
      approval: [...bodies].map(([body, signatures]) => ({
        payload: body,
        payloadType: "application/vnd.openexec.approval.v2+json",
        signatures,
      })),
      ...proposal,
      now: this.#now(),
      approvals: { needed: this.needed, given, max_ttl_seconds: 900 },
    };
  }

  #page(status: string | null): Answer {
    const proposals: Json[] = [...this.proposals.values()]
      .filter((one) => status === null || one["status"] === status)
      .map((one) => this.#view(one));
    return [200, { proposals, next: null, now: this.#now() }];
  }

  #stream(response: ServerResponse): "streaming" {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(": hello\n\n");
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
    return "streaming";
  }
}

function isOpen({ status }: JsonObject): boolean {
  return status === "pending" || status === "approved" || status === "running";
}
