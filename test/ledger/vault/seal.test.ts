import { createDecipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import {
  padded,
  paddedLength,
  seal,
  unpadded,
  unseal,
  unsealAside,
} from "../../../src/ledger/vault/seal.ts";

const key = crypto.getRandomValues(new Uint8Array(32));
const row = utf8Encode("row");

/** Sealed on the spot, and by another thread. */
const LENGTHS = [0, 256, 4095, 4096, 100_003];

test.each(LENGTHS)(
  "%d bytes come back under the same key and row, and under no other",
  async (length) => {
    const clear = new Uint8Array(length).fill(7);
    const sealed = await seal(key, row, clear);
    expect(sealed.length).toBe(12 + length + 16);
    for (const open of [unseal, unsealAside]) {
      expect(await open(key, row, sealed)).toEqual(clear);
      expect(await open(key, utf8Encode("other"), sealed)).toBeUndefined();
      expect(await open(crypto.getRandomValues(new Uint8Array(32)), row, sealed)).toBeUndefined();
      for (const at of [0, 12, sealed.length - 1]) {
        const forged = sealed.map((byte, i) => i === at ? byte ^ 1 : byte);
        expect(await open(key, row, forged)).toBeUndefined();
      }
    }
  },
);

test.each(LENGTHS)(
  "%d bytes are nonce, AES-256-GCM and tag, as anybody can check",
  async (length) => {
    const clear = new Uint8Array(length).fill(7);
    const sealed = await seal(key, row, clear);
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12)).setAAD(row);
    decipher.setAuthTag(sealed.subarray(-16));
    expect(new Uint8Array(decipher.update(sealed.subarray(12, -16)))).toEqual(clear);
    decipher.final();
  },
);

test("no two seals share a nonce", async () => {
  const sealed = await Promise.all(
    Array.from({ length: 200 }, () => seal(key, row, new Uint8Array(1))),
  );
  expect(new Set(sealed.map((each) => each.subarray(0, 12).toHex())).size).toBe(200);
});

test("what is too short for a nonce and a tag is nothing that was sealed", async () => {
  for (const open of [unseal, unsealAside]) {
    expect(await open(key, row, new Uint8Array(27))).toBeUndefined();
  }
});

test("short plaintexts all have one length, long ones at most an eighth more", () => {
  expect(new Set(Array.from({ length: 250 }, (_, length) => padded(new Uint8Array(length)).length)))
    .toEqual(
      new Set([256]),
    );
  for (let length = 256; length < 5_000_000; length = Math.ceil(length * 1.37) + 1) {
    expect(paddedLength(length)).toBeGreaterThanOrEqual(length);
    expect(paddedLength(length)).toBeLessThanOrEqual(length * 1.125);
    expect(paddedLength(paddedLength(length))).toBe(paddedLength(length));
  }
});

test("unpadded() gives back what was padded and refuses a length that does not fit", () => {
  for (const length of [0, 1, 252, 253, 1000, 70_000]) {
    const plaintext = crypto.getRandomValues(
      new Uint8Array(length).subarray(0, Math.min(length, 65_536)),
    );
    expect(unpadded(padded(plaintext))).toEqual(plaintext);
  }
  expect(unpadded(new Uint8Array(3))).toBeUndefined();
  expect(unpadded(new Uint8Array(256).fill(255))).toBeUndefined();
});
