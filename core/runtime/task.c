/* One ready list. A wake puts a task on it; `drain` takes the whole list and resumes each task
 * once, so that all tasks have their turns; after some rounds of it the sockets have theirs. Until a task
 * ends, the registry keeps its userdata, which has the coroutine as a user value; the coroutine
 * has the userdata at the bottom of its stack, and the task's address in its extra space. Then it is
 * given back (spare.c), unless a script may know it, or the results are too many to be kept otherwise.
 */
#include "runtime/task.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"
#include "runtime/log.h"
#include "runtime/watchdog.h"

/* A connection may take 2 s to say its last words. */
#define LINGER_SECONDS 2.5

/* Tasks may wake one another, and virtual time go on, for so long before the sockets are looked at
 * again. */
#define TURN_SECONDS 0.0002

static const char mark;

/* Of each coroutine: its task, or the runtime's `nobody`. */
static struct filo_task **owner(lua_State *co) {
  return (struct filo_task **)lua_getextraspace(co);
}

struct filo_runtime *filo_runtime_of(lua_State *L) {
  return (*owner(L))->runtime;
}

struct filo_task *filo_task_of(lua_State *co) {
  struct filo_task *task = *owner(co);
  return task == &task->runtime->nobody ? NULL : task;
}

void filo_task_push(lua_State *L, const struct filo_task *task) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, task->ref);
}

lua_State *filo_runtime_state(struct filo_runtime *runtime) {
  return runtime->L;
}

struct filo_loop *filo_runtime_loop(struct filo_runtime *runtime) {
  return runtime->loop;
}

struct filo_task *filo_task_current(lua_State *L) {
  return filo_runtime_of(L)->current;
}

bool filo_task_is_mark(lua_State *co, int index) {
  return lua_touserdata(co, index) == &mark;
}

void filo_task_push_mark(lua_State *L) {
  lua_pushlightuserdata(L, (void *)&mark);
}

/* --- Ready list --- */

static void make_ready(struct filo_task *task) {
  struct filo_runtime *runtime = task->runtime;
  task->state = FILO_TASK_READY;
  filo_timers_remove(task->clock ? &task->clock->timers : &runtime->timers, task);
  task->next_ready = NULL;
  *runtime->ready_tail = task;
  runtime->ready_tail = &task->next_ready;
}

void filo_task_wake(struct filo_task *task) {
  if (task->state != FILO_TASK_WAITING) return;
  task->why = FILO_WOKEN;
  make_ready(task);
}

void filo_task_cancel(struct filo_task *task, const char *reason) {
  if (task->state == FILO_TASK_ENDED || task == task->runtime->exiting) return;
  task->cancelled = true;
  snprintf(task->reason, sizeof task->reason, "%s", reason ? reason : "cancelled");
  if (task->state == FILO_TASK_WAITING) make_ready(task);
}

void filo_task_time_out(struct filo_task *task) {
  if (task->state != FILO_TASK_WAITING) return;
  task->why = FILO_TIMED_OUT;
  make_ready(task);
}

/* --- Waiting --- */

static void set_deadline(lua_State *L, struct filo_task *task, double seconds) {
  if (seconds == FILO_NO_DEADLINE) return;
  int code = task->clock ? filo_clock_add(task->clock, seconds, task, 0)
                         : filo_timers_add(&task->runtime->timers, filo_now() + seconds, task, 0);
  if (code < 0) luaL_error(L, "no memory for a timer");
}

double filo_task_opt_seconds(lua_State *L, int index, double otherwise) {
  double seconds = luaL_optnumber(L, index, otherwise);
  luaL_argcheck(L, !isnan(seconds), index, "seconds expected, not NaN");
  return seconds;
}

static void raise_cannot_wait(lua_State *L, const struct filo_task *task) {
  filo_watchdog_where(L);
  lua_pushfstring(L, "cannot wait here: %s",
                  task ? "called through a function that cannot be suspended, such as table.sort, "
                         "string.gsub, a finalizer or a policy"
                       : "no task is running");
  lua_concat(L, 2);
  lua_error(L);
}

struct filo_task *filo_task_check(lua_State *L) {
  struct filo_task *task = filo_task_current(L);
  if (!task || !lua_isyieldable(L) || task->runtime->pinned > 0) raise_cannot_wait(L, task);
  return task;
}

bool filo_task_has_time(lua_State *L) {
  const struct filo_task *task = filo_task_current(L);
  return !task->cancelled && !task->raise_again && filo_now() < task->runtime->turn_ends;
}

struct filo_task *filo_task_begin_wait(lua_State *L, double seconds) {
  struct filo_task *task = filo_task_check(L);
  task->why = FILO_WOKEN;
  if (task->raise_again) filo_task_raise_again(L);
  if (task->cancelled) { /* came while it was running */
    make_ready(task);
  } else {
    set_deadline(L, task, seconds);
    task->state = FILO_TASK_WAITING;
  }
  return task;
}

int filo_task_yield(lua_State *L, lua_KContext ctx, lua_KFunction k) {
  filo_task_push_mark(L);
  return lua_yieldk(L, 1, ctx, k);
}

int filo_task_wait(lua_State *L, double seconds, lua_KContext ctx, lua_KFunction k) {
  filo_task_begin_wait(L, seconds);
  return filo_task_yield(L, ctx, k);
}

enum filo_why filo_task_why(lua_State *L) {
  struct filo_task *task = filo_task_current(L);
  return task->cancelled ? FILO_TASK_CANCELLED : task->why;
}

int filo_task_raise_cancelled(lua_State *L) {
  struct filo_task *task = filo_task_current(L);
  struct filo_error err;
  filo_fail(&err, FILO_CANCELLED, "%s", task->reason);
  task->cancelled = false;
  task->unwinding = task->interrupted;
  filo_push_error(L, &err);
  return lua_error(L);
}

/* --- Running --- */

int filo_task_resume(struct filo_runtime *runtime, lua_State *co, lua_State *from, int nargs,
                     int *nresults) {
  double limit = runtime->current && !from ? runtime->current->limit : 0;
  struct filo_watchdog before = filo_watchdog_enter(co, limit);
  int status = lua_resume(co, from, nargs, nresults);
  filo_watchdog_leave(before);
  return status;
}

int filo_task_reset(lua_State *co) {
  struct filo_watchdog before = filo_watchdog_enter(co, 0);
  int status = lua_resetthread(co);
  filo_watchdog_leave(before);
  return status;
}

/* Without a traceback when memory ran out. Nothing here may raise. */
static void report(const struct filo_task *task) {
  const char *message = lua_type(task->co, -1) == LUA_TSTRING ? lua_tostring(task->co, -1) : NULL;
  if (task->traceback) message = task->traceback;
  filo_log("error", "failed", message ? message : "a task failed");
}

/* Its coroutine stays with it, or goes to the spare ones, and the result becomes the user value. */
static void leave_coroutine(struct filo_task *task) {
  struct filo_runtime *runtime = task->runtime;
  lua_State *L = runtime->L, *co = task->co;
  int results = lua_gettop(co) > 0 ? lua_gettop(co) - 1 : 0;
  if (task->exposed || results > 1 || lua_status(co) != LUA_OK) {
    luaL_unref(L, LUA_REGISTRYINDEX, task->ref);
    return;
  }
  filo_task_push(L, task);
  if (results > 0)
    lua_xmove(co, L, 1);
  else
    lua_pushnil(L);
  lua_setiuservalue(L, -2, FILO_TASK_RESULT);
  task->results = results;
  task->co = NULL;
  *owner(co) = &runtime->nobody;
  filo_spares_give(&runtime->spares, L, co, task->ref);
  lua_pop(L, 1);
}

/* The task's function has ended: its userdata, and its results or its error, are all that is on its
 * stack. */
static void end(struct filo_task *task, bool failed) {
  struct filo_runtime *runtime = task->runtime;
  task->state = FILO_TASK_ENDED;
  task->failed = failed;
  for (struct filo_task *child = task->children; child; child = child->next_sibling) {
    child->parent = NULL;
    filo_task_cancel(child, "the task that started this one has ended");
  }
  task->children = NULL;
  if (task->parent) {
    *task->back_sibling = task->next_sibling;
    if (task->next_sibling) task->next_sibling->back_sibling = task->back_sibling;
  }
  runtime->live--;
  if (failed && !task->observed && !task->joiners.first && !task->cancel_ended) report(task);
  filo_line_wake_all(&task->joiners);
  filo_clock_task_ended(runtime, task);
  *task->back_live = task->next_live;
  if (task->next_live) task->next_live->back_live = task->back_live;
  free(task->traceback);
  task->traceback = NULL;
  leave_coroutine(task);
}

static int error_text(lua_State *L) {
  if (lua_isstring(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
    luaL_tolstring(L, 1, NULL);
  else
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  return 1;
}

/* Keeps the text with traceback for `report`, if it will be called: a traceback takes longer than
 * the rest. The error itself goes on unchanged. Its __tostring may fail in turn. */
static int on_error(lua_State *L) {
  struct filo_task *task = filo_task_current(L);
  if (task->observed || filo_task_is_cancelled(L, 1)) return 1;
  lua_pushcfunction(L, error_text);
  lua_pushvalue(L, 1);
  bool ok = lua_pcall(L, 1, 1, 0) == LUA_OK;
  luaL_traceback(L, L, ok ? lua_tostring(L, -1) : "(error object whose __tostring fails)", 1);
  free(task->traceback);
  task->traceback = strdup(lua_tostring(L, -1));
  lua_settop(L, 1);
  return 1;
}

static int body_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  struct filo_task *task = filo_task_current(L);
  bool failed = status != LUA_OK && status != LUA_YIELD;
  task->body_failed = failed;
  task->cancel_ended = failed && filo_task_is_cancelled(L, -1);
  return lua_gettop(L) - 1; /* all but the message handler */
}

/* stack: message handler, function, arguments. An error unwinds within the protected call, where
 * `<close>` may wait. */
static int body(lua_State *L) {
  lua_pushcfunction(L, on_error);
  lua_insert(L, 1);
  return body_ended(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, body_ended), 0);
}

static void step(struct filo_task *task) {
  struct filo_runtime *runtime = task->runtime;
  int nresults = 0;
  int nargs = task->nargs;
  task->nargs = 0;
  task->state = FILO_TASK_RUNNING;
  runtime->current = task;
  runtime->clock = task->clock;
  int status = filo_task_resume(runtime, task->co, NULL, nargs, &nresults);
  if (status == LUA_YIELD && filo_task_is_mark(task->co, -1)) {
    lua_pop(task->co, nresults);
  } else if (status == LUA_YIELD) { /* a bare coroutine.yield: give others a turn */
    lua_pop(task->co, nresults);
    make_ready(task);
  } else {
    end(task, status != LUA_OK || task->body_failed);
  }
  runtime->current = NULL;
  runtime->clock = NULL;
}

/* Back to the front of the ready list. */
static void put_back(struct filo_runtime *runtime, struct filo_task *first) {
  struct filo_task *last = first;
  while (last->next_ready) last = last->next_ready;
  last->next_ready = runtime->ready;
  if (!runtime->ready) runtime->ready_tail = &last->next_ready;
  runtime->ready = first;
}

/* Until a signal comes: it may be about these tasks. */
static void drain(struct filo_runtime *runtime) {
  struct filo_task *task = runtime->ready;
  runtime->ready = NULL;
  runtime->ready_tail = &runtime->ready;
  for (struct filo_task *next; task; task = next) {
    next = task->next_ready;
    step(task);
    if (next && filo_loop_signalled()) return put_back(runtime, next);
  }
}

/* Tasks whose deadline has come. */
static void time_out(struct filo_timers *timers) {
  double now = timers->count > 0 ? filo_now() : 0;
  while (filo_timers_first(timers) <= now) filo_task_time_out(filo_timers_take(timers).task);
}

/* The main task has ended, or os.exit was called: the others are cancelled next, and must not have got
 * on with their unwinding before. */
static bool is_over(const struct filo_runtime *runtime) {
  const struct filo_task *main_task = runtime->main_task;
  return runtime->exiting || (main_task && main_task->state == FILO_TASK_ENDED);
}

void filo_runtime_turn(struct filo_runtime *runtime) {
  bool busy = runtime->ready || filo_clock_advance(runtime);
  filo_loop_turn(runtime->loop, busy ? 0 : filo_timers_first(&runtime->timers));
  time_out(&runtime->timers);
  runtime->turn_ends = filo_now() + TURN_SECONDS;
  do drain(runtime);
  while (!is_over(runtime) && !filo_loop_signalled() && filo_now() < runtime->turn_ends &&
         (runtime->ready || filo_clock_advance(runtime)));
}

/* Pushes a task with a coroutine, in which nothing is but its userdata. */
static struct filo_task *new_task(lua_State *L, int nargs) {
  struct filo_runtime *runtime = filo_runtime_of(L);
  struct filo_task *task = lua_newuserdatauv(L, sizeof *task, FILO_TASK_EXIT);
  memset(task, 0, sizeof *task);
  task->runtime = runtime;
  luaL_setmetatable(L, FILO_TASK_TYPE);
  lua_State *co = filo_spares_take(&runtime->spares, L, &task->ref);
  if (!lua_checkstack(co, nargs + 4)) {
    filo_spares_give(&runtime->spares, L, co, task->ref);
    luaL_error(L, "too many arguments");
  }
  lua_setiuservalue(L, -2, FILO_TASK_RESULT);
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, task->ref);
  lua_pushvalue(L, -1);
  lua_xmove(L, co, 1);
  *owner(co) = task;
  task->co = co;
  return task;
}

struct filo_task *filo_task_spawn(lua_State *L, int nargs, bool detached) {
  struct filo_task *task = new_task(L, nargs);
  struct filo_runtime *runtime = task->runtime;
  if (runtime->current && runtime->current->has_exit) {
    filo_exit_push(L, runtime->current);
    filo_exit_set(L, task);
  }
  lua_insert(L, -(nargs + 2));
  lua_pushcfunction(task->co, body);
  lua_xmove(L, task->co, nargs + 1);

  task->nargs = nargs + 1;
  task->clock = runtime->clock;
  if (task->clock) task->clock->live++;
  if (runtime->current) task->limit = runtime->current->limit;
  if (!detached && runtime->current) {
    task->parent = runtime->current;
    task->next_sibling = task->parent->children;
    if (task->next_sibling) task->next_sibling->back_sibling = &task->next_sibling;
    task->back_sibling = &task->parent->children;
    task->parent->children = task;
  }
  task->next_live = runtime->all;
  if (task->next_live) task->next_live->back_live = &task->next_live;
  task->back_live = &runtime->all;
  runtime->all = task;
  runtime->live++;
  make_ready(task);
  return task;
}

/* --- The runtime --- */

/* interrupted: by a signal that nobody had looked at when it ended, and which is why, perhaps. */
static int exit_status(const struct filo_runtime *runtime, const struct filo_task *task,
                       bool interrupted) {
  bool by_signal = interrupted && runtime->ended_by;
  if (runtime->exiting && !by_signal) return runtime->exit_status;
  if (runtime->ended_by) return 128 + runtime->ended_by;
  return task->failed ? 1 : 0;
}

int filo_runtime_run(struct filo_runtime *runtime, int nargs) {
  struct filo_task *task = filo_task_spawn(runtime->L, nargs, true);
  runtime->main_task = task;
  while (!is_over(runtime)) filo_runtime_turn(runtime);
  bool interrupted = filo_loop_interrupted();
  if (interrupted) filo_loop_turn(runtime->loop, 0);
  runtime->main_task = NULL;
  int status = exit_status(runtime, task, interrupted);
  lua_pop(runtime->L, 1);
  return status;
}

static void cancel_all(struct filo_runtime *runtime) {
  for (struct filo_task *task = runtime->all; task; task = task->next_live)
    filo_task_cancel(task, "filo is ending");
}

static void on_tick(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what, (void)arg;
}

/* Its `<close>` variables are closed, but it does not go on, not even into a pcall around os.exit.
 * They cannot wait. */
static void end_exiting(struct filo_task *task) {
  task->runtime->current = task;
  filo_task_reset(task->co);
  task->runtime->current = NULL;
  lua_settop(task->co, 0);
  end(task, false);
}

static void unwind_all(struct filo_runtime *runtime, double grace) {
  double until = filo_now() + grace;
  struct event *tick =
      event_new(filo_loop_base(runtime->loop), -1, EV_PERSIST | EV_TIMEOUT, on_tick, NULL);
  struct timeval period = {0, 50000};
  if (tick) event_add(tick, &period);
  if (runtime->exiting) end_exiting(runtime->exiting);
  cancel_all(runtime);
  while (tick && runtime->live > 0 && filo_now() < until) filo_runtime_turn(runtime);
  if (tick) event_free(tick);
}

int filo_runtime_new(struct filo_runtime **ret, struct filo_error *err) {
  struct filo_runtime *runtime = calloc(1, sizeof *runtime);
  if (!runtime) return filo_fail(err, FILO_NO_MEMORY, "no memory for the runtime");
  runtime->ready_tail = &runtime->ready;
  int code = filo_log_start(err);
  if (code == 0) code = filo_loop_new(filo_runtime_signal, runtime, &runtime->loop, err);
  if (code < 0) {
    free(runtime);
    return code;
  }
  runtime->L = luaL_newstate();
  if (!runtime->L) {
    filo_loop_free(runtime->loop);
    free(runtime);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for Lua");
  }
  runtime->nobody.runtime = runtime;
  *owner(runtime->L) = &runtime->nobody;
  filo_module_install(runtime->L);
  filo_loop_watch_signal(SIGINT, true, true);
  filo_loop_watch_signal(SIGTERM, true, true);
  filo_watchdog_start(runtime->L);
  *ret = runtime;
  return 0;
}

void filo_runtime_close(struct filo_runtime *runtime) {
  runtime->closing = true;
  lua_close(runtime->L);
  filo_loop_linger(runtime->loop, LINGER_SECONDS);
}

void filo_runtime_free(struct filo_runtime *runtime, double grace) {
  unwind_all(runtime, grace);
  filo_loop_stop(runtime->loop);
  filo_clock_free_all(runtime);
  filo_timers_free(&runtime->timers);
  for (struct filo_task *task = runtime->all; task; task = task->next_live) free(task->traceback);
  filo_runtime_close(runtime);
  filo_watchdog_stop();
  filo_loop_free(runtime->loop);
  free(runtime);
}
