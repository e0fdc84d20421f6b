/* The files a single-file openexec holds, and the arguments it starts them with. scripts/build.ts writes archive.c. */
#ifndef OPENEXEC_ARCHIVE_H
#define OPENEXEC_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "sha256.h"

/* One file of the program; all of them lie in one folder. */
struct file {
  const char *name;
  unsigned mode;
  uint64_t bytes;
  uint8_t digest[SHA256_BYTES];
};

enum { FILES_MAX = 256 };
extern const struct file FILES[];
extern const size_t FILE_COUNT;

/* Names the program folder: SHA-256 over names, modes, lengths and digests of FILES, in hex. */
extern const char PROGRAM_DIGEST[];

/* The files' contents one after another, as one zstd frame, and the SHA-256 of that frame. */
extern const uint8_t ARCHIVE[], ARCHIVE_END[];
extern const uint8_t ARCHIVE_DIGEST[SHA256_BYTES];

/* Arguments of every run, then those of each command; the last command, "", stands for all others. NULL ends a list. */
extern const char *const RUN_ARGUMENTS[];
struct command {
  const char *name;
  const char *const *permissions;
};
extern const struct command COMMANDS[];

#endif
