/** What an approval says beside the request itself: from the flags, else the configuration, else the daemon. */

import * as v from "valibot";
import { type ApprovalClaims, USES_DEFAULT } from "../../core/approval_claims.ts";
import {
  type AcceptedTerms,
  type ApprovalTerms,
  CarriedTermError,
  requireAccepted,
} from "../../client/approval_terms.ts";
import type { ApproverKey } from "../../client/approver_key.ts";
import { OpenExecUnreachable } from "../../client/errors.ts";
import type { ApproverConfig, Config } from "../../config/config.ts";
import { ConfigError } from "../../config/config_error.ts";
import { span } from "../../config/fields.ts";
import { type Envelope, preAuthEncoding } from "../../core/dsse.ts";
import { verify } from "../../core/ed25519.ts";
import { equalBytes } from "../../core/bytes.ts";
import { USES_MAX } from "../../core/limits.ts";
import { isDigest } from "../../core/sha.ts";
import type { Digest } from "../../core/types.ts";
import type { Cli, DaemonFlags } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { findConfig, withDaemon } from "../context.ts";

export interface ApproveFlags extends DaemonFlags {
  readonly key: string;
  readonly ttl?: string;
  readonly iss?: string;
  readonly aud?: string;
  readonly sub?: string;
  readonly tenant?: string;
  readonly uses?: string;
  readonly handlerDigest?: string;
  readonly replace?: true;
  readonly yes?: true;
}

/** Throws UsageError, ConfigError, OpenExecUnreachable where the daemon has to be asked and is not there. */
export async function resolveTerms(
  cli: Cli,
  key: ApproverKey,
  flags: ApproveFlags,
): Promise<ApprovalTerms> {
  const iss = flags.iss ?? approverOf(cli, key, flags) ?? key.name;
  if (iss === null) {
    throw new UsageError(
      "whose key this is says neither the configuration nor its file; name the approver with --iss",
    );
  }
  const { aud, tenant } = await destination(cli, flags);
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
 * What of a carried approval its further signer accepts. A person sees uses and life and decides; where nobody is asked they are
 * the defaults of a new approval, and the audience is the configuration's. `--iss` only names the signer.
 */
export function acceptedTerms(
  cli: Cli,
  claims: ApprovalClaims,
  flags: ApproveFlags,
): AcceptedTerms {
  const isShown = flags.yes === undefined;
  const config = isShown ? null : configurationHere(cli, flags);
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

/** Throws UsageError, which names the flag, for the first term that is not as accepted. */
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
      `the approval it carries says ${error.said}, which ${flag} does not accept; --replace makes a new one`,
    );
  }
}

/** The approver whose key the configuration says it is; null where there is none, or no configuration to be had. */
export function approverOf(cli: Cli, key: ApproverKey, flags: DaemonFlags): string | null {
  const owner = approversOf(cli, flags).find(({ keys }) =>
    keys.some(({ keyid, publicKey }) => keyid === key.keyid && equalBytes(publicKey, key.publicKey))
  );
  return owner?.name ?? null;
}

/** Who signed already, and whether the configuration here lets one tell. */
export function standingOf(
  cli: Cli,
  envelope: Envelope,
  flags: DaemonFlags,
): { keyid: string; standing: string }[] {
  const message = preAuthEncoding(envelope.payloadType, envelope.body);
  const approvers = approversOf(cli, flags);
  return envelope.signatures.map(({ keyid, signature }) => {
    const owner = approvers.find(({ keys }) => keys.some((key) => key.keyid === keyid));
    const key = owner?.keys.find((candidate) => candidate.keyid === keyid);
    if (owner === undefined || key === undefined) {
      return { keyid, standing: "not a key known here: unverified" };
    }
    const standing = verify(signature, message, key.publicKey) ? "verified" : "DOES NOT VERIFY";
    return { keyid, standing: `${owner.name}, ${standing}` };
  });
}

/** The configuration is believed before the daemon; a daemon is only asked for what no flag and no file says. */
async function destination(
  cli: Cli,
  flags: ApproveFlags,
): Promise<{ aud: string; tenant: string | null }> {
  const config = configurationHere(cli, flags);
  const file = config !== null && config.path !== null ? config : null;
  const aud = flags.aud ?? file?.executorId ?? null;
  const tenant = flags.tenant ?? file?.tenant ?? null;
  if (aud !== null && (tenant !== null || file !== null)) return { aud, tenant };
  const daemon = await askDaemon(cli, flags, aud);
  return { aud: aud ?? daemon.aud, tenant: file === null ? tenant ?? daemon.tenant : tenant };
}

/** An approver elsewhere names the audience, and then needs no daemon: without one there is no tenant but --tenant. */
async function askDaemon(
  cli: Cli,
  flags: ApproveFlags,
  aud: string | null,
): Promise<{ aud: string; tenant: string | null }> {
  try {
    const { executor_id, tenant } = await withDaemon(cli, flags, "agent", (client) => {
      return client.describe({ retry: false });
    });
    return { aud: executor_id, tenant: aud === null || aud === executor_id ? tenant : null };
  } catch (error) {
    if (aud !== null && (error instanceof OpenExecUnreachable || error instanceof ConfigError)) {
      return { aud, tenant: null };
    }
    throw error;
  }
}

function approversOf(cli: Cli, flags: DaemonFlags): readonly ApproverConfig[] {
  return configurationHere(cli, flags)?.approvers ?? [];
}

/** null where none was named and the system's is broken or not for this user to read: approvers sit elsewhere too. */
function configurationHere(cli: Cli, flags: DaemonFlags): Config | null {
  try {
    return findConfig(cli, flags).config;
  } catch (error) {
    if (
      error instanceof ConfigError && flags.config === undefined && cli.environment.config === null
    ) {
      return null;
    }
    throw error;
  }
}

function ttlOf(text: string): number {
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
