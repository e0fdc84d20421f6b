/*
 * The single file: makes sure its program is in the cache, then becomes it. No process stays in between, so the pid and
 * the signals are those of the process that was started.
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
  run[next++] = join(folder, "/", "main.js");
  for (int i = 1; i < count; i++) run[next++] = arguments[i];
  execv(runtime, (char **)run);
  die("cannot start %s: %s (is that file system mounted noexec? then set XDG_CACHE_HOME)", runtime, strerror(errno));
}
