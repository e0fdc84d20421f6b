/** How long the daemon takes to verify a signature of each kind that a person may make. */

import process from "node:process";
import { prepare, verifyBy, type VerifyingKey } from "../src/core/keys/verifying_key.ts";
import { SoftwarePasskey } from "../test/support/software_passkey.ts";
import { SshKeys } from "../test/support/ssh_keys.ts";
import type { Table } from "./table.ts";

const COUNT = 4000;

/**
 * Times each verification, and divides the processor's time by their number: that is what it takes
 * on a machine that is busy as well. What `prepare` takes is what a start pays for the key, once.
 */
export function keys(table: Table): void {
  const message = crypto.getRandomValues(new Uint8Array(450));
  for (const [name, key, signature] of held(message)) {
    const beginMs = processorMs();
    prepare(key);
    const prepareMs = processorMs() - beginMs;
    const readyMs = processorMs();
    const times = Float64Array.from({ length: COUNT }, () => {
      const startMs = performance.now();
      if (verifyBy(key, signature, message) === undefined) {
        throw new Error("a good signature was refused");
      }
      return performance.now() - startMs;
    });
    const processorMeanMs = (processorMs() - readyMs) / COUNT;
    const [firstMs = NaN] = times;
    const meanMs = times.reduce((sum, ms) => sum + ms) / COUNT;
    times.sort();
    const [bestMs = NaN] = times;
    const medianMs = times[COUNT / 2] ?? NaN;
    table.add("keys", name, { prepareMs, firstMs, bestMs, medianMs, meanMs, processorMeanMs });
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function* held(message: Uint8Array): Iterable<readonly [string, VerifyingKey, Uint8Array]> {
  using ssh = new SshKeys();
  for (const type of ["ed25519", "ed25519-sk", "ecdsa-sk"]) {
    const { path, key } = ssh.make(type);
    yield [`SSH ${type}`, { kind: "sshsig", ...key }, ssh.sign(path, message)];
  }
  for (const algorithm of ["EdDSA", "ES256"] as const) {
    const passkey = new SoftwarePasskey(algorithm);
    yield [`passkey ${algorithm}`, { kind: "passkey", ...passkey.key() }, passkey.sign(message)];
  }
}
