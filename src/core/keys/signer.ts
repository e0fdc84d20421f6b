/** The key and the person behind a signature, and how strong an action asks them to be. */

import type { Signer } from "../types.ts";

/** The kind of key behind a signature that verified, and what it says of key and person. */
export type SignerFacts = Pick<Signer, "kind" | "userVerified" | "hardware">;

/** How strong a key an action asks for, the weakest first. */
export const REQUIREMENTS = ["any", "hardware", "user_verified"] as const;
export type Requirement = (typeof REQUIREMENTS)[number];

/** Tells whether a signature is as strong as asked. user_verified asks for hardware too. */
export function meets({ hardware, userVerified }: SignerFacts, requirement: Requirement): boolean {
  return requirement === "any" || (hardware && (requirement === "hardware" || userVerified));
}

/** Says it to a person: "sshsig, hardware, person verified". */
export function factsText({ kind, hardware, userVerified }: SignerFacts): string {
  return `${kind}${hardware ? ", hardware" : ""}${userVerified ? ", person verified" : ""}`;
}
