/* SHA-256 (FIPS 180-4) of a byte stream. */
#ifndef OPENEXEC_SHA256_H
#define OPENEXEC_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

struct sha256 {
  uint32_t state[8];
  uint64_t length_bytes;
  uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
void sha256_finish(struct sha256 *hash, uint8_t digest[SHA256_BYTES]);

#endif
