/*
 * Stands for native code that a flaw of the runtime lets run inside of a box: tries everything that
 * a box has to refuse.
 *
 * Prints one line for each attempt: its name, and OPENED or the name of errno. Built twice: as a
 * static program, and as a library whose attempts() is called inside of an executor.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What there is to attack. */
struct target {
  /* The daemon's files; `folder` holds nothing else. */
  const char *key, *ledger, *config, *secret, *folder;
  const char *admin_socket, *agent_socket;
  pid_t daemon, sibling;
  /* A TCP port that somebody listens on and that no permission names. */
  int port;
};

static char *out;
static size_t room;

static void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(out, room, format, args);
  va_end(args);
  if (length < 0 || (size_t)length >= room) return;
  out += length;
  room -= (size_t)length;
}

/*
 * Numbers are those of asm/unistd.h; a call that the headers do not know is of a kernel after them.
 */
static long told(const char *name, const char *of, long result) {
  const char *error = result >= 0 ? "OPENED" : strerrorname_np(errno);
  say("%s%s%s %s\n", name, *of ? " " : "", of, error == NULL ? "?" : error);
  return result;
}

#define TRY(name, call) (errno = 0, told(name, "", (long)(call)))
#define TRY_ON(name, of, call) (errno = 0, told(name, of, (long)(call)))

static void opened(const char *name, const char *of, long descriptor) {
  if (told(name, of, descriptor) >= 0) close((int)descriptor);
}

#define OPEN(name, call) (errno = 0, opened(name, "", (long)(call)))
#define OPEN_ON(name, of, call) (errno = 0, opened(name, of, (long)(call)))

static const char *in(const char *folder, const char *name) {
  static char path[2][4096];
  static int turn;
  char *place = path[turn ^= 1];
  snprintf(place, sizeof path[0], "%s/%s", folder, name);
  return place;
}

/* On a descriptor that there may not be: then errno is why. */
#define TRY_WITH(name, descriptor, call) \
  ((descriptor) < 0 ? told(name, "", -1) : TRY(name, call))

static void one_file(const char *name, const char *path) {
  OPEN_ON("read", name, open(path, O_RDONLY));
  OPEN_ON("write", name, open(path, O_WRONLY));
  OPEN_ON("openat2", name, syscall(SYS_openat2, AT_FDCWD, path, (long[3]){0}, 24));
  TRY_ON("truncate", name, truncate(path, 0));
  TRY_ON("rename", name, rename(path, "/tmp/openexec-stolen"));
  TRY_ON("link", name, link(path, "/tmp/openexec-linked"));
  TRY_ON("unlink", name, unlink(path));
  TRY_ON("chmod", name, chmod(path, 04777));
  TRY_ON("fchmodat2", name, syscall(452, AT_FDCWD, path, 0777, 0));
  TRY_ON("chown", name, chown(path, 65534, 65534));
  TRY_ON("utimes", name, utimensat(AT_FDCWD, path, (struct timespec[2]){{1, 1}, {1, 1}}, 0));
  TRY_ON("setxattr", name, syscall(SYS_setxattr, path, "user.x", "1", 1, 0));
  TRY_ON("execute", name, execve(path, (char *[]){"x", NULL}, (char *[]){NULL}));
}

static void files(const struct target *at) {
  one_file("key", at->key);
  one_file("ledger", at->ledger);
  one_file("config", at->config);
  one_file("secret", at->secret);
  OPEN("read /etc/shadow", open("/etc/shadow", O_RDONLY));
  OPEN("read /etc/passwd", open("/etc/passwd", O_RDONLY));
  OPEN("list /", open("/", O_RDONLY | O_DIRECTORY));
  OPEN("list state", open(at->folder, O_RDONLY | O_DIRECTORY));
  OPEN("create", open(in(at->folder, "new"), O_WRONLY | O_CREAT, 0600));
  OPEN("create set-id", open(in(at->folder, "new"), O_WRONLY | O_CREAT, 06755));
  OPEN("create unnamed", open(at->folder, O_WRONLY | O_TMPFILE, 0600));
  OPEN("create in /tmp", open("/tmp/openexec-new", O_WRONLY | O_CREAT, 0600));
  OPEN("create in /dev/shm", open("/dev/shm/openexec-new", O_WRONLY | O_CREAT, 0600));
  TRY("mkdir", mkdir(in(at->folder, "sub"), 0700));
  TRY("symlink", symlink("/etc", in(at->folder, "etc")));
  TRY("mknod", mknod(in(at->folder, "device"), S_IFCHR | 0600, 0x103));
  TRY("mkfifo", mkfifo(in(at->folder, "pipe"), 0600));
  OPEN("device", open("/dev/full", O_RDONLY));
  OPEN("terminal", open("/dev/tty", O_RDWR));
  OPEN("core pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  OPEN("own memory", open("/proc/self/mem", O_RDWR));
  OPEN("sockets of the host", open("/proc/self/net/unix", O_RDONLY));
  OPEN("handle", syscall(SYS_open_by_handle_at, AT_FDCWD, (char[136]){8}, O_RDONLY));
  /* The names and dates of files are not kept: no rule of the kernel's is about them. */
  TRY("stat key", access(at->key, F_OK));
}

/* A child that ends at once. */
static long child_by(long flags) {
  long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) syscall(SYS_exit_group, 0);
  if (child > 0) waitpid((pid_t)child, NULL, 0);
  return child;
}

#define ADDRESS_BYTES ((socklen_t)sizeof(struct sockaddr_in))

static struct sockaddr *address(int port) {
  static struct sockaddr_in place;
  place = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return (struct sockaddr *)&place;
}

static void unix_socket(const char *name, const char *path, size_t length, int type) {
  struct sockaddr_un place = {.sun_family = AF_UNIX};
  memcpy(place.sun_path, path, length);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  int one = socket(AF_UNIX, type, 0);
  told(name, "", one < 0 ? -1 : connect(one, (struct sockaddr *)&place, size));
  if (one >= 0) close(one);
}

/* By sending, which connects without connect(2). */
static void fast_open(int port) {
  struct iovec data = {"x", 1};
  struct mmsghdr message = {{address(port), ADDRESS_BYTES, &data, 1, 0, 0, 0}, 0};
  for (int way = 0; way < 3; way++) {
    int one = socket(AF_INET, SOCK_STREAM, 0);
    if (way == 0) {
      TRY("fast open by sendto",
          sendto(one, "x", 1, MSG_FASTOPEN, address(port), ADDRESS_BYTES));
    } else if (way == 1) {
      TRY("fast open by sendmsg", sendmsg(one, &message.msg_hdr, MSG_FASTOPEN));
    } else {
      TRY("fast open by sendmmsg", sendmmsg(one, &message, 1, MSG_FASTOPEN));
    }
    if (one >= 0) close(one);
  }
  int one = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (one >= 0) setsockopt(one, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
  TRY_WITH("fast open by connect", one, connect(one, address(port), ADDRESS_BYTES));
  if (one >= 0) close(one);
}

static void sockets(const struct target *at) {
  unix_socket("admin socket", at->admin_socket, strlen(at->admin_socket), SOCK_STREAM);
  unix_socket("agent socket", at->agent_socket, strlen(at->agent_socket), SOCK_STREAM);
  unix_socket("abstract socket", "\0openexec-native", 16, SOCK_STREAM);
  unix_socket("unix datagram", at->admin_socket, strlen(at->admin_socket), SOCK_DGRAM);
  int pair[2] = {-1, -1};
  TRY("pair of datagram sockets", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  TRY("pair of packet sockets", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  TRY_WITH("tcp to another port", tcp, connect(tcp, address(at->port), ADDRESS_BYTES));
  if (tcp >= 0) close(tcp);
  tcp = socket(AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)at->port)};
  memcpy(&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
  TRY_WITH("tcp by IPv6", tcp, connect(tcp, (struct sockaddr *)&mapped, sizeof mapped));
  if (tcp >= 0) close(tcp);
  int bytes = 1 << 20;
  tcp = socket(AF_INET, SOCK_STREAM, 0);
  TRY_WITH("bind", tcp, bind(tcp, address(0), ADDRESS_BYTES));
  TRY_WITH("listen without bind", tcp, listen(tcp, 1));
  TRY_WITH("privileged option", tcp,
           setsockopt(tcp, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes));
  if (tcp >= 0) close(tcp);
  fast_open(at->port);
  OPEN("mptcp", socket(AF_INET, SOCK_STREAM, 262));
  OPEN("sctp", socket(AF_INET, SOCK_STREAM, 132));
  OPEN("udp", socket(AF_INET, SOCK_DGRAM, 0));
  OPEN("udp lite", socket(AF_INET, SOCK_DGRAM, 136));
  OPEN("ping", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  OPEN("raw", socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
  OPEN("packet", socket(AF_PACKET, SOCK_RAW, 0));
  OPEN("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
  OPEN("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
  OPEN("crypto", socket(AF_ALG, SOCK_SEQPACKET, 0));
  OPEN("bluetooth", socket(AF_BLUETOOTH, SOCK_RAW, 0));
}

static void one_process(const char *name, pid_t pid) {
  char byte, path[64];
  struct iovec here = {&byte, 1}, there = {&errno, 1};
  struct rlimit limit = {1, 1};
  cpu_set_t all;
  memset(&all, 0xff, sizeof all);
  static const char *const files[] = {"mem", "environ", "fd", "maps", "cmdline", "root", NULL};
  for (int i = 0; files[i] != NULL; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
    OPEN_ON(files[i], name, open(path, O_RDONLY));
  }
  TRY_ON("attach", name, syscall(SYS_ptrace, 16, pid, 0, 0));
  TRY_ON("seize", name, syscall(SYS_ptrace, 0x4206, pid, 0, 0));
  TRY_ON("read memory", name, process_vm_readv(pid, &here, 1, &there, 1, 0));
  TRY_ON("write memory", name, process_vm_writev(pid, &here, 1, &there, 1, 0));
  TRY_ON("signal", name, syscall(SYS_kill, pid, SIGCONT));
  TRY_ON("signal thread", name, syscall(SYS_tgkill, pid, pid, SIGCONT));
  TRY_ON("signal any thread", name, syscall(SYS_tkill, pid, SIGCONT));
  TRY_ON("queue signal", name, syscall(SYS_rt_sigqueueinfo, pid, SIGCONT, (char[128]){0}));
  int handle = (int)syscall(SYS_pidfd_open, pid, 0);
  TRY_ON("descriptor", name, syscall(SYS_pidfd_getfd, handle, 0, 0));
  TRY_ON("signal by handle", name, syscall(SYS_pidfd_send_signal, handle, SIGCONT, NULL, 0));
  TRY_ON("namespace", name, syscall(SYS_setns, handle, CLONE_NEWNS));
  if (handle >= 0) close(handle);
  TRY_ON("limit", name, syscall(SYS_prlimit64, pid, RLIMIT_FSIZE, &limit, NULL));
  TRY_ON("niceness", name, setpriority(PRIO_PROCESS, (id_t)pid, 19));
  TRY_ON("io priority", name, syscall(SYS_ioprio_set, 1, pid, 0));
  TRY_ON("processors", name, sched_setaffinity(pid, sizeof all, &all));
  TRY_ON("scheduler", name, sched_setscheduler(pid, SCHED_BATCH, &(struct sched_param){0}));
  TRY_ON("compare", name, syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
  TRY_ON("move pages", name, syscall(SYS_move_pages, pid, 0, NULL, NULL, NULL, 0));
}

static void itself(void) {
  struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
  TRY("raise limit", syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, &more, NULL));
  TRY("raise limit by setrlimit", syscall(SYS_setrlimit, RLIMIT_MEMLOCK, &more));
  TRY("own niceness", setpriority(PRIO_PROCESS, 0, -5));
  TRY("own scheduler", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}));
  TRY("outlive the daemon", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
  TRY("be dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  TRY("adopt orphans", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  TRY("keep capabilities", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  TRY("undo the filter", prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
  TRY("another filter", syscall(SYS_seccomp, 1, 0, NULL));
  TRY("another ruleset", syscall(444, (long[2]){1, 0}, 8, 0));
  TRY("personality", syscall(SYS_personality, 0x0040000));
  TRY("user", syscall(SYS_setresuid, 0, 0, 0));
  TRY("group", syscall(SYS_setresgid, 0, 0, 0));
  TRY("groups", syscall(SYS_setgroups, 0, NULL));
  TRY("capabilities", syscall(SYS_capset, (unsigned[2]){0x20080522, 0}, (unsigned[6]){0}));
  TRY("type into the terminal", ioctl(0, TIOCSTI, "x"));
  TRY("own a descriptor's signals", fcntl(0, F_SETOWN, getppid()));
  TRY("lease", fcntl(0, F_SETLEASE, F_WRLCK));
}

/* What could hurt the host is asked for in a way that fails later than for want of a right. */
static const char NOWHERE[] = "/openexec-nowhere";

static void kernel(void) {
  TRY("mount", mount("none", NOWHERE, "tmpfs", 0, NULL));
  TRY("unmount", umount2(NOWHERE, MNT_DETACH));
  TRY("open tree", syscall(428, AT_FDCWD, "/", 1));
  TRY("file system", syscall(430, "tmpfs", 0));
  TRY("move mount", syscall(429, -1, "", -1, "", 4));
  TRY("root", chroot("/tmp"));
  TRY("pivot", syscall(SYS_pivot_root, "/", "/"));
  TRY("unshare user", unshare(CLONE_NEWUSER));
  TRY("unshare mounts", unshare(CLONE_NEWNS));
  TRY("clone into a user namespace", child_by(CLONE_NEWUSER));
  TRY("clone3", syscall(SYS_clone3, (long[11]){0}, 88));
  TRY("bpf", syscall(SYS_bpf, 0, (char[128]){0}, 128));
  TRY("perf", syscall(SYS_perf_event_open, (char[128]){0}, 0, -1, -1, 0));
  TRY("io_uring", syscall(SYS_io_uring_setup, 1, (char[128]){0}));
  TRY("io_uring_enter", syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0));
  TRY("io_uring_register", syscall(SYS_io_uring_register, 0, 0, NULL, 0));
  TRY("aio", syscall(SYS_io_setup, 1, (long[1]){0}));
  TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
  TRY("keyctl", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
  TRY("add key", syscall(SYS_add_key, "user", "x", "x", 1, -3));
  TRY("request key", syscall(SYS_request_key, "user", "x", NULL, 0));
  TRY("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
  TRY("kexec by file", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0));
  TRY("module", syscall(SYS_init_module, "", 0, ""));
  TRY("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
  TRY("clock", syscall(SYS_clock_settime, 0, (long[2]){1, -1}));
  TRY("host name", syscall(SYS_sethostname, "x", -1));
  TRY("swap", syscall(SYS_swapon, "/", 0));
  TRY("kernel log", syscall(SYS_syslog, 3, NULL, 0));
  TRY("accounting", syscall(SYS_acct, NULL));
  TRY("quota", syscall(SYS_quotactl, 0, NULL, 0, NULL));
  TRY("file handle", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", NULL, NULL, 0));
  TRY("shared memory", syscall(SYS_shmget, 0, 4096, 0600));
  TRY("semaphores", syscall(SYS_semget, 0, 1, 0600));
  TRY("message queue", syscall(SYS_msgget, 0, 0600));
  TRY("posix queue", syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, NULL));
  TRY("unnamed file", syscall(SYS_memfd_create, "x", 0));
  TRY("execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0));
  TRY("inotify", syscall(SYS_inotify_init1, 0));
  TRY("fanotify", syscall(SYS_fanotify_init, 0, 0));
  TRY("vmsplice", syscall(SYS_vmsplice, 1, NULL, 0, 0));
  TRY("remap pages", syscall(SYS_remap_file_pages, 0, 0, 0, 0, 0));
  TRY("secret memory", syscall(447, 0));
  TRY("unknown call", syscall(1023));
#ifdef __x86_64__
  TRY("x32", syscall(0x40000000 | SYS_getpid));
  TRY("io ports", syscall(SYS_iopl, 3));
  TRY("segments", syscall(SYS_modify_ldt, 1, (char[16]){0}, 16));
#endif
}

/* In a child, since the leader of a group cannot. */
static int child_does(pid_t (*leave)(void)) {
  int status = 0;
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) _exit(leave() < 0 ? errno : 0);
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  return errno == 0 ? 0 : -1;
}

static pid_t lead_group(void) { return setpgid(0, 0); }

/*
 * Leaves eight processes that try to be elsewhere when their run ends: in another session or group,
 * and half of them under another pid every few milliseconds. They give up after half a minute.
 */
static void flee(void) {
  time_t end = time(NULL) + 30;
  for (int i = 0; i < 8; i++) {
    if (fork() != 0) continue;
    setsid();
    setpgid(0, 0);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (int descriptor = 0; descriptor < 3; descriptor++) close(descriptor);
    while (time(NULL) < end) {
      if (i % 2 == 0 && fork() > 0) _exit(0);
      nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    _exit(0);
  }
}

static void programs(void) {
  TRY("execute /bin/sh", execve("/bin/sh", (char *[]){"sh", NULL}, (char *[]){NULL}));
  TRY("execute /bin/su", execve("/bin/su", (char *[]){"su", NULL}, (char *[]){NULL}));
  TRY("fork", child_by(0));
  /* Its parent would be the daemon, which does not know it and would leave it a zombie. */
  TRY("child of the daemon", child_by(CLONE_PARENT));
  TRY("traced child", child_by(CLONE_PTRACE));
  TRY("another session", child_does(setsid));
  TRY("another process group", child_does(lead_group));
}

/*
 * Every thread of the host that can be signalled: a domain of Landlock's is that of a thread, and
 * the daemon has threads of its own in one.
 */
static void threads(const struct target *at) {
  for (pid_t id = 1; id < 1 << 16; id++) {
    if (id == getpid()) continue;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", id);
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    long reached = syscall(SYS_tgkill, at->daemon, id, 0) == 0 ||
                   syscall(SYS_tgkill, id, id, 0) == 0 || syscall(SYS_kill, id, 0) == 0 ||
                   syscall(SYS_pidfd_send_signal, folder, 0, NULL, 0) == 0;
    if (folder >= 0) close(folder);
    if (reached) say("reach %d OPENED\n", id);
  }
}

/* Writes lines to `buffer`, which is `size` bytes long and then holds a C string. */
void attempts(char *buffer, size_t size, const struct target *at) {
  out = buffer;
  room = size;
  files(at);
  sockets(at);
  one_process("daemon", at->daemon);
  one_process("sibling", at->sibling);
  itself();
  kernel();
  programs();
  threads(at);
}

/* The same for a caller that has no structs: ten texts, in the struct's order. */
void attempts_of(char *buffer, size_t size, const char *texts) {
  const char *of[10];
  for (int i = 0; i < 10; i++) of[i] = texts, texts += strlen(texts) + 1;
  struct target at = {of[0], of[1], of[2], of[3], of[4], of[5], of[6], atoi(of[7]), atoi(of[8]),
                      atoi(of[9])};
  attempts(buffer, size, &at);
}

int main(int count, char **args) {
  static char lines[65536];
  if (count == 11) {
    struct target at = {args[1], args[2], args[3], args[4], args[5], args[6], args[7],
                        atoi(args[8]), atoi(args[9]), atoi(args[10])};
    attempts(lines, sizeof lines, &at);
  } else if (count == 2 && strcmp(args[1], "whoami") == 0) {
    snprintf(lines, sizeof lines, "%d %d\n", getuid(), geteuid());
  } else if (count == 2 && strcmp(args[1], "wait") == 0) {
    select(0, NULL, NULL, NULL, NULL);
  } else if (count == 2 && strcmp(args[1], "flee") == 0) {
    flee();
    snprintf(lines, sizeof lines, "fled\n");
  } else if (count == 3 && strcmp(args[1], "meet") == 0) {
    out = lines;
    room = sizeof lines;
    one_process("other run", atoi(args[2]));
  } else if (count == 2 && strcmp(args[1], "other machine") == 0) {
#ifdef __x86_64__
    long number = 20; /* getpid of the table for 32 bits */
    __asm__ volatile("int $0x80" : "+a"(number));
#else
    raise(SIGSYS);
#endif
    snprintf(lines, sizeof lines, "lives\n");
  }
  /* An executor has no standard output. */
  return write(2, lines, strlen(lines)) < 0;
}
