/**
 * Fixed limits: bounds that no configuration moves, because what they protect is this program and not a policy.
 * Configurable ones are in config/config.ts.
 */

/** Arrays and objects may stand this deep in each other; the request's own object is the first level. */
export const NESTING_DEPTH_MAX = 128;

/** Length of names: action, nonce, jti, iss, tenant, aud, keyid. */
export const NAME_LENGTH_MAX = 255;

/** Signatures in one envelope: each costs a verification before anything else is known of the sender. */
export const SIGNATURES_MAX = 64;

/** Executions one approval may start at most (`uses`). */
export const USES_MAX = 10_000;

const NAME = /^[\x21-\x7e]{1,255}$/;

/** Whether `text` may stand where openexec wants a name: 1 to 255 characters of visible ASCII (0x21-0x7E). */
export function isName(text: string): boolean {
  return NAME.test(text);
}
