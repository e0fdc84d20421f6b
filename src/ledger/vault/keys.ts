/**
 * The vault: data keys outside the database, one for each expiry bucket, and what is sealed under
 * them.
 *
 * A bucket ends with the last body in it, so a body lives at most one bucket's width longer than
 * its retention. The width is a twenty-fourth of the retention, at least 100 ms and at most an
 * hour: so few keys exist for a retention, and each is short-lived
 * (docs/decisions/bucket-width.md). A key seals what falls into its bucket, far below the 2^32
 * messages that random nonces allow. The associated data binds bucket, kind and id, so that no row
 * can pass for another.
 *
 * Invariants:
 * - A file that is no key is left as it is, and opens nothing: only what this program overwrote
 *   itself counts as destroyed.
 * - A key is on disk, and so is its name, before anything is sealed under it.
 * - Destruction overwrites, flushes, removes and flushes the folder, in this order. After it, only
 *   the storage device itself may remember the key.
 * - Plaintexts are padded, so that its length confirms no guess of a short payload.
 */

import { join } from "node:path";
import { createFolder, destroyDurably, isDraft, writeDurably } from "../disk/durable_file.ts";
import { padded, seal, unpadded, unseal, unsealAside } from "./seal.ts";

const KEY_BYTES = 32;

const WIDTH_SHARE = 24;
const WIDTH_MIN_MS = 100;
const WIDTH_MAX_MS = 3_600_000;

/** The most that six bytes hold: a longer retention ends there, in the year 10889. */
export const BUCKET_MAX_MS = 2 ** 48 - 1;

type Key = Uint8Array<ArrayBuffer>;

/** Returns the ms by which a body may outlive `retentionMs`. */
export function bucketWidthMs(retentionMs: number): number {
  return Math.min(WIDTH_MAX_MS, Math.max(WIDTH_MIN_MS, Math.floor(retentionMs / WIDTH_SHARE)));
}

/**
 * Returns the bucket for what is sealed now: its end in ms since 1970, at least `retentionMs` from
 * now.
 */
export function bucketFor(nowMs: number, retentionMs: number): number {
  const widthMs = bucketWidthMs(retentionMs);
  return Math.min(BUCKET_MAX_MS, Math.ceil((nowMs + retentionMs) / widthMs) * widthMs);
}

export class Vault {
  readonly #keys = new Map<number, Key>();
  readonly #creating = new Map<number, Promise<Key>>();
  readonly #destroying = new Map<number, Promise<void>>();

  private constructor(private readonly directory: string) {}

  /**
   * Opens the folder, and finishes what a power cut interrupted: drafts of keys that were never
   * used, and keys that were overwritten but not yet removed.
   */
  static async open(directory: string): Promise<Vault> {
    await createFolder(directory);
    const vault = Vault.read(directory);
    for (const { name, isFile } of Deno.readDirSync(directory)) {
      const path = join(directory, name);
      const isOver = bucketOf(name) !== undefined && isFile && isOverwritten(path);
      if (isFile && isDraft(name) || isOver) await destroyDurably(path);
    }
    return vault;
  }

  /** Reads the keys that are there, and leaves all files as they are. */
  static read(directory: string): Vault {
    const vault = new Vault(directory);
    for (const { name, isFile } of filesIn(directory)) {
      const bucketMs = bucketOf(name);
      const key = isFile ? Deno.readFileSync(join(directory, name)) : new Uint8Array();
      if (bucketMs !== undefined && isKey(key)) vault.#keys.set(bucketMs, key);
    }
    return vault;
  }

  /** Returns the buckets that have a key, the earliest end first. */
  buckets(): number[] {
    return [...this.#keys.keys()].sort((a, b) => a - b);
  }

  /** Seals `plaintext` for the row `row` of that bucket, whose key it creates if need be. */
  async seal(bucketMs: number, row: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    const key = this.#keys.get(bucketMs) ?? await this.#createKey(bucketMs);
    return await seal(key, row, padded(plaintext));
  }

  /** Returns undefined if the key is gone or another one, or the row is not what it sealed. */
  unseal(bucketMs: number, row: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.#keys.get(bucketMs);
    const opened = key === undefined ? undefined : unseal(key, row, sealed);
    return opened === undefined ? undefined : unpadded(opened);
  }

  /** Does the same, and leaves the event loop free meanwhile. */
  async unsealAside(
    bucketMs: number,
    row: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const key = this.#keys.get(bucketMs);
    const opened = key === undefined ? undefined : await unsealAside(key, row, sealed);
    return opened === undefined ? undefined : unpadded(opened);
  }

  /**
   * Destroys a bucket's key, so that nothing in it can be read; resolves once that is on disk. From
   * the call on, nothing is sealed under it: who seals for that bucket waits, and makes another.
   */
  destroy(bucketMs: number): Promise<void> {
    const key = this.#keys.get(bucketMs);
    this.#keys.delete(bucketMs);
    const destroyed = destroyDurably(this.#path(bucketMs)).then(
      () => void key?.fill(0),
      (error) => {
        if (key !== undefined) this.#keys.set(bucketMs, key);
        throw error;
      },
    ).finally(() => this.#destroying.delete(bucketMs));
    this.#destroying.set(bucketMs, destroyed);
    return destroyed;
  }

  #createKey(bucketMs: number): Promise<Key> {
    const known = this.#creating.get(bucketMs);
    if (known !== undefined) return known;
    const created = this.#writeKey(bucketMs).finally(() => this.#creating.delete(bucketMs));
    this.#creating.set(bucketMs, created);
    return created;
  }

  async #writeKey(bucketMs: number): Promise<Key> {
    await this.#destroying.get(bucketMs)?.catch(() => {});
    const left = this.#keys.get(bucketMs);
    if (left !== undefined) return left;
    const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    await writeDurably(this.#path(bucketMs), key);
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

function isKey(bytes: Uint8Array): boolean {
  return bytes.length === KEY_BYTES && bytes.some((byte) => byte !== 0);
}

function isOverwritten(path: string): boolean {
  const bytes = Deno.readFileSync(path);
  return bytes.length === KEY_BYTES && bytes.every((byte) => byte === 0);
}

/** Returns nothing for a folder that is not there. */
function filesIn(directory: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(directory)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
