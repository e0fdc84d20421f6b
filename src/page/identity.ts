/**
 * Who decides in this browser, and what it knows of the executor. The browser keeps both; neither
 * is a secret, and neither gives any power.
 */

import { formatPublicKey, parsePublicKey } from "../core/keys/public_key.ts";

const APPROVER = "openexec.approver";
const EXECUTOR = "openexec.executor";
const EXECUTOR_KEY = "openexec.executor_key";

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

/** The executor_id that this address was first used for; null before. */
export function knownExecutor(): string | null {
  return localStorage.getItem(EXECUTOR);
}

/** Another executor has another key. */
export function keepExecutor(executorId: string): void {
  if (executorId !== knownExecutor()) localStorage.removeItem(EXECUTOR_KEY);
  localStorage.setItem(EXECUTOR, executorId);
}

/** The executor's key as it was first seen here, 32 bytes; undefined before. */
export function knownExecutorKey(): Uint8Array | undefined {
  return parsePublicKey(localStorage.getItem(EXECUTOR_KEY) ?? "");
}

export function keepExecutorKey(publicKey: Uint8Array): void {
  localStorage.setItem(EXECUTOR_KEY, formatPublicKey(publicKey));
}
