#include "runtime/watchdog.h"

#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/loop.h"
#include "runtime/watchdog_report.h"
#include "thread.h"

#define TICK_NANOSECONDS 100000000L
#define TICKS(seconds) ((unsigned long)ceil((seconds)*1e9 / TICK_NANOSECONDS))

#define NEVER ULONG_MAX
#define CLEANUP_TICKS 5 /* after a limit is over, until its error is raised at each instruction */
#define STUCK_TICKS 10  /* after a hook was set, until one that was not called counts as stuck */

/* All of it is touched by the loop thread only, and by the signal handler, which runs there too and
 * keeps away while `switching`. */
static lua_State *volatile running;
static volatile bool switching;
static volatile unsigned long ticks;                  /* while Lua ran, in all */
static volatile unsigned long deadline = NEVER;       /* the tick at which what runs is stopped */
static volatile unsigned long interrupted_at = NEVER; /* the tick that saw a request to end */
static volatile bool interrupt_raised;                /* that request has been raised once */
static volatile bool ticks_wake;                      /* since then */
static volatile int ending; /* the signal with which the process ends at the next hook or tick */
static volatile unsigned long slice;        /* a new number each time the loop enters Lua */
static volatile unsigned long ticked_slice; /* the slice that the last tick saw */
static volatile unsigned long began;        /* the tick at which it was seen first */
static volatile unsigned long report_at;    /* ticks that it lasts at the next report */
static volatile bool report_due;
static atomic_bool armed;
static timer_t timer;
static bool started;
static lua_State *desk; /* reports are written on a stack of their own */

/* The one coroutine that has the watchdog's hook, and what it had instead. */
static struct {
  lua_State *volatile L;
  volatile lua_Hook hook;
  volatile int mask, count;
  volatile unsigned long alive; /* the tick at which it was set, or called last */
  volatile bool told;           /* it has not been called since, and that was told */
} hooked;

static struct {
  volatile bool on;
  int status;
  char name[33];
} end_when_stuck;

static volatile bool end_asked;
static volatile double end_asked_at;

static const char spared_key; /* registry: a set of chunk names */

static void arm(long nanoseconds) {
  struct itimerspec when = {.it_value.tv_nsec = nanoseconds};
  timer_settime(timer, 0, &when, NULL);
}

bool filo_watchdog_is_limited(void) {
  return deadline != NEVER;
}

/* The tick from which on an error is raised in what runs. */
static unsigned long stops_at(void) {
  return interrupted_at < deadline ? interrupted_at : deadline;
}

bool filo_watchdog_is_over(void) {
  return ticks >= stops_at();
}

static bool is_at_its_end(void) {
  return stops_at() != NEVER && ticks >= stops_at() + CLEANUP_TICKS;
}

/* --- The hook --- */

static void on_hook(lua_State *L, lua_Debug *ar);

/* Again, when the script has put one of its own in its place. */
static void set_hook(lua_State *L) {
  if (lua_gethook(L) == on_hook && hooked.L) return;
  hooked.hook = lua_gethook(L);
  hooked.mask = lua_gethookmask(L);
  hooked.count = lua_gethookcount(L);
  hooked.alive = ticks;
  hooked.told = false;
  hooked.L = L;
  lua_sethook(L, on_hook, LUA_MASKCOUNT, 1);
}

static void take_hook_away(void) {
  lua_State *L = hooked.L;
  if (!L) return;
  if (lua_gethook(L) == on_hook) lua_sethook(L, hooked.hook, hooked.mask, hooked.count);
  hooked.L = NULL;
}

static unsigned seconds_so_far(void) {
  return (unsigned)((ticks - began) / TICKS(1));
}

/* Not on the stack of L: a long traceback is built in a buffer that marks the function running
 * there as one with something to close, which here is the one that was interrupted. */
static void report(lua_State *L) {
  luaL_traceback(desk, L, NULL, 0);
  filo_watchdog_report(lua_tostring(desk, -1), seconds_so_far());
  lua_settop(desk, 0);
}

static bool is_spared(lua_State *L, const char *source) {
  if (*source != '@') return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &spared_key);
  bool yes = lua_getfield(L, -1, source) != LUA_TNIL;
  lua_pop(L, 2);
  return yes;
}

static void stop(lua_State *L, const char *why) {
  luaL_where(L, 0); /* a hook has no level of its own */
  lua_pushstring(L, why);
  lua_concat(L, 2);
  lua_error(L);
}

static void on_hook(lua_State *L, lua_Debug *ar) {
  if (L != hooked.L) { /* a new coroutine has the hook of the one that made it */
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  if (ending) filo_watchdog_terminate(L, 0, ending);
  hooked.alive = ticks;
  if (report_due) report(L);
  report_due = false;
  bool over = filo_watchdog_is_over(), interrupted = ticks >= interrupted_at;
  bool anywhere = interrupted && !interrupt_raised;
  if (over && !anywhere) lua_getinfo(L, "S", ar);
  if (over && !anywhere && is_spared(L, ar->source)) return;
  if (!is_at_its_end()) take_hook_away();
  if (!over) return;
  if (interrupted) interrupt_raised = true;
  stop(L, interrupted ? "interrupted" : "stopped: it computed for too long without waiting");
}

/* --- Ticks --- */

/* The script is where the hook is not called. */
static void tell_stuck(lua_State *L) {
  if (end_when_stuck.on && ticks >= deadline)
    filo_watchdog_end(L, end_when_stuck.name, end_when_stuck.status);
  if (!hooked.told || report_due) filo_watchdog_tell(L, seconds_so_far());
  report_due = false;
  hooked.told = true;
}

/* What is stopped soon is told of by its error. */
static bool is_stopped_within_a_second(void) {
  return stops_at() != NEVER && stops_at() <= ticks + TICKS(1);
}

static void on_tick(int signum);

/* wakes: what waits in the system, below a function of C, ends with EINTR at the next tick. */
static void set_ticks(bool wakes) {
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = wakes ? 0 : SA_RESTART};
  filo_thread_signals(&action.sa_mask);
  sigaction(SIGALRM, &action, NULL);
  ticks_wake = wakes;
}

/* A script that waits now and then is left to do so, and hears of it there. */
static void look_at_interrupt(void) {
  if (!filo_loop_interrupted())
    interrupted_at = NEVER;
  else if (interrupted_at == NEVER && ticks - began > 2) {
    interrupt_raised = false;
    interrupted_at = ticks;
    set_ticks(true);
  }
}

static void look_at_slice(lua_State *L) {
  ticks++;
  if (ticked_slice != slice) {
    ticked_slice = slice;
    began = ticks - 1;
    report_at = TICKS(FILO_WATCHDOG_SECONDS);
    report_due = false;
  }
  look_at_interrupt();
  if (ticks - began >= report_at && !is_stopped_within_a_second()) {
    report_at = report_at * 10;
    report_due = true;
  }
  if (hooked.L && ticks - hooked.alive >= STUCK_TICKS) tell_stuck(L);
  if (report_due || filo_watchdog_is_over()) set_hook(L);
}

static bool is_end_due(void) {
  if (!filo_loop_terminated()) end_asked = false;
  return end_asked && filo_now() - end_asked_at >= FILO_WATCHDOG_END_SECONDS;
}

/* Runs in a signal handler. Only a hook can tell for sure where a script of Lua is; one that has
 * not been called at the next tick never will. */
static void end_process(int signum) {
  if (ending || !running || switching) filo_watchdog_terminate(running, 1, signum);
  ending = signum;
  set_hook(running);
}

/* Runs as a signal handler, on the loop thread. */
static void on_tick(int signum) {
  (void)signum;
  if (ending || is_end_due()) end_process(ending ? ending : SIGTERM);
  if (running && !switching) look_at_slice(running);
  if (!running && !end_asked)
    armed = false;
  else
    arm(TICK_NANOSECONDS);
}

/* Runs in a signal handler. */
static void watch_end(void) {
  if (!end_asked) end_asked_at = filo_now();
  end_asked = true;
  if (started && !atomic_exchange(&armed, true)) arm(TICK_NANOSECONDS);
}

/* --- What runs --- */

static void change(lua_State *L, unsigned long until) {
  switching = true;
  take_hook_away();
  running = L;
  deadline = until;
  if (L && is_at_its_end()) set_hook(L);
  switching = false;
}

struct filo_watchdog filo_watchdog_enter(lua_State *L, double seconds) {
  struct filo_watchdog before = {running, deadline};
  unsigned long until = before.running ? before.deadline : NEVER;
  if (seconds > 0) {
    unsigned long own = ticks + TICKS(seconds) + 1; /* the next tick may come at once */
    if (own < until) until = own;
  }
  if (!before.running) {
    slice++;
    interrupted_at = NEVER;
    if (ticks_wake) set_ticks(false);
  }
  change(L, until);
  if (!before.running && started && !armed && !atomic_exchange(&armed, true)) arm(TICK_NANOSECONDS);
  return before;
}

void filo_watchdog_leave(struct filo_watchdog before) {
  bool stopped = ticks >= deadline;
  change(before.running, before.deadline);
  if (stopped) slice++; /* what goes on now is another matter */
}

/* --- Beginning and end --- */

void filo_watchdog_start(lua_State *L) {
  desk = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &desk);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &spared_key);
  set_ticks(false);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  started = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
  filo_loop_on_end(watch_end, end_process);
}

void filo_watchdog_stop(void) {
  if (!started) return;
  started = false;
  filo_loop_on_end(NULL, NULL);
  timer_delete(timer);
  signal(SIGALRM, SIG_IGN); /* one may be on its way */
}

void filo_watchdog_spare(lua_State *L, const char *source) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &spared_key);
  lua_pushboolean(L, true);
  lua_setfield(L, -2, source);
  lua_pop(L, 1);
}

bool filo_watchdog_spares(lua_State *L, int index) {
  lua_Debug ar;
  lua_pushvalue(L, index);
  lua_getinfo(L, ">S", &ar);
  return is_spared(L, ar.source);
}

bool filo_watchdog_spares_caller(lua_State *L) {
  lua_Debug ar;
  return lua_getstack(L, 1, &ar) && lua_getinfo(L, "S", &ar) && is_spared(L, ar.source);
}

void filo_watchdog_where(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || is_spared(L, ar.source)) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

void filo_watchdog_end_when_stuck(const char *name, int status) {
  end_when_stuck.on = false;
  end_when_stuck.status = status;
  snprintf(end_when_stuck.name, sizeof end_when_stuck.name, "%s", name);
  end_when_stuck.on = true;
}
