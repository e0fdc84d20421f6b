/*
 * A program folder appears under its name only when all of it is on disk: it is written under another name, synced and
 * then renamed. A lock lets one process do so at a time, so whatever bears the other name is left from an interruption.
 *
 * At each start every file must be a plain file of this user with the mode and length it was packed with. Hashing 100 MB
 * each time would cost more than the rest of the start, so the hashes are compared when a file's inode, length or change
 * time is not the one noted in the stamp: the kernel sets the change time at every write, and only a wrong clock can put
 * it back. This finds damage and careless edits; a process of this user could rewrite the stamp, and is not kept out.
 */
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "archive.h"
#include "cache.h"

static const char STAMP[] = "stamp", UNFINISHED[] = "unfinished", LOCK[] = "lock";

/* What the stamp notes of one file. */
struct note {
  uint64_t inode, bytes;
  int64_t changed_seconds, changed_nanoseconds;
};

static void write_all(int file, const void *bytes, size_t length, const char *name) {
  const uint8_t *next = bytes;
  while (length > 0) {
    ssize_t written = write(file, next, length);
    if (written < 0 && errno != EINTR) die("cannot write %s: %s", name, strerror(errno));
    if (written > 0) next += written, length -= (size_t)written;
  }
}

/* The stream of the archive's contents. */
struct contents {
  ZSTD_DCtx *stream;
  ZSTD_inBuffer input;
};

static size_t next_contents(struct contents *contents, uint8_t *bytes, size_t length) {
  ZSTD_outBuffer output = {bytes, length, 0};
  while (output.pos < output.size) {
    size_t before = output.pos, read = contents->input.pos;
    size_t state = ZSTD_decompressStream(contents->stream, &output, &contents->input);
    if (ZSTD_isError(state)) die("the archive is damaged: %s", ZSTD_getErrorName(state));
    if (output.pos == before && contents->input.pos == read) die("the archive is cut short");
  }
  return length;
}

static void unpack_file(int folder, const struct file *file, struct contents *contents) {
  static uint8_t buffer[1 << 18];
  int output = openat(folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (output < 0) die("cannot make %s: %s", file->name, strerror(errno));
  for (uint64_t left = file->bytes; left > 0;) {
    size_t length = next_contents(contents, buffer, left < sizeof buffer ? (size_t)left : sizeof buffer);
    write_all(output, buffer, length, file->name);
    left -= length;
  }
  if (fchmod(output, file->mode) != 0 || fsync(output) != 0 || close(output) != 0)
    die("cannot write %s: %s", file->name, strerror(errno));
}

static void check_archive(void) {
  struct sha256 hash;
  uint8_t digest[SHA256_BYTES];
  sha256_start(&hash);
  sha256_add(&hash, ARCHIVE, (size_t)(ARCHIVE_END - ARCHIVE));
  sha256_finish(&hash, digest);
  if (memcmp(digest, ARCHIVE_DIGEST, sizeof digest) != 0) die("this file is damaged; download or build it again");
}

static void remove_unfinished(int cache) {
  int folder = openat(cache, UNFINISHED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return;
  for (size_t i = 0; i < FILE_COUNT; i++) unlinkat(folder, FILES[i].name, 0);
  unlinkat(folder, STAMP, 0);
  close(folder);
  unlinkat(cache, UNFINISHED, AT_REMOVEDIR);
}

/* Notes every file of the folder; dies where one is not a plain file of ours as it was packed. */
static void take_notes(int folder, const char *path, struct note notes[FILES_MAX]) {
  memset(notes, 0, FILES_MAX * sizeof *notes);
  for (size_t i = 0; i < FILE_COUNT; i++) {
    const struct file *file = &FILES[i];
    struct stat status;
    if (fstatat(folder, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      die("%s/%s: %s; remove that folder", path, file->name, strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 07777) != file->mode ||
        status.st_nlink != 1 || (uint64_t)status.st_size != file->bytes)
      die("%s/%s is not as it was unpacked; remove that folder", path, file->name);
    notes[i] = (struct note){status.st_ino, file->bytes, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
  }
}

static void write_stamp(int folder, const struct note notes[FILES_MAX]) {
  int stamp = openat(folder, STAMP, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (stamp < 0) die("cannot write the stamp: %s", strerror(errno));
  write_all(stamp, notes, FILES_MAX * sizeof *notes, STAMP);
  if (fsync(stamp) != 0 || close(stamp) != 0) die("cannot write the stamp: %s", strerror(errno));
}

static int is_stamped(int folder, const struct note notes[FILES_MAX]) {
  struct note stamped[FILES_MAX];
  int stamp = openat(folder, STAMP, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (stamp < 0) return 0;
  ssize_t length = read(stamp, stamped, sizeof stamped);
  close(stamp);
  return length == (ssize_t)sizeof stamped && memcmp(stamped, notes, sizeof stamped) == 0;
}

static void check_hashes(int folder, const char *path) {
  static uint8_t buffer[1 << 18];
  for (size_t i = 0; i < FILE_COUNT; i++) {
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    ssize_t length;
    int input = openat(folder, FILES[i].name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (input < 0) die("%s/%s: %s", path, FILES[i].name, strerror(errno));
    sha256_start(&hash);
    while ((length = read(input, buffer, sizeof buffer)) > 0) sha256_add(&hash, buffer, (size_t)length);
    close(input);
    sha256_finish(&hash, digest);
    if (length < 0 || memcmp(digest, FILES[i].digest, sizeof digest) != 0)
      die("%s/%s was changed; remove that folder", path, FILES[i].name);
  }
}

static int open_program(int cache) {
  return openat(cache, PROGRAM_DIGEST, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Holds the lock until the process replaces itself; returns the open program folder. */
static int unpack(int cache, const char *path) {
  int lock = openat(cache, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) die("cannot lock %s: %s", path, strerror(errno));
  int folder = open_program(cache);
  if (folder >= 0) return folder;

  check_archive();
  remove_unfinished(cache);
  if (mkdirat(cache, UNFINISHED, 0700) != 0) die("cannot make %s/%s: %s", path, UNFINISHED, strerror(errno));
  folder = openat(cache, UNFINISHED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) die("cannot open %s/%s: %s", path, UNFINISHED, strerror(errno));
  struct contents contents = {ZSTD_createDCtx(), {ARCHIVE, (size_t)(ARCHIVE_END - ARCHIVE), 0}};
  for (size_t i = 0; i < FILE_COUNT; i++) unpack_file(folder, &FILES[i], &contents);
  ZSTD_freeDCtx(contents.stream);
  struct note notes[FILES_MAX];
  take_notes(folder, path, notes);
  write_stamp(folder, notes);
  if (fsync(folder) != 0 || renameat(cache, UNFINISHED, cache, PROGRAM_DIGEST) != 0 || fsync(cache) != 0)
    die("cannot finish %s: %s", path, strerror(errno));
  return folder;
}

void provide_program(int cache, const char *path) {
  int folder = open_program(cache);
  if (folder < 0 && errno == ENOENT) folder = unpack(cache, path);
  struct stat status;
  if (folder < 0 || fstat(folder, &status) != 0)
    die("%s/%s is not a folder: %s", path, PROGRAM_DIGEST, strerror(errno));
  if (status.st_uid != geteuid() || (status.st_mode & 077) != 0)
    die("%s/%s is not private to this user; remove it", path, PROGRAM_DIGEST);
  struct note notes[FILES_MAX];
  take_notes(folder, path, notes);
  if (is_stamped(folder, notes)) return;
  check_hashes(folder, path);
  write_stamp(folder, notes);
}
