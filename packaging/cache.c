/*
 * Whoever can replace a file of the program runs code as this user, so nothing on the way to it may be in the hands of
 * another: every folder from the root down belongs to this user or to root and is writable by nobody else (or is sticky,
 * like /tmp), and what is ours is neither a link nor open to others. This user's own processes are not kept out.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char REMEDY[] = "set XDG_CACHE_HOME to a folder of your own";

static char *format_path(const char *folder, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", folder, name) < 0) die("out of memory");
  return path;
}

/* Makes every missing folder of an absolute path, private. Whether the path may be trusted is asked afterwards. */
static int make_folders(const char *path) {
  char copy[PATH_MAX];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return -1;
  for (char *slash = copy + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    if (mkdir(copy, 0700) != 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return mkdir(copy, 0700) != 0 && errno != EEXIST ? -1 : 0;
}

/* Opens a folder by its real path, looking at each folder on the way; without links in it, none can be swapped. */
static int open_guarded(const char *path) {
  int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  char *rest = copy;
  for (char *name = strtok_r(copy, "/", &rest);; name = strtok_r(NULL, "/", &rest)) {
    struct stat status;
    if (folder < 0 || fstat(folder, &status) != 0) die("cannot open %s: %s", path, strerror(errno));
    if (status.st_uid != 0 && status.st_uid != geteuid())
      die("%s is inside a folder of uid %u; %s", path, (unsigned)status.st_uid, REMEDY);
    if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0)
      die("%s is inside a folder that others may write; %s", path, REMEDY);
    if (name == NULL) return folder;
    int next = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(folder);
    folder = next;
  }
}

/* The first folder that can be had of those where this user's caches belong; NULL when a step does not apply. */
static char *first_base(void) {
  const char *systemd = getenv("CACHE_DIRECTORY"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  const char *candidates[] = {
      systemd, xdg, home != NULL && home[0] == '/' ? format_path(home, ".cache") : NULL,
      geteuid() == 0 ? "/var/cache" : NULL, "/var/tmp", "/tmp",
  };
  for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
    const char *base = candidates[i];
    if (base == NULL || base[0] != '/' || make_folders(base) != 0 || access(base, W_OK | X_OK) != 0) continue;
    char *real = realpath(base, NULL);
    if (real != NULL) return real;
  }
  die("no folder to unpack into; %s", REMEDY);
}

int open_cache(char **path) {
  char *base = first_base();
  int parent = open_guarded(base);
  struct stat status;
  if (fstat(parent, &status) != 0) die("cannot open %s: %s", base, strerror(errno));
  /* In a folder shared by users each has one of their own. */
  char name[64] = "openexec";
  if ((status.st_mode & S_ISVTX) != 0) snprintf(name, sizeof name, "openexec-%u", (unsigned)geteuid());
  *path = format_path(base, name);

  if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) die("cannot make %s: %s", *path, strerror(errno));
  int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0 || fstat(folder, &status) != 0) die("%s is not a folder: %s", *path, strerror(errno));
  if (status.st_uid != geteuid()) die("%s belongs to uid %u; %s", *path, (unsigned)status.st_uid, REMEDY);
  if ((status.st_mode & 077) != 0) die("%s is open to others; run: chmod 700 %s", *path, *path);
  close(parent);
  return folder;
}
