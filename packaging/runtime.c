/*
 * The program's `runtime`: starts the Deno beside it with the libraries beside it, whatever the system has.
 *
 * It is a process of its own because Deno spawns nothing while LD_LIBRARY_PATH is set, and because executors are started
 * with an empty environment: what Deno must find there is put there here, for the first process and for every later one.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what) {
  fprintf(stderr, "openexec: %s: %s\n", what, strerror(errno));
  return 2;
}

/* Variables that would load other code into the runtime, or change what its flags mean. */
static int is_foreign(const char *variable) {
  static const char *const prefixes[] = {"LD_", "DENO_", "NODE_OPTIONS="};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0) return 1;
  return 0;
}

static void clean_environment(void) {
  char **kept = environ;
  for (char **variable = environ; *variable != NULL; variable++)
    if (!is_foreign(*variable)) *kept++ = *variable;
  *kept = NULL;
}

static const char *beside(const char *folder, const char *name) {
  char *path;
  return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

int main(int count, char **arguments) {
  char folder[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
  if (length < 0) return fail("cannot read /proc/self/exe (is /proc mounted?)");
  folder[length] = '\0';
  *strrchr(folder, '/') = '\0';

  const char *loader = beside(folder, "openexec"), *deno = beside(folder, "deno"), *file = beside(folder, "runtime");
  const char **command = calloc((size_t)count + 6, sizeof *command);
  if (loader == NULL || deno == NULL || file == NULL || command == NULL) return fail("cannot start");
  clean_environment();
  /* A file where Deno wants a folder: it keeps its caches in memory, and leaves nothing that a later start would run. */
  if (setenv("DENO_DIR", file, 1) != 0 || setenv("DENO_NO_PACKAGE_JSON", "1", 1) != 0) return fail("cannot start");
  /* It would ask on the network, at every start, whether there is a newer Deno. */
  if (setenv("DENO_NO_UPDATE_CHECK", "1", 1) != 0) return fail("cannot start");

  size_t next = 0;
  command[next++] = "openexec";
  command[next++] = "--inhibit-cache";
  command[next++] = "--library-path";
  command[next++] = folder;
  command[next++] = deno;
  for (int i = 1; i < count; i++) command[next++] = arguments[i];
  execve(loader, (char **)command, environ);
  return fail(loader);
}
