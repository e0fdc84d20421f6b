/*
 * The first process of a container inherits every orphan in it, and each stays a zombie until that process has waited for
 * it. The runtime waits for its own children only. So the first process stays behind: it hands signals on, waits for
 * whatever ends, and ends as the program did.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache.h"
#include "init.h"

static pid_t program;

/* The kernel sends what is typed on a terminal to both processes: that is not sent a second time. */
static void hand_on(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_code != SI_KERNEL) kill(program, signal);
}

static _Noreturn void wait_for_all(void) {
  for (;;) {
    int status;
    pid_t ended = wait(&status);
    if (ended == program) exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    if (ended < 0 && errno != EINTR) die("cannot wait for the program: %s", strerror(errno));
  }
}

void leave_init(void) {
  static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
  if (getpid() != 1) return;
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  program = fork();
  if (program < 0) die("cannot start: %s", strerror(errno));
  if (program > 0) {
    struct sigaction action = {.sa_sigaction = hand_on, .sa_flags = SA_SIGINFO};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (program > 0) wait_for_all();
}
