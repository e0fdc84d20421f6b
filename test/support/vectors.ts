/**
 * The vector files of test/vectors. A loader throws when it finds another number of cases than it
 * declares.
 */

import { readFileSync } from "node:fs";
import * as v from "valibot";

function load<T extends { cases: readonly unknown[] }>(
  file: string,
  count: number,
  schema: v.GenericSchema<unknown, T>,
): T {
  const path = new URL(`../vectors/${file}`, import.meta.url);
  const vectors = v.parse(schema, JSON.parse(readFileSync(path, "utf8")));
  if (vectors.cases.length !== count) {
    throw new Error(`${file} holds ${vectors.cases.length} cases, not ${count}`);
  }
  return vectors;
}

const CANONICAL = v.object({
  cases: v.array(v.object({
    name: v.string(),
    action: v.string(),
    payload_text: v.string(),
    canonical: v.optional(v.string()),
    action_digest: v.optional(v.string()),
    refused: v.optional(v.string()),
  })),
});

export function canonicalVectors() {
  return load("canonical_json.json", 28, CANONICAL).cases;
}

const APPROVALS = v.object({
  now: v.number(),
  trust: v.object({
    executor_id: v.string(),
    tenant: v.string(),
    approvers: v.array(v.object({
      name: v.string(),
      actions: v.array(v.string()),
      max_ttl_seconds: v.number(),
      keys: v.array(v.object({
        keyid: v.string(),
        public_key: v.string(),
        not_before: v.optional(v.number()),
        not_after: v.optional(v.number()),
      })),
    })),
    peer: v.object({ uid: v.number(), socket: v.string() }),
    actions: v.record(
      v.string(),
      v.object({ approvals: v.number(), handler_digest: v.optional(v.string()) }),
    ),
  }),
  cases: v.array(v.object({
    name: v.string(),
    expect: v.string(),
    request: v.object({
      action: v.string(),
      payload: v.unknown(),
      nonce: v.string(),
      approval: v.unknown(),
    }),
  })),
});

export function approvalVectors() {
  return load("approvals.json", 58, APPROVALS);
}

const CLAWSHIELD = v.object({
  now: v.string(),
  public_key_pem: v.string(),
  tenant_id: v.string(),
  cases: v.array(v.object({
    name: v.string(),
    expect: v.string(),
    action: v.string(),
    payload_text: v.string(),
    nonce: v.string(),
    approval_artifact: v.record(v.string(), v.string()),
  })),
});

export function clawshieldVectors() {
  return load("clawshield.json", 37, CLAWSHIELD);
}
