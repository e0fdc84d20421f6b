/**
 * Who decides here, and for which executor. The browser keeps both; neither is a secret, and
 * neither gives any power.
 */

const APPROVER = "openexec.approver";
const AUDIENCE = "openexec.audience";

export interface Identity {
  /** The approver's name in the daemon's configuration: the `iss` of what is signed. */
  readonly name: string;
  /** The keyid of the approver's passkey there. */
  readonly keyid: string;
}

export function identity(): Identity | null {
  const [name, keyid] = (localStorage.getItem(APPROVER) ?? "").split(" ");
  return name && keyid ? { name, keyid } : null;
}

/** Neither may have a space: the configuration allows none. */
export function keepIdentity({ name, keyid }: Identity): void {
  localStorage.setItem(APPROVER, `${name} ${keyid}`);
}

/**
 * Returns the executor that this address was first used for, if it was another one than
 * `audience`: what answers here now is then not what this person knows.
 */
export function otherAudience(audience: string): string | null {
  const known = localStorage.getItem(AUDIENCE);
  if (known === null) localStorage.setItem(AUDIENCE, audience);
  return known === null || known === audience ? null : known;
}

/** The person says that another executor is to be known at this address. */
export function acceptAudience(audience: string): void {
  localStorage.setItem(AUDIENCE, audience);
}
