#include "runtime/clock.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/internal.h"
#include "runtime/log.h"
#include "runtime/watchdog.h"

/* Of a call that is made later: they lie on the main stack then. */
#define MOST_ARGUMENTS 200

/* For what its tasks still wait for after the first one has ended. */
#define GRACE_SECONDS 60

int filo_clock_add(struct filo_clock *clock, double seconds, struct filo_task *task, int call) {
  return filo_timers_add(&clock->timers, clock->now + (seconds > 0 ? seconds : 0), task, call);
}

/* --- Clocks of a runtime --- */

/* NULL: no memory. */
static struct filo_clock *new_clock(struct filo_runtime *runtime) {
  struct filo_clock *clock = calloc(1, sizeof *clock);
  if (!clock) return NULL;
  clock->end = HUGE_VAL;
  clock->next = runtime->clocks;
  runtime->clocks = clock;
  return clock;
}

static void free_clock(struct filo_runtime *runtime, struct filo_clock *clock) {
  struct filo_clock **link = &runtime->clocks;
  while (*link != clock) link = &(*link)->next;
  *link = clock->next;
  while (clock->timers.count > 0) {
    struct filo_timer timer = filo_timers_take(&clock->timers);
    if (!timer.task) luaL_unref(runtime->L, LUA_REGISTRYINDEX, timer.call);
  }
  filo_timers_free(&clock->timers);
  free(clock);
}

void filo_clock_free_all(struct filo_runtime *runtime) {
  while (runtime->clocks) free_clock(runtime, runtime->clocks);
}

void filo_clock_task_ended(struct filo_runtime *runtime, struct filo_task *task) {
  struct filo_clock *clock = task->clock;
  if (!clock) return;
  if (task == clock->root) {
    clock->root = NULL;
    clock->end = clock->now + GRACE_SECONDS;
    for (struct filo_task *each = runtime->all; each; each = each->next_live)
      if (each->clock == clock) filo_task_cancel(each, "the virtual time is over");
  }
  task->clock = NULL;
  if (--clock->live == 0) free_clock(runtime, clock);
}

/* How many values, the function and its arguments are a list in the registry. */
static void call(struct filo_runtime *runtime, struct filo_clock *clock, int ref) {
  lua_State *L = runtime->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
  luaL_unref(L, LUA_REGISTRYINDEX, ref);
  int list = lua_gettop(L);
  lua_rawgeti(L, list, 1);
  int count = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (!lua_checkstack(L, count)) {
    lua_settop(L, list - 1);
    return;
  }
  for (int i = 1; i <= count; i++) lua_rawgeti(L, list, i + 1);
  runtime->clock = clock;
  struct filo_watchdog before = filo_watchdog_enter(L, 0);
  if (lua_pcall(L, count - 1, 0, 0) != LUA_OK) {
    const char *message = lua_tostring(L, -1);
    filo_log("error", "failed", message ? message : "a call that was made later failed");
  }
  filo_watchdog_leave(before);
  runtime->clock = NULL;
  lua_settop(L, list - 1);
}

/* Jumps to the next timer. False when there is none, or when time is over. */
static bool advance(struct filo_runtime *runtime, struct filo_clock *clock) {
  double first = filo_timers_first(&clock->timers);
  if (first == HUGE_VAL || first > clock->end) return false;
  struct filo_timer timer = filo_timers_take(&clock->timers);
  clock->now = first;
  if (timer.task)
    filo_task_time_out(timer.task);
  else
    call(runtime, clock, timer.call);
  return true;
}

bool filo_clock_advance(struct filo_runtime *runtime) {
  bool any = false;
  for (struct filo_clock *clock = runtime->clocks, *next; clock; clock = next) {
    next = clock->next;
    any = advance(runtime, clock) || any;
  }
  return any;
}

/* --- For scripts --- */

int filo_clock_virtual(lua_State *L) {
  struct filo_runtime *runtime = filo_runtime_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  struct filo_clock *clock = new_clock(runtime);
  if (!clock) return luaL_error(L, "no memory for a clock");
  struct filo_clock *before = runtime->clock;
  runtime->clock = clock;
  clock->root = filo_task_spawn(L, lua_gettop(L) - 1, false);
  runtime->clock = before;
  return 1;
}

int filo_clock_timers(lua_State *L) {
  struct filo_clock *clock = filo_runtime_of(L)->clock;
  if (!clock) return luaL_error(L, "timers: only where time is virtual");
  lua_pushinteger(L, (lua_Integer)clock->timers.count);
  return 1;
}

int filo_clock_later(lua_State *L) {
  struct filo_clock *clock = filo_runtime_of(L)->clock;
  double seconds = luaL_checknumber(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (!clock) return luaL_error(L, "later: only where time is virtual");
  int count = lua_gettop(L) - 1;
  luaL_argcheck(L, count <= MOST_ARGUMENTS, 3, "too many arguments");
  lua_createtable(L, count + 1, 0);
  lua_insert(L, 2);
  for (int i = count; i >= 1; i--) lua_rawseti(L, 2, i + 1);
  lua_pushinteger(L, count);
  lua_rawseti(L, 2, 1);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  if (filo_clock_add(clock, seconds, NULL, ref) < 0) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    return luaL_error(L, "no memory for a timer");
  }
  return 0;
}
