#include "runtime/guard.h"

#include <lauxlib.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/loop.h"

#define TICK_NANOSECONDS 100000000L

static lua_State *volatile running;
static atomic_ulong slice;        /* a new number each time Lua is entered from the loop */
static atomic_ulong ticked_slice; /* the slice that the last tick saw */
static atomic_uint ticks;         /* ticks that this slice lasted */
static atomic_uint report_at;     /* the tick of the next report */
static atomic_uint limit;         /* the tick at which the slice is stopped; 0: never */
static atomic_bool armed;
static timer_t timer;
static bool started;
static lua_State *desk; /* reports are written on a stack of their own */

static void arm(long nanoseconds) {
  struct itimerspec when = {.it_value.tv_nsec = nanoseconds};
  timer_settime(timer, 0, &when, NULL);
}

/* Not on the stack of L: a long traceback is built in a buffer that marks the function running
 * there as one with something to close, which here is the one that was interrupted. */
static void report(lua_State *L) {
  luaL_traceback(desk, L, NULL, 0);
  fprintf(stderr,
          "filo: a script has been running for %.0f s without waiting; nothing else runs "
          "meanwhile.\nLet it wait now and then: filo.sleep(0).\n%s\n",
          (double)ticks * TICK_NANOSECONDS * 1e-9, lua_tostring(desk, -1));
  lua_settop(desk, 0);
}

static bool is_over(void) {
  return limit > 0 && ticks >= limit;
}

static void stop(lua_State *L, const char *why) {
  luaL_where(L, 0); /* a hook has no level of its own */
  lua_pushstring(L, why);
  lua_concat(L, 2);
  lua_error(L);
}

static void on_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (filo_loop_interrupted()) stop(L, "interrupted");
  if (is_over()) stop(L, "stopped: it computed for too long without waiting");
  report(L);
}

/* Runs as a signal handler, on the loop thread. */
static void on_tick(int signum) {
  (void)signum;
  lua_State *L = running;
  if (!L) {
    armed = false;
    return;
  }
  if (ticked_slice != slice) {
    ticked_slice = slice;
    ticks = 0;
    report_at = (unsigned)(FILO_GUARD_SECONDS * 1e9 / TICK_NANOSECONDS);
  }
  unsigned lasted = atomic_fetch_add(&ticks, 1) + 1;
  bool due = lasted >= report_at;
  if (due) report_at = report_at * 10;
  if (due || is_over() || (lasted > 2 && filo_loop_interrupted()))
    lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
  arm(TICK_NANOSECONDS);
}

void filo_guard_start(lua_State *L) {
  desk = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &desk);
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(SIGALRM, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  started = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

void filo_guard_stop(void) {
  if (!started) return;
  started = false;
  timer_delete(timer);
  signal(SIGALRM, SIG_IGN); /* one may be on its way */
}

void filo_guard_limit(double seconds) {
  limit = (unsigned)ceil(seconds * 1e9 / TICK_NANOSECONDS);
}

lua_State *filo_guard_enter(lua_State *L) {
  lua_State *before = running;
  running = L;
  if (!before) {
    slice++;
    if (started && !atomic_exchange(&armed, true)) arm(TICK_NANOSECONDS);
  }
  return before;
}

void filo_guard_leave(lua_State *before) {
  running = before;
}
