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

/* --- The heap --- */

static bool before(const struct filo_timer *a, const struct filo_timer *b) {
  return a->at < b->at || (a->at == b->at && a->order < b->order);
}

/* A task knows the place of its timer, counted from 1. */
static void put(struct filo_clock *clock, size_t place, struct filo_timer timer) {
  clock->heap[place] = timer;
  if (timer.task) timer.task->timer_place = place + 1;
}

static void rise(struct filo_clock *clock, size_t place, struct filo_timer timer) {
  for (size_t above; place > 0; place = above) {
    above = (place - 1) / 2;
    if (!before(&timer, &clock->heap[above])) break;
    put(clock, place, clock->heap[above]);
  }
  put(clock, place, timer);
}

static void sink(struct filo_clock *clock, size_t place, struct filo_timer timer) {
  for (size_t below; (below = 2 * place + 1) < clock->count; place = below) {
    if (below + 1 < clock->count && before(&clock->heap[below + 1], &clock->heap[below])) below++;
    if (!before(&clock->heap[below], &timer)) break;
    put(clock, place, clock->heap[below]);
  }
  put(clock, place, timer);
}

int filo_clock_add(struct filo_clock *clock, double seconds, struct filo_task *task, int call) {
  if (clock->count == clock->room) {
    size_t room = clock->room ? 2 * clock->room : 64;
    struct filo_timer *heap = realloc(clock->heap, room * sizeof *heap);
    if (!heap) return -1;
    clock->heap = heap;
    clock->room = room;
  }
  struct filo_timer timer = {clock->now + (seconds > 0 ? seconds : 0), clock->order++, task, call};
  rise(clock, clock->count++, timer);
  return 0;
}

static void take_out(struct filo_clock *clock, size_t place) {
  if (clock->heap[place].task) clock->heap[place].task->timer_place = 0;
  struct filo_timer last = clock->heap[--clock->count];
  if (place == clock->count) return;
  if (place > 0 && before(&last, &clock->heap[(place - 1) / 2]))
    rise(clock, place, last);
  else
    sink(clock, place, last);
}

void filo_clock_remove(struct filo_clock *clock, struct filo_task *task) {
  if (task->timer_place) take_out(clock, task->timer_place - 1);
}

bool filo_clock_next(struct filo_clock *clock, struct filo_timer *ret) {
  if (clock->count == 0 || clock->heap[0].at > clock->end) return false;
  *ret = clock->heap[0];
  clock->now = ret->at;
  take_out(clock, 0);
  return true;
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
  for (size_t i = 0; i < clock->count; i++)
    if (!clock->heap[i].task) luaL_unref(runtime->L, LUA_REGISTRYINDEX, clock->heap[i].call);
  free(clock->heap);
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

static bool advance(struct filo_runtime *runtime, struct filo_clock *clock) {
  struct filo_timer timer;
  if (!filo_clock_next(clock, &timer)) return false;
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
  lua_pushinteger(L, (lua_Integer)clock->count);
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
