/*
 * The single file: makes sure its program is in the cache, then becomes it. No process stays in between, so the pid and
 * the signals are those of the process that was started; but where that is the first one of a container (init.c).
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "cache.h"
#include "init.h"
#include "unpack.h"

void die(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("openexec: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(2);
}

static char *join(const char *first, const char *second, const char *third) {
  char *text;
  if (asprintf(&text, "%s%s%s", first, second, third) < 0) die("out of memory");
  return text;
}

/* Deno takes a path with such characters for an address, in which they are written as numbers (RFC 3986). */
static char *address_of(const char *path) {
  char *text = malloc(strlen("file://") + 3 * strlen(path) + 1);
  if (text == NULL) die("out of memory");
  char *end = stpcpy(text, "file://");
  for (; *path != '\0'; path++)
    if (strchr("%#?\t\n", *path) == NULL) *end++ = *path;
    else end += sprintf(end, "%%%02X", (unsigned char)*path);
  *end = '\0';
  return text;
}

/* The first argument that is no option names the command, as in bin/openexec. */
static const struct command *find_command(int count, char **arguments) {
  const char *name = "";
  for (int i = 1; i < count && name[0] == '\0'; i++)
    if (arguments[i][0] != '-') name = arguments[i];
  const struct command *command = COMMANDS;
  while (command->name[0] != '\0' && strcmp(command->name, name) != 0) command++;
  return command;
}

static size_t count_list(const char *const *list) {
  size_t count = 0;
  while (list[count] != NULL) count++;
  return count;
}

int main(int count, char **arguments) {
  /* A limit to the size of files is an error to tell, not an end without a word. */
  signal(SIGXFSZ, SIG_IGN);
  leave_init();
  /* The runtime starts nowhere else. */
  if (getcwd(NULL, 0) == NULL || access(".", X_OK) != 0)
    die("this user cannot use the folder it is in (%s): change to another one", strerror(errno));
  char *path;
  int cache = open_cache(&path);
  provide_program(cache, path);
  /* A bare root has no /tmp, and some commands need a folder for a moment. */
  if (access("/tmp", W_OK | X_OK) != 0 && setenv("TMPDIR", path, 0) != 0) die("out of memory");

  char *folder = join(path, "/", PROGRAM_DIGEST);
  const char *runtime = join(folder, "/", "runtime");
  const char *const *permissions = find_command(count, arguments)->permissions;
  const char **run = calloc(count_list(RUN_ARGUMENTS) + count_list(permissions) + (size_t)count + 3, sizeof *run);
  if (run == NULL) die("out of memory");
  size_t next = 0;
  run[next++] = runtime;
  for (const char *const *argument = RUN_ARGUMENTS; *argument != NULL; argument++) run[next++] = *argument;
  for (; *permissions != NULL; permissions++) run[next++] = *permissions;
  run[next++] = address_of(join(folder, "/", "main.js"));
  for (int i = 1; i < count; i++) run[next++] = arguments[i];
  execv(runtime, (char **)run);
  die("cannot start %s: %s (is that file system mounted noexec? then set XDG_CACHE_HOME)", runtime, strerror(errno));
}
