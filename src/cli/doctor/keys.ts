/** Checks keys and secrets: who can approve, and what the daemon itself needs. */

import { join } from "node:path";
import { isKeyValidAt } from "../../approval/trust.ts";
import type { ApproverConfig, Config } from "../../config/config.ts";
import { unfillableSeats } from "../../config/checks.ts";
import { seatsJson, seatsText } from "../../core/approvers_needed.ts";
import { CREDENTIAL_STORES, SYSTEM_CONFIG } from "../../config/defaults.ts";
import { couldMeet } from "../../core/keys/verifying_key.ts";
import { checkExecutorKey } from "../../engine/keys.ts";
import { readSecrets } from "../../executor/secrets.ts";
import { realPath } from "../../os/files.ts";
import { failed, type Finding, findingOf, ok, warning } from "./finding.ts";

export function checkApprovers(config: Config, nowMs: number): Finding[] {
  const { mode, approvers, clawshield, developmentApprover } = config;
  if (mode === "demo") {
    return [
      warning("keys", "demo mode needs no approvals", 'set mode = "enforced" for anything real'),
    ];
  }
  if (approvers.length === 0 && clawshield === null) {
    return [
      developmentApprover === null
        ? failed(
          "keys",
          "nobody can approve anything",
          "add an [[approvers]] table; `openexec keygen` prints its key",
        )
        : ok("keys", "an approver key is made on first start"),
    ];
  }
  const valid = approvers.filter(({ keys }) => keys.some((key) => isKeyValidAt(key, nowMs)));
  const expired = approvers.filter((approver) => !valid.includes(approver));
  const found = [
    ...expired.map(({ name }) =>
      warning("keys", `no key of ${name} is valid now`, "give that approver a new key")
    ),
    ...unreachablePasskeys(config),
    ...unapprovable(config, nowMs),
  ];
  return found.length > 0 ? found : [ok("keys", signersText(config, valid))];
}

/** Tells how many keys are no files that a program of that user could read. */
function signersText({ clawshield }: Config, valid: readonly ApproverConfig[]): string {
  const held = valid.filter(({ keys }) => keys.some((key) => couldMeet(key, "hardware")));
  const all = valid.length + (clawshield === null ? 0 : 1);
  return `${all} approvers can sign, ${held.length} of them with a security key or a passkey`;
}

/** A passkey signs on the review page alone, which only an approver's socket has. */
function unreachablePasskeys({ approvers, sockets }: Config): Finding[] {
  if (sockets.some(({ role }) => role === "approver")) return [];
  return approvers.filter(({ keys }) => keys.some(({ kind }) => kind === "passkey"))
    .map(({ name }) =>
      warning(
        "keys",
        `${name} has a passkey, and no socket serves the review page`,
        'add a [[sockets]] table with role = "approver"',
      )
    );
}

/** Finds actions that need more than the keys that are valid now could give. */
function unapprovable(config: Config, nowMs: number): Finding[] {
  return [...config.actions.values()].flatMap((action) => {
    if (unfillableSeats(config, action, (key) => isKeyValidAt(key, nowMs)) === 0) return [];
    const strength = action.require === "any" ? "" : ` with keys of require = "${action.require}"`;
    const needed = `${action.name} needs ${seatsText(seatsJson(action))}${strength}`;
    const detail = `${needed}, and too few may approve it now`;
    return [failed("keys", detail, "add approvers or keys, or widen their actions")];
  });
}

/** From where doctor looks for the daemon's own keys and secrets. */
export interface Vantage {
  /** $CREDENTIALS_DIRECTORY, which the service's unit has, and a shell beside it has not. */
  readonly credentials: string | null;
  /** Whether a daemon of this configuration serves, and so has all it needs. */
  readonly isServing: boolean;
}

/**
 * `ownDirectory` is $CREDENTIALS_DIRECTORY. A service of this host that is stopped would get its
 * key from a credential store, so that is looked at in its place.
 */
export function vantageOf(
  { path }: Config,
  ownDirectory: string | null,
  isServing: boolean,
): Vantage {
  const isThere = (store: string) => realPath(join(store, "executor.key")) !== undefined;
  const store = path === SYSTEM_CONFIG && !isServing ? CREDENTIAL_STORES.find(isThere) : undefined;
  return { credentials: ownDirectory ?? store ?? null, isServing };
}

export async function checkSecrets({ actions }: Config, vantage: Vantage): Promise<Finding[]> {
  const needed = [...actions.values()].filter((action) => action.secrets.size > 0);
  const found: Finding[] = [];
  for (const { secrets } of needed) {
    try {
      await readSecrets(secrets);
    } catch (error) {
      found.push(...seenFrom(vantage, "secrets", error));
    }
  }
  if (needed.length === 0 || found.length > 0) return found;
  return [ok("secrets", `those of ${needed.length} actions can be read`)];
}

/** `recorded` is the keyid that the log says signs; null for an empty log. */
export function checkSigner(
  { stateDir }: Config,
  recorded: string | null,
  vantage: Vantage,
): Finding[] {
  if (recorded === null) return [];
  try {
    checkExecutorKey(stateDir, vantage.credentials, recorded);
    return [ok("executor key", "the log can go on with it")];
  } catch (error) {
    return seenFrom(vantage, "executor key", error);
  }
}

/** A shell does not see the unit's credentials. A daemon that serves does. */
function seenFrom({ credentials, isServing }: Vantage, check: string, error: unknown): Finding[] {
  const found = findingOf(check, error);
  if (credentials !== null || !isServing) return found;
  return [ok(check, "not seen from here; the daemon that serves has it")];
}
