/**
 * The vault: data keys outside the database, one for each expiry bucket, and what is sealed under them.
 *
 * AES-256-GCM with random nonces (aead.ts); a key seals what falls into its bucket, far below the 2^32 messages that
 * allows. The associated data binds bucket, kind and id, so that no row can be passed off as another.
 *
 * Invariants:
 * - A key is on disk, and so is its name, before anything is sealed under it.
 * - Destroying is overwriting, flushing, removing and flushing the folder, in this order; then only the storage device
 *   itself may remember the key.
 * - What is sealed is padded, so that its length confirms no guess of a short payload.
 */

import { join } from "node:path";
import { seal, unseal } from "./seal.ts";
import { createDurably, createFolder, destroyDurably, isDraft } from "../disk/durable_file.ts";
import { padded, unpadded } from "../padding.ts";

const KEY_BYTES = 32;

export class Vault {
  readonly #keys = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #creating = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  private constructor(private readonly directory: string) {}

  /** Finishes what a power cut interrupted: drafts of keys never used, and keys overwritten but not yet removed. */
  static async open(directory: string): Promise<Vault> {
    await createFolder(directory);
    const vault = new Vault(directory);
    for (const { name } of Deno.readDirSync(directory)) {
      const path = join(directory, name);
      const bucketMs = bucketOf(name);
      const key = bucketMs === undefined ? undefined : readKey(path);
      if (bucketMs !== undefined && key !== undefined) vault.#keys.set(bucketMs, key);
      else if (bucketMs !== undefined || isDraft(name)) await destroyDurably(path);
    }
    return vault;
  }

  /** Ends of the buckets that have a key, in ms since 1970, the earliest first. */
  buckets(): number[] {
    return [...this.#keys.keys()].sort((a, b) => a - b);
  }

  has(bucketMs: number): boolean {
    return this.#keys.has(bucketMs);
  }

  /** Seals `plaintext` for the row `row` of that bucket; makes the bucket's key first where it has none. */
  async seal(bucketMs: number, row: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    const key = this.#keys.get(bucketMs) ?? await this.#createKey(bucketMs);
    return await seal(key, row, padded(plaintext));
  }

  /** undefined when the key is gone, or was made anew, or the row is not what was sealed there. */
  unseal(bucketMs: number, row: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.#keys.get(bucketMs);
    const opened = key === undefined ? undefined : unseal(key, row, sealed);
    return opened === undefined ? undefined : unpadded(opened);
  }

  /** From here on nothing in that bucket can be read; resolves when that is on disk. */
  async destroy(bucketMs: number): Promise<void> {
    await destroyDurably(this.#path(bucketMs));
    this.#keys.get(bucketMs)?.fill(0);
    this.#keys.delete(bucketMs);
  }

  #createKey(bucketMs: number): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#creating.get(bucketMs);
    if (known !== undefined) return known;
    const created = this.#writeKey(bucketMs).finally(() => this.#creating.delete(bucketMs));
    this.#creating.set(bucketMs, created);
    return created;
  }

  async #writeKey(bucketMs: number): Promise<Uint8Array<ArrayBuffer>> {
    const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    await createDurably(this.#path(bucketMs), key);
    this.#keys.set(bucketMs, key);
    return key;
  }

  #path(bucketMs: number): string {
    return join(this.directory, `${bucketMs}.key`);
  }
}

function bucketOf(name: string): number | undefined {
  return /^[1-9][0-9]{0,14}\.key$/.test(name) ? parseInt(name, 10) : undefined;
}

/** undefined for what is no key (any more). */
function readKey(path: string): Uint8Array<ArrayBuffer> | undefined {
  const key = Deno.readFileSync(path);
  return key.length === KEY_BYTES && key.some((byte) => byte !== 0) ? key : undefined;
}
