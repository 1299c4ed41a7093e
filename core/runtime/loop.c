#include "runtime/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/log.h"
#include "thread.h"

/* What libevent takes for a base, with some to spare. */
enum { DESCRIPTORS = 6 };

/* The alarm is not set for what is later, beyond what the kernel's numbers hold. */
#define FAR_SECONDS 4e9

struct filo_loop {
  struct event_base *base;
  struct filo_pool *pool;
  struct event *wake;
  int alarm_fd; /* a timer of the kernel's own, set only before a wait: libevent's are coarser */
  struct event *alarm;
  double alarm_at; /* HUGE_VAL: it is not set */
  uint64_t turns;
  filo_signal_fn *on_signal;
  void *ctx;
};

/* What a signal handler may touch: one loop a process. */
static int wake_fd = -1;
static _Atomic uint64_t signals;
static _Atomic uint64_t interrupting; /* the signals that interrupt a script */
static _Atomic time_t asked_to_end;   /* when the first SIGINT or SIGTERM of `signals` came */
static void (*on_terminate)(void);
static void (*on_stuck)(int signum);

static void wake(void *ctx) {
  (void)ctx;
  uint64_t one = 1;
  ssize_t ignored = write(wake_fd, &one, sizeof one); /* fails only when it is set already */
  (void)ignored;
}

/* A loop that has not come to look at the first request to end for a second never will, perhaps
 * (a function of C that goes on and on, a disk that hangs): the next one ends the process. */
static void end_if_stuck(int signum, bool again) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (!again) asked_to_end = now.tv_sec;
  if (now.tv_sec - asked_to_end < 2) return;
  if (on_stuck) return on_stuck(signum);
  signal(signum, SIG_DFL);
  raise(signum);
}

static void on_signal(int signum) {
  int saved = errno;
  uint64_t bit = (uint64_t)1 << signum;
  bool again = atomic_fetch_or(&signals, bit) & bit;
  if (signum == SIGINT || signum == SIGTERM) end_if_stuck(signum, again);
  if (signum == SIGTERM && on_terminate) on_terminate();
  wake(NULL);
  errno = saved;
}

bool filo_loop_signalled(void) {
  return atomic_load(&signals) != 0;
}

bool filo_loop_interrupted(void) {
  return (atomic_load(&signals) & atomic_load(&interrupting)) != 0;
}

void filo_loop_on_end(void (*asked)(void), void (*stuck)(int signum)) {
  on_terminate = asked;
  on_stuck = stuck;
}

bool filo_loop_terminated(void) {
  return (atomic_load(&signals) & (uint64_t)1 << SIGTERM) != 0;
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct filo_loop *loop = arg;
  uint64_t count;
  ssize_t ignored = read(fd, &count, sizeof count);
  (void)ignored;
  filo_pool_finish(loop->pool);
  uint64_t came = atomic_exchange(&signals, 0);
  for (int signum = 1; came; signum++) {
    uint64_t bit = (uint64_t)1 << signum;
    if (came & bit) loop->on_signal(loop->ctx, signum);
    came &= ~bit;
  }
}

static void on_alarm(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct filo_loop *loop = arg;
  uint64_t count;
  ssize_t ignored = read(fd, &count, sizeof count);
  (void)ignored;
  loop->alarm_at = HUGE_VAL;
}

/* One that rings too early does no harm. */
static void set_alarm(struct filo_loop *loop, double at) {
  if (at >= loop->alarm_at || at > FAR_SECONDS) return;
  double seconds = floor(at);
  struct itimerspec when = {.it_value = {(time_t)seconds, (long)((at - seconds) * 1e9)}};
  timerfd_settime(loop->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
  loop->alarm_at = at;
}

void filo_loop_watch_signal(int signum, bool on, bool interrupts) {
  uint64_t bit = (uint64_t)1 << signum;
  struct sigaction action = {.sa_handler = on ? on_signal : SIG_DFL};
  if (!interrupts) action.sa_flags = SA_RESTART;
  filo_thread_signals(&action.sa_mask);
  atomic_fetch_and(&interrupting, ~bit);
  sigaction(signum, &action, NULL);
  if (interrupts) atomic_fetch_or(&interrupting, bit);
}

static unsigned processors(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 2;
  return count < 2 ? 2 : count > 32 ? 32 : (unsigned)count;
}

static void on_libevent(int severity, const char *message) {
  if (severity >= EVENT_LOG_WARN)
    filo_log(severity == EVENT_LOG_WARN ? "warning" : "error", "libevent", message);
}

/* Whether so many descriptors may still be opened: libevent ends the process when there are none.
 * 0, or an errno. */
static int try_descriptors(void) {
  int fds[DESCRIPTORS], count = 0, sys_errno = 0;
  while (count < DESCRIPTORS && sys_errno == 0) {
    int fd = fcntl(wake_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) sys_errno = errno == EINVAL ? EMFILE : errno; /* a limit below 3 */
    if (fd >= 0) fds[count++] = fd;
  }
  while (count > 0) close(fds[--count]);
  return sys_errno;
}

static int set_up(struct filo_loop *loop, struct filo_error *err) {
  event_set_log_callback(on_libevent);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd >= 0) loop->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  int sys_errno = loop->alarm_fd < 0 ? errno : try_descriptors();
  if (sys_errno) return filo_fail_errno(err, sys_errno, "the event loop has no descriptors");
  struct event_config *config = event_config_new();
  if (config) {
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
  }
  if (!loop->base) return filo_fail(err, FILO_NO_MEMORY, "cannot make an event loop");
  loop->wake = event_new(loop->base, wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
  loop->alarm = event_new(loop->base, loop->alarm_fd, EV_READ | EV_PERSIST, on_alarm, loop);
  if (!loop->wake || event_add(loop->wake, NULL) < 0 || !loop->alarm ||
      event_add(loop->alarm, NULL) < 0)
    return filo_fail(err, FILO_NO_MEMORY, "no memory for the event loop");
  return filo_pool_new(processors(), wake, NULL, &loop->pool, err);
}

int filo_loop_new(filo_signal_fn *handler, void *ctx, struct filo_loop **ret,
                  struct filo_error *err) {
  struct filo_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return filo_fail(err, FILO_NO_MEMORY, "no memory for the event loop");
  loop->on_signal = handler;
  loop->ctx = ctx;
  loop->alarm_fd = -1;
  loop->alarm_at = HUGE_VAL;
  int code = set_up(loop, err);
  if (code < 0) {
    filo_loop_free(loop);
    return code;
  }
  *ret = loop;
  return 0;
}

void filo_loop_stop(struct filo_loop *loop) {
  filo_pool_free(loop->pool);
  loop->pool = NULL;
}

void filo_loop_free(struct filo_loop *loop) {
  filo_loop_stop(loop);
  if (loop->wake) event_free(loop->wake);
  if (loop->alarm) event_free(loop->alarm);
  if (loop->alarm_fd >= 0) close(loop->alarm_fd);
  if (loop->base) event_base_free(loop->base);
  if (wake_fd >= 0) close(wake_fd);
  wake_fd = -1;
  free(loop);
}

static void on_tick(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what, (void)arg;
}

void filo_loop_linger(struct filo_loop *loop, double seconds) {
  double until = filo_now() + seconds;
  event_del(loop->wake);
  event_del(loop->alarm);
  while (event_base_get_num_events(loop->base, EVENT_BASE_COUNT_ADDED) > 0 && filo_now() < until) {
    struct timeval soon = {0, 20000};
    event_base_once(loop->base, -1, EV_TIMEOUT, on_tick, NULL, &soon);
    event_base_loop(loop->base, EVLOOP_ONCE);
  }
}

struct event_base *filo_loop_base(struct filo_loop *loop) {
  return loop->base;
}

struct filo_pool *filo_loop_pool(struct filo_loop *loop) {
  return loop->pool;
}

uint64_t filo_loop_turns(const struct filo_loop *loop) {
  return loop->turns;
}

void filo_loop_turn(struct filo_loop *loop, double until) {
  loop->turns++;
  bool wait = until > 0 && (until == HUGE_VAL || until > filo_now());
  if (wait && until < HUGE_VAL) set_alarm(loop, until);
  event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

double filo_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
