/** The terms of an approval: from the flags, else the configuration, else the daemon. */

import * as v from "valibot";
import { type ApprovalClaims, USES_DEFAULT } from "../../core/signed_claims.ts";
import {
  type AcceptedTerms,
  type ApprovalTerms,
  CarriedTermError,
  requireAccepted,
} from "../../client/approval_terms.ts";
import { OpenExecUnreachable } from "../../client/errors.ts";
import { ConfigError } from "../../config/config_error.ts";
import { span } from "../../config/fields.ts";
import { type Envelope, preAuthEncoding } from "../../core/dsse.ts";
import { USES_MAX } from "../../core/limits.ts";
import { isDigest } from "../../core/sha.ts";
import type { Digest } from "../../core/types.ts";
import { factsText } from "../../core/approvers_needed.ts";
import { verifyBy } from "../../core/keys/verifying_key.ts";
import type { DaemonFlags } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { type Context, withApproversDaemon } from "../context.ts";
import { approversOf, type ApprovingKey, type KeyFlags, requireApprover } from "./approving_key.ts";
import { configurationHere } from "./knowledge.ts";

export interface ApproveFlags extends KeyFlags {
  readonly ttl?: string;
  readonly iss?: string;
  readonly aud?: string;
  readonly sub?: string;
  readonly tenant?: string;
  readonly uses?: string;
  readonly handlerDigest?: string;
  readonly replace?: true;
  readonly out?: string;
  readonly anyway?: true;
  readonly yes?: true;
}

/** Throws UsageError, ConfigError, and OpenExecUnreachable where only a daemon could tell. */
export async function resolveTerms(
  context: Context,
  key: ApprovingKey,
  flags: ApproveFlags,
): Promise<ApprovalTerms> {
  const iss = requireApprover(context, key, flags);
  const { aud, tenant } = await destination(context, flags);
  const handlerDigest = flags.handlerDigest === undefined
    ? undefined
    : digestFlag(flags.handlerDigest);
  return {
    iss,
    aud,
    ...(flags.ttl === undefined ? {} : { ttlSeconds: ttlOf(flags.ttl) }),
    ...(flags.sub === undefined ? {} : { sub: flags.sub }),
    ...(tenant === null ? {} : { tenant }),
    ...(flags.uses === undefined ? {} : { uses: usesOf(flags.uses) }),
    ...(handlerDigest === undefined ? {} : { handlerDigest }),
  };
}

/**
 * Returns which terms of a carried approval its further signer accepts. A person sees uses and
 * life, and decides. With --yes they have to be the defaults of a new approval, and the audience
 * the configuration's, because the requester may have written them. `--iss` only names the signer.
 */
export function acceptedTerms(
  context: Context,
  claims: ApprovalClaims,
  flags: ApproveFlags,
): AcceptedTerms {
  const isShown = flags.yes === undefined;
  const config = isShown ? null : configurationHere(context, flags);
  const aud = flags.aud ?? (config === null || config.path === null ? null : config.executorId);
  return {
    ...(flags.uses !== undefined
      ? { uses: usesOf(flags.uses) }
      : isShown
      ? { uses: claims.uses ?? USES_DEFAULT }
      : {}),
    ...(flags.ttl !== undefined
      ? { ttlSeconds: ttlOf(flags.ttl) }
      : isShown
      ? { ttlSeconds: Infinity }
      : {}),
    ...(aud === null ? {} : { aud }),
    ...(flags.sub === undefined ? {} : { sub: flags.sub }),
    ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }),
    ...(flags.handlerDigest === undefined
      ? {}
      : { handlerDigest: digestFlag(flags.handlerDigest) }),
  };
}

const FLAGS: Readonly<Record<keyof AcceptedTerms, string>> = {
  uses: "--uses",
  ttlSeconds: "--ttl",
  aud: "--aud",
  sub: "--sub",
  tenant: "--tenant",
  handlerDigest: "--handler-digest",
};

/** Throws UsageError for the first term that is not accepted, and names its flag. */
export function requireWithinFlags(
  claims: ApprovalClaims,
  accepted: AcceptedTerms,
  nowSeconds: number,
): void {
  try {
    requireAccepted(claims, accepted, nowSeconds);
  } catch (error) {
    if (!(error instanceof CarriedTermError)) throw error;
    const flag = FLAGS[error.term];
    throw new UsageError(
      `the approval it carries says ${error.said}, which ${flag} does not accept; ` +
        "--replace makes a new one",
    );
  }
}

/**
 * Says of each signature whose it is, and whether it verifies, as far as the configuration tells.
 */
export function standingOf(
  context: Context,
  envelope: Envelope,
  flags: DaemonFlags,
): { keyid: string; standing: string }[] {
  const message = preAuthEncoding(envelope.payloadType, envelope.body);
  const approvers = approversOf(context, flags);
  return envelope.signatures.map(({ keyid, signature }) => {
    const owner = approvers.find(({ keys }) => keys.some((key) => key.keyid === keyid));
    const key = owner?.keys.find((candidate) => candidate.keyid === keyid);
    if (owner === undefined || key === undefined) {
      return { keyid, standing: "not a key known here: unverified" };
    }
    const facts = verifyBy(key, signature, message);
    const standing = facts === undefined ? "DOES NOT VERIFY" : `verified, ${factsText(facts)}`;
    return { keyid, standing: `${owner.name}, ${standing}` };
  });
}

/** Asks the daemon only for what no flag and no file says: it is believed last. */
async function destination(
  context: Context,
  flags: ApproveFlags,
): Promise<{ aud: string; tenant: string | null }> {
  const config = configurationHere(context, flags);
  const file = config !== null && config.path !== null ? config : null;
  const aud = flags.aud ?? file?.executorId ?? null;
  const tenant = flags.tenant ?? file?.tenant ?? null;
  if (aud !== null && (tenant !== null || file !== null)) return { aud, tenant };
  const daemon = await askDaemon(context, flags, aud);
  return { aud: aud ?? daemon.aud, tenant: file === null ? tenant ?? daemon.tenant : tenant };
}

/** An approver on another machine names the audience, and then needs no daemon. */
async function askDaemon(
  context: Context,
  flags: ApproveFlags,
  aud: string | null,
): Promise<{ aud: string; tenant: string | null }> {
  try {
    const { executor_id, tenant } = await withApproversDaemon(context, flags, (client) => {
      return client.describe();
    });
    return { aud: executor_id, tenant: aud === null || aud === executor_id ? tenant : null };
  } catch (error) {
    if (aud !== null && (error instanceof OpenExecUnreachable || error instanceof ConfigError)) {
      return { aud, tenant: null };
    }
    throw error;
  }
}

export function ttlOf(text: string): number {
  const parsed = v.safeParse(span, text);
  if (!parsed.success) {
    throw new UsageError('--ttl is a duration of whole seconds, such as "90s" or "5m"');
  }
  return parsed.output / 1000;
}

function usesOf(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > USES_MAX) {
    throw new UsageError(`--uses is a whole number, 1 to ${USES_MAX}`);
  }
  return Number(text);
}

function digestFlag(text: string): Digest {
  if (isDigest(text)) return text;
  throw new UsageError(
    "--handler-digest is sha256: and 64 lower-case hex digits, as `openexec pin` prints it",
  );
}
