#include "runtime/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"

enum { STREAMS = 3 };

/* --- What it is started with --- */

static size_t count(struct filo_texts texts) {
  size_t n = 0;
  for (size_t i = 0; i < texts.length; i++) n += texts.bytes[i] == 0;
  return n;
}

static const char *next(const char *text) {
  return text + strlen(text) + 1;
}

static const char *end(struct filo_texts texts) {
  return texts.bytes + texts.length;
}

static char **make_arguments(struct filo_texts texts) {
  char **list = calloc(count(texts) + 1, sizeof *list), **to = list;
  for (const char *text = texts.bytes; list && text < end(texts); text = next(text))
    *to++ = (char *)text;
  return list;
}

/* Whether one of the variables has the name of this one, "NAME=value". */
static bool is_among(struct filo_texts variables, const char *other) {
  size_t length = strcspn(other, "=");
  for (const char *each = variables.bytes; each < end(variables); each = next(each))
    if (strcspn(each, "=") == length && memcmp(each, other, length) == 0) return true;
  return false;
}

static char **make_environment(struct filo_texts variables) {
  size_t mine = 0;
  while (environ && environ[mine]) mine++;
  char **list = calloc(mine + count(variables) + 1, sizeof *list), **to = list;
  if (!list) return NULL;
  for (size_t i = 0; i < mine; i++)
    if (!is_among(variables, environ[i])) *to++ = environ[i];
  for (const char *each = variables.bytes; each < end(variables); each = next(each))
    if (strchr(each, '=')) *to++ = (char *)each;
  return list;
}

/* --- Its descriptors --- */

/* 0, 1 and 2 are where the program will have them. */
static int lift(int fd) {
  if (fd >= STREAMS) return fd;
  int lifted = fcntl(fd, F_DUPFD_CLOEXEC, STREAMS), error = errno;
  close(fd);
  errno = error;
  return lifted;
}

static void close_all(int fds[STREAMS]) {
  for (int i = 0; i < STREAMS; i++)
    if (fds[i] >= 0) close(fds[i]);
}

/* 0, or an errno; what is open then stays in the lists. */
static int open_pipes(int ours[STREAMS], int its[STREAMS]) {
  for (int i = 0; i < STREAMS; i++) ours[i] = its[i] = -1;
  for (int i = 0; i < STREAMS; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    ours[i] = ends[i == 0];
    its[i] = lift(ends[i != 0]);
    if (its[i] < 0 || fcntl(ours[i], F_SETFL, O_NONBLOCK) < 0) return errno;
  }
  return 0;
}

/* --- Starting --- */

/* Each gives 0, or an errno. */
static int plan_files(posix_spawn_file_actions_t *actions, int folder, const int its[STREAMS]) {
  int error = folder >= 0 ? posix_spawn_file_actions_addfchdir_np(actions, folder) : 0;
  for (int i = 0; i < STREAMS && !error; i++)
    error = posix_spawn_file_actions_adddup2(actions, its[i], i);
  return error ? error : posix_spawn_file_actions_addclosefrom_np(actions, STREAMS);
}

/* What this process catches is the default again by itself. */
static int plan_signals(posix_spawnattr_t *attributes) {
  sigset_t none;
  sigemptyset(&none);
  int error = posix_spawnattr_setsigmask(attributes, &none);
  return error ? error : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
}

static int spawn(const struct filo_program_plan *plan, int folder, const int its[STREAMS],
                 pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  int error = plan_files(&actions, folder, its);
  if (!error) error = plan_signals(&attributes);
  FILO_AUTO_FREE char **arguments = make_arguments(plan->arguments);
  FILO_AUTO_FREE char **environment = make_environment(plan->variables);
  if (!arguments || !environment) error = ENOMEM;
  if (!error)
    error = posix_spawnp(pid, plan->arguments.bytes, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

static int fail(struct filo_error *err, int error, const char *program) {
  if (error == ENOENT && strchr(program, '/'))
    return filo_fail(err, FILO_NOT_FOUND,
                     "there is no program %s, or not what the first line of it names", program);
  if (error == ENOENT)
    return filo_fail(err, FILO_NOT_FOUND,
                     "there is no program %s in any folder of PATH: install it, or give its path",
                     program);
  if (error == ENOEXEC)
    return filo_fail(err, FILO_UNSUPPORTED,
                     "%s is no program for this machine, nor a script that begins with #!",
                     program);
  if (error == E2BIG)
    return filo_fail(err, FILO_TOO_LARGE,
                     "the arguments and variables of %s are more than the system takes: give them "
                     "on its standard input",
                     program);
  return filo_fail_errno(err, error, "cannot start the program %s", program);
}

static int watch(pid_t pid, int ours[STREAMS], struct filo_program *ret) {
  int pidfd = pidfd_open(pid, 0), error = errno;
  if (pidfd < 0) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close_all(ours);
    return error;
  }
  *ret = (struct filo_program){.pid = pid, .pidfd = pidfd};
  memcpy(ret->streams, ours, sizeof ret->streams);
  return 0;
}

int filo_program_start(const struct filo_program_plan *plan, struct filo_program *ret,
                       struct filo_error *err) {
  const char *name = plan->arguments.bytes;
  FILO_AUTO_CLOSE int folder = -1;
  if (plan->folder && (folder = open(plan->folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
    return filo_fail_errno(err, errno, "cannot start %s in the folder %s", name, plan->folder);
  int ours[STREAMS], its[STREAMS];
  pid_t pid = 0;
  int error = open_pipes(ours, its);
  if (!error) error = spawn(plan, folder, its, &pid);
  close_all(its);
  if (error) {
    close_all(ours);
    return fail(err, error, name);
  }
  error = watch(pid, ours, ret);
  return error ? filo_fail_errno(err, error, "cannot watch the program %s", name) : 0;
}

/* --- While it runs --- */

int filo_signal_number(const char *name) {
  for (int signum = 1; signum < SIGRTMIN; signum++) {
    const char *known = sigabbrev_np(signum);
    if (known && strcmp(known, name) == 0) return signum;
  }
  return 0;
}

int filo_program_signal(const struct filo_program *program, int signum) {
  return pidfd_send_signal(program->pidfd, signum, NULL, 0) < 0 ? errno : 0;
}

bool filo_program_reap(const struct filo_program *program, int *status, int *sys_errno) {
  pid_t pid = waitpid(program->pid, status, WNOHANG);
  *sys_errno = pid < 0 ? errno : 0;
  return pid != 0;
}

void filo_program_close(struct filo_program *program) {
  close_all(program->streams);
  close(program->pidfd);
}
