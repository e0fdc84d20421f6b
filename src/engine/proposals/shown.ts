/** The action as a reviewer is shown it, and the digest by which a change of it is noticed. */

import { canonicalJson } from "../../core/json/canonical_json.ts";
import { seatsJson } from "../../core/approvers_needed.ts";
import { digestOf } from "../../core/sha.ts";
import { utf8Encode } from "../../core/bytes.ts";
import type { Digest, JsonObject } from "../../core/types.ts";
import type { FoundAction } from "../starter.ts";

/** The handler that will run, and what it may reach. */
export type HandlerView = {
  readonly digest: Digest;
  readonly permissions: JsonObject;
  readonly secrets: readonly string[];
};

export function handlerView({ action, registered }: FoundAction): HandlerView {
  const { net, read, write, env, run, unix } = action.allow;
  return {
    digest: registered.digest,
    permissions: { net, read, write, env, run, unix },
    secrets: [...action.secrets.keys()].sort(),
  };
}

/** Covers everything of an action's configuration that a decision rests on. */
export function shownDigest(found: FoundAction): Digest {
  const { require, unconfined } = found.action;
  const asked = { approvals: seatsJson(found.action), require, unconfined };
  return digestOf(utf8Encode(canonicalJson({ ...asked, ...handlerView(found) })));
}
