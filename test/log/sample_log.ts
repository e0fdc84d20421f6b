/** An executor that signs and logs receipts in memory, as the daemon does on disk. */

import { utf8Encode } from "../../src/core/bytes.ts";
import { type SigningKey, signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { digestOf } from "../../src/core/sha.ts";
import {
  type ApprovalReference,
  type Digest,
  type JsonObject,
  PLAIN_KEY,
} from "../../src/core/types.ts";
import { writeExport } from "../../src/audit/export.ts";
import type { ExecutionFact, LedgerFacts } from "../../src/audit/executions.ts";
import { signCheckpoint } from "../../src/log/checkpoint.ts";
import { inclusionProof } from "../../src/log/proof.ts";
import type { Decided } from "../../src/log/decision_receipt.ts";
import {
  adminReceipt,
  commitment,
  executionReceipt,
  keyReceipt,
  type Receipt,
  refusalReceipt,
  type SettledExecution,
} from "../../src/log/receipt.ts";
import { type LoggedReceipt, receiptEnvelope, signReceipt } from "../../src/log/signed_receipt.ts";
import { formatTlogProof } from "../../src/log/tlog_proof.ts";
import { SampleClaims } from "../audit/sample_claims.ts";
import { StoredTree } from "./stored_tree.ts";

export const PEER = { uid: 1000, gid: 1000, pid: 4321, socket: "agent.sock" };
export const START_MS = Date.UTC(2026, 0, 31, 12);
/** The same each time, so that two logs of the same entries are equal. */
const LEAF_SALT = "AAAAAAAAAAAAAAAAAAAAAA==";
export const SALTS = { request: new Uint8Array(32).fill(1), result: new Uint8Array(32).fill(2) };

export const digest = (text: string): Digest => digestOf(utf8Encode(text));
export const executionId = (n: number): string =>
  `01900000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;

/** A charge of 5 that returned {"ok":true}; `changes` overwrite. */
export function settledExecution(
  n: number,
  changes: Partial<SettledExecution> = {},
): SettledExecution {
  return {
    id: executionId(n),
    action: "charge_card",
    nonce: `n-${n}`,
    mode: "enforced",
    peer: PEER,
    approval: {
      scheme: "dsse",
      iss: "rm",
      jti: `j-${n}`,
      signers: [{ name: "rm", keyid: "rm-1", ...PLAIN_KEY }],
    },
    handlerDigest: digest("handler"),
    requestCommitment: commitment(
      SALTS.request,
      digest('{"action":"charge_card","payload":{"amount":5}}'),
    ),
    resultCommitment: commitment(SALTS.result, digest('{"ok":true}')),
    status: "succeeded",
    code: null,
    traceId: null,
    proposedAtMs: null,
    receivedAtMs: START_MS + n,
    reservedAtMs: START_MS + n + 1,
    startedAtMs: START_MS + n + 2,
    settledAtMs: START_MS + n + 3,
    ...changes,
  };
}

/** An approval by a security key that asked for its PIN, and by a passkey that may be synced. */
export function byHardware(jti: string): ApprovalReference {
  const signers = [
    { name: "rm", keyid: "rm-sk", kind: "sshsig", userVerified: true, hardware: true },
    { name: "cfo", keyid: "cfo-1", kind: "passkey", userVerified: true, hardware: false },
    { name: "ops", keyid: "ops-1", ...PLAIN_KEY },
  ] as const;
  return { scheme: "dsse", iss: "rm", jti, signers };
}

/** A proposal that was declined; `changes` overwrite. */
export function decided(changes: Partial<Decided> = {}): Decided {
  return {
    proposalId: executionId(1),
    action: "charge_card",
    nonce: "n-1",
    requestCommitment: digest("request"),
    peer: PEER,
    by: { name: "cfo", keyid: "cfo-1", kind: "passkey", userVerified: true, hardware: true },
    decision: "declined",
    code: "proposal_declined",
    reasonCommitment: digest("reason"),
    proposedAtMs: START_MS,
    atMs: START_MS + 1,
    ...changes,
  };
}

export const unsuccessful = {
  status: "outcome_unknown",
  code: "outcome_unknown",
  resultCommitment: null,
} as const;

export class SampleLog {
  readonly entries: LoggedReceipt[] = [];
  readonly tree = new StoredTree();
  readonly facts = new Map<string, ExecutionFact>();
  signer: SigningKey;

  constructor(readonly executorId = "openexec:h", seed = 1) {
    this.signer = signingKeyOf(new Uint8Array(32).fill(seed));
    this.append(keyReceipt(executorId, this.signer.publicKey, START_MS));
  }

  /** `executions` of them, and a refusal after every third. */
  static of(executions: number, executorId?: string): SampleLog {
    const log = new SampleLog(executorId);
    for (let n = 0; n < executions; n++) {
      log.execute(n);
      if (n % 3 === 2) log.refuse(n);
    }
    return log;
  }

  append(receipt: Receipt): LoggedReceipt {
    const entry = { ...signReceipt(receipt, this.signer), index: this.entries.length };
    this.entries.push(entry);
    this.tree.append(entry.body);
    return entry;
  }

  execute(n: number, changes: Partial<SettledExecution> = {}): LoggedReceipt {
    const settled = settledExecution(n, changes);
    const entry = this.append(executionReceipt(this.executorId, settled, false));
    this.facts.set(settled.id, { ...settled, logIndex: entry.index, resolution: null });
    return entry;
  }

  refuse(n: number): LoggedReceipt {
    const code = "approval_expired";
    const refused = {
      code,
      action: "echo",
      nonce: `r-${n}`,
      peer: PEER,
      atMs: START_MS + n,
    } as const;
    return this.append({ ...refusalReceipt(this.executorId, refused), salt: LEAF_SALT });
  }

  /** As an operator withdraws an approval. */
  revoke(iss: string, jti: string): LoggedReceipt {
    const done = { act: "revoke", peer: PEER, atMs: START_MS, detail: { iss, jti } } as const;
    return this.append({ ...adminReceipt(this.executorId, done), salt: LEAF_SALT });
  }

  rotate(seed: number): LoggedReceipt {
    const next = signingKeyOf(new Uint8Array(32).fill(seed));
    const entry = this.append(keyReceipt(this.executorId, next.publicKey, START_MS));
    this.signer = next;
    return entry;
  }

  checkpoint(size = this.entries.length): string {
    return signCheckpoint(this.executorId, size, this.tree.root(size), this.signer);
  }

  proof(index: number, size = this.entries.length): string {
    const hashes = inclusionProof(this.tree, index, size);
    return formatTlogProof({ index, hashes, checkpoint: this.checkpoint(size), extra: null });
  }

  entry(index: number): LoggedReceipt {
    const entry = this.entries[index];
    if (entry === undefined) throw new RangeError("no such entry");
    return entry;
  }

  envelope(index: number): JsonObject {
    return receiptEnvelope(this.entry(index));
  }

  /** As GET /receipts/{index} answers. */
  receiptFile(index: number): string {
    return JSON.stringify({
      log_index: index,
      attestation: this.envelope(index),
      tlog_proof: this.proof(index),
    });
  }

  /** With these claims, and lists, in place of what the executions took. */
  ledger(changes: Partial<LedgerFacts> = {}): LedgerFacts {
    const { executorId, facts } = this;
    const reserved = () => [...facts.values()].filter(({ status }) => status === "reserved");
    return {
      executorId,
      claims: SampleClaims.of(facts.values()),
      log: { leaf: (index) => this.entries[index] },
      find: (id) => facts.get(id),
      count: () => facts.size,
      all: () => facts.values(),
      unsettled: () => reserved().map(({ id }) => id),
      isListed: () => true,
      proposal: () => undefined,
      proposals: () => [],
      waiting: () => [],
      owed: () => [],
      ...changes,
    };
  }

  export(): string {
    const header = { executorId: this.executorId, publicKey: this.signer.publicKey };
    return [...writeExport(header, this.entries, this.checkpoint())].join("");
  }
}
