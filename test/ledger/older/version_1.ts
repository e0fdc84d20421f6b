/**
 * A ledger as version 0.2.0 wrote it, in schema version 1: 273 settled executions of three uids,
 * some with bodies, four in flight, a grant used twice, a revoked approval, a proposal that waits
 * and one that was withdrawn. The names are those of the tests' scene.
 */

import { join } from "node:path";

const FIXTURE = new URL("version_1.mdb.gz", import.meta.url);

/** The data keys of its buckets, as they lay in the vault. */
const KEYS = {
  "1800003600000": "7569a28395bd9a773e0d5c3c66c9139b12f0e22625f5c378d4bfcffa69864dbb",
  "1800086400000": "c46a4b81c4f806e2b89de292c25b5a46fbc8adcffd14eb8db70c5c36b1679b01",
};

/** Makes `stateDir` such a ledger's. */
export async function unpackVersion1(stateDir: string): Promise<void> {
  for (const folder of ["ledger", "vault"]) {
    Deno.mkdirSync(join(stateDir, folder), { recursive: true, mode: 0o700 });
  }
  using packed = await Deno.open(FIXTURE);
  const data = await new Response(packed.readable.pipeThrough(new DecompressionStream("gzip")))
    .bytes();
  Deno.writeFileSync(join(stateDir, "ledger/data.mdb"), data, { mode: 0o600 });
  for (const [bucket, key] of Object.entries(KEYS)) {
    Deno.writeFileSync(join(stateDir, `vault/${bucket}.key`), Uint8Array.fromHex(key));
  }
}
