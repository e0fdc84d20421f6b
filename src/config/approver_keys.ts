/** An approver's keys, from what the file says of each: of which kind, and when it counts. */

import type { VerifyingKey } from "../core/keys/verifying_key.ts";
import type { ApproverPublicKey } from "./config.ts";
import type { KeyPath, NoteProblem } from "./config_error.ts";
import type { KeySettings } from "./schema.ts";

/** The origin of a page that `ssh -L` or `openexec review --web` shows. */
const LOCAL_ORIGIN = "http://localhost:8822";
const LOCALHOST = "localhost";

/** Notes a key that is of no kind or of several, and what does not belong to its kind. */
export function approverKeys(
  settings: readonly KeySettings[],
  where: KeyPath,
  note: NoteProblem,
): ApproverPublicKey[] {
  return settings.flatMap((key, index) => {
    const verifying = verifyingKey(key, [...where, index], note);
    if (verifying === undefined) return [];
    const { keyid, not_before: notBefore = null, not_after: notAfter = null } = key;
    return [{ ...verifying, keyid, notBefore, notAfter }];
  });
}

function verifyingKey(
  { public_key: publicKey, ssh, passkey, rp_id: rpId, origins }: KeySettings,
  where: KeyPath,
  note: NoteProblem,
): VerifyingKey | undefined {
  if ([publicKey, ssh, passkey].filter((kind) => kind !== undefined).length !== 1) {
    note(where, "a key is exactly one of public_key, ssh and passkey");
    return undefined;
  }
  if (passkey !== undefined) return passkeyOf(passkey, rpId, origins, where, note);
  for (const [name, value] of Object.entries({ rp_id: rpId, origins })) {
    if (value !== undefined) note([...where, name], "only a passkey has it");
  }
  if (ssh !== undefined) return { kind: "sshsig", ...ssh };
  return publicKey && { kind: "ed25519", publicKey };
}

function passkeyOf(
  passkey: NonNullable<KeySettings["passkey"]>,
  rpId: string | undefined,
  origins: readonly string[] | undefined,
  where: KeyPath,
  note: NoteProblem,
): VerifyingKey | undefined {
  if (rpId === undefined) {
    note([...where, "rp_id"], "missing; a passkey was made for one name, such as localhost");
    return undefined;
  }
  const secure = `https://${rpId}`;
  origins?.forEach((origin, index) => {
    // an origin without TLS is of localhost: fields.ts takes no other
    if (origin === secure || (rpId === LOCALHOST && origin.startsWith("http:"))) return;
    const expected = rpId === LOCALHOST ? `"http://localhost:PORT" or "${secure}"` : `"${secure}"`;
    note([...where, "origins", index], `a passkey of ${rpId} is used at ${expected}`);
  });
  const fallback = rpId === LOCALHOST ? LOCAL_ORIGIN : secure;
  return { kind: "passkey", ...passkey, rpId, origins: origins ?? [fallback] };
}
