/* The module filo.core.runtime: tasks, time and signals for scripts. */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/internal.h"
#include "runtime/log.h"
#include "runtime/notify.h"
#include "runtime/watchdog.h"

/* registry: table from signal number to function; from its negative to what os.exit calls there */
static const char signals_key;

/* --- Errors as values --- */

static int error_tostring(lua_State *L) {
  lua_getfield(L, 1, "message");
  return 1;
}

void filo_push_error(lua_State *L, const struct filo_error *err) {
  lua_createtable(L, 0, 2);
  lua_pushstring(L, filo_code_name(err->code));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, err->message);
  lua_setfield(L, -2, "message");
  if (filo_code_retryable(err->code)) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "retryable");
  }
  luaL_setmetatable(L, FILO_ERROR_TYPE);
}

/* error_codes(): name -> {retryable, meaning} */
static int error_codes(lua_State *L) {
  lua_newtable(L);
  for (const struct filo_code_entry *entry = filo_codes; entry->name; entry++) {
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, entry->retryable);
    lua_setfield(L, -2, "retryable");
    lua_pushstring(L, entry->meaning);
    lua_setfield(L, -2, "meaning");
    lua_setfield(L, -2, entry->name);
  }
  return 1;
}

/* error_of(errno, sentence): for what Lua's own io has failed at. */
static int error_of(lua_State *L) {
  struct filo_error err;
  filo_fail_errno(&err, (int)luaL_checkinteger(L, 1), "%s", luaL_checkstring(L, 2));
  filo_push_error(L, &err);
  return 1;
}

bool filo_task_is_cancelled(lua_State *L, int index) {
  if (lua_getmetatable(L, index) == 0) return false;
  luaL_getmetatable(L, FILO_ERROR_TYPE);
  bool ours = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!ours) return false;
  lua_getfield(L, index, "code");
  bool yes = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "cancelled") == 0;
  lua_pop(L, 1);
  return yes;
}

int filo_return_error(lua_State *L, const struct filo_error *err) {
  lua_pushnil(L);
  filo_push_error(L, err);
  return 2;
}

/* --- Tasks --- */

static struct filo_task *check_task(lua_State *L, int index) {
  return luaL_checkudata(L, index, FILO_TASK_TYPE);
}

static int start(lua_State *L, bool detached) {
  if (!lua_isfunction(L, 1)) return luaL_error(L, "spawn: a function expected");
  filo_task_spawn(L, lua_gettop(L) - 1, detached);
  return 1;
}

static int spawn(lua_State *L) {
  return start(L, false);
}

static int spawn_detached(lua_State *L) {
  return start(L, true);
}

static int push_current(lua_State *L) {
  struct filo_task *task = filo_task_current(L);
  if (!task) return 0;
  filo_task_push(L, task);
  return 1;
}

static int task_cancel(lua_State *L) {
  filo_task_cancel(check_task(L, 1), luaL_optstring(L, 2, NULL));
  return 0;
}

static int task_status(lua_State *L) {
  static const char *const names[] = {"ready", "running", "waiting", "ended"};
  lua_pushstring(L, names[check_task(L, 1)->state]);
  return 1;
}

static double check_limit(lua_State *L, int index) {
  double seconds = luaL_checknumber(L, index);
  luaL_argcheck(L, seconds > 0 && seconds <= 3600, index, "seconds, up to 3600");
  return seconds;
}

/* limit(seconds): also for the tasks that it starts from now on */
static int task_limit(lua_State *L) {
  check_task(L, 1)->limit = check_limit(L, 2);
  lua_settop(L, 1);
  return 1;
}

static int task_observe(lua_State *L) {
  check_task(L, 1)->observed = true;
  lua_settop(L, 1);
  return 1;
}

/* Copies the results, or raises the error, of an ended task, which is at index 1. */
static int give_results(lua_State *L, struct filo_task *task) {
  if (!task->co) {
    lua_getiuservalue(L, 1, FILO_TASK_RESULT);
    return task->failed ? lua_error(L) : task->results;
  }
  int top = lua_gettop(task->co), first = task->failed ? top : 2;
  luaL_checkstack(L, top, "too many results");
  if (!lua_checkstack(task->co, top)) return luaL_error(L, "too many results");
  for (int i = first; i <= top; i++) lua_pushvalue(task->co, i);
  lua_xmove(task->co, L, top - first + 1);
  return task->failed ? lua_error(L) : top - first + 1;
}

static int joined(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct filo_task *task = check_task(L, 1);
  enum filo_why why = filo_line_why(L, &task->joiners);
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  if (task->state == FILO_TASK_ENDED) return give_results(L, task);
  struct filo_error err;
  filo_fail(&err, FILO_TIMEOUT, "the task has not ended in time");
  return filo_return_error(L, &err);
}

static int task_join(lua_State *L) {
  struct filo_task *task = check_task(L, 1);
  task->observed = true;
  double seconds = filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE);
  if (task->state == FILO_TASK_ENDED) return give_results(L, task);
  if (task == filo_task_current(L)) return luaL_error(L, "a task cannot join itself");
  return filo_line_wait(L, &task->joiners, seconds, joined);
}

/* --- Waiting and time --- */

static int suspended(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  filo_task_current(L)->in_suspend = false;
  enum filo_why why = filo_task_why(L);
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  lua_pushboolean(L, why == FILO_WOKEN);
  return 1;
}

static int suspend(lua_State *L) {
  double seconds = filo_task_opt_seconds(L, 1, FILO_NO_DEADLINE);
  filo_task_check(L)->in_suspend = true;
  return filo_task_wait(L, seconds, 0, suspended);
}

static int wake(lua_State *L) {
  struct filo_task *task = check_task(L, 1);
  bool waits = task->in_suspend && task->state == FILO_TASK_WAITING;
  if (waits) filo_task_wake(task);
  lua_pushboolean(L, waits);
  return 1;
}

/* pinned(seconds, fn, ...): calls a function that cannot wait, since lua_pcall has no continuation,
 * nor compute for longer. */
static int pinned(lua_State *L) {
  double seconds = check_limit(L, 1);
  luaL_checkany(L, 2);
  struct filo_watchdog before = filo_watchdog_enter(L, seconds);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  filo_watchdog_leave(before);
  return status == LUA_OK ? lua_gettop(L) - 1 : lua_error(L);
}

static int slept(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return filo_task_why(L) == FILO_TASK_CANCELLED ? filo_task_raise_cancelled(L) : 0;
}

static int do_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0, 1, "seconds must be 0 or more");
  return filo_task_wait(L, seconds, 0, slept);
}

static int now(lua_State *L) {
  const struct filo_clock *clock = filo_runtime_of(L)->clock;
  lua_pushnumber(L, clock ? clock->now : filo_now());
  return 1;
}

static int wall_time(lua_State *L) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  lua_pushinteger(L, (lua_Integer)at.tv_sec * 1000000 + at.tv_nsec / 1000);
  return 1;
}

static int live_tasks(lua_State *L) {
  struct filo_runtime *runtime = filo_runtime_of(L);
  lua_pushinteger(L, runtime->clock ? runtime->clock->live : runtime->live);
  return 1;
}

/* --- Signals --- */

static const struct {
  const char *name;
  int signum;
} signal_names[] = {{"CHLD", SIGCHLD}, {"HUP", SIGHUP},   {"INT", SIGINT},   {"TERM", SIGTERM},
                    {"TSTP", SIGTSTP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}};

static int check_signal(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  for (size_t i = 0; i < sizeof signal_names / sizeof *signal_names; i++)
    if (strcmp(name, signal_names[i].name) == 0) return signal_names[i].signum;
  return luaL_argerror(L, index, "a signal: CHLD, HUP, INT, TERM, TSTP, USR1, USR2 or WINCH");
}

static int on_signal(lua_State *L) {
  int signum = check_signal(L, 1);
  bool on = !lua_isnoneornil(L, 2);
  if (on) luaL_checktype(L, 2, LUA_TFUNCTION);
  bool interrupts = lua_toboolean(L, 3);
  lua_settop(L, 2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &signals_key);
  lua_rawgeti(L, 3, signum);
  lua_pushvalue(L, 2);
  lua_rawseti(L, 3, signum);
  filo_exit_push(L, filo_task_current(L));
  lua_rawseti(L, 3, -signum);
  bool ends = !on && (signum == SIGINT || signum == SIGTERM);
  filo_loop_watch_signal(signum, on || ends, interrupts || ends);
  return 1;
}

void filo_runtime_signal(void *ctx, int signum) {
  struct filo_runtime *runtime = ctx;
  lua_State *L = runtime->L;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &signals_key);
  if (lua_rawgeti(L, -1, signum) == LUA_TFUNCTION) {
    struct filo_task *task = filo_task_spawn(L, 0, true);
    lua_rawgeti(L, -2, -signum);
    filo_exit_set(L, task);
    lua_pop(L, 2);
    return;
  }
  lua_pop(L, 2);
  runtime->ended_by = signum;
  filo_loop_watch_signal(signum, false, false); /* a second one ends the process at once */
  if (!runtime->main_task) return;
  runtime->main_task->interrupted = true;
  filo_task_cancel(runtime->main_task, signum == SIGINT ? "interrupted" : "terminated");
}

/* --- The process --- */

/* The second number of statm: resident pages. */
static int memory(lua_State *L) {
  char text[64];
  FILE *file = fopen("/proc/self/statm", "re");
  int sys_errno = errno;
  const char *resident = file && fgets(text, sizeof text, file) ? strchr(text, ' ') : NULL;
  if (file) fclose(file);
  if (!resident) {
    struct filo_error err;
    filo_fail_errno(&err, file ? EIO : sys_errno, "cannot read /proc/self/statm");
    return filo_return_error(L, &err);
  }
  lua_pushinteger(L, strtol(resident, NULL, 10) * sysconf(_SC_PAGESIZE));
  return 1;
}

/* Where /proc is not mounted, it is what was started: by that name, if it is a path, since for a
 * script that begins with `#!` the system would tell that script. */
static int program(lua_State *L) {
  char path[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", path, sizeof path);
  const char *name = program_invocation_name;
  if (!strchr(name, '/')) name = (const char *)getauxval(AT_EXECFN);
  if (len < 0 && realpath(name, path)) len = (ssize_t)strlen(path);
  lua_pushlstring(L, len < 0 ? name : path, len < 0 ? strlen(name) : (size_t)len);
  return 1;
}

static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* kind_of_file(path) */
static int kind_of_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat is;
  if (stat(path, &is) < 0) {
    struct filo_error err;
    filo_fail_errno(&err, errno, "%s", path);
    return filo_return_error(L, &err);
  }
  lua_pushstring(L, S_ISREG(is.st_mode)    ? "file"
                    : S_ISDIR(is.st_mode)  ? "folder"
                    : S_ISFIFO(is.st_mode) ? "pipe"
                    : S_ISSOCK(is.st_mode) ? "socket"
                                           : "device");
  return 1;
}

static int notify(lua_State *L) {
  struct filo_error err;
  int told = filo_notify(luaL_checkstring(L, 1), &err);
  if (told < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, told);
  return 1;
}

/* where(): of whom Filo was called by; "file:line: ", or "" */
static int where(lua_State *L) {
  filo_watchdog_where(L);
  return 1;
}

/* end_when_stuck(name, status) */
static int end_when_stuck(lua_State *L) {
  filo_watchdog_end_when_stuck(luaL_checkstring(L, 1), (int)luaL_checkinteger(L, 2));
  return 0;
}

/* log(lines): with the newline at their end */
static int write_log(lua_State *L) {
  size_t len;
  const char *lines = luaL_checklstring(L, 1, &len);
  filo_log_write(lines, len);
  return 0;
}

/* log_format(name) */
static int log_format(lua_State *L) {
  static const char *const names[] = {"named", "dated", "json", NULL}; /* as enum filo_log_format */
  filo_log_set_format((enum filo_log_format)luaL_checkoption(L, 1, NULL, names));
  return 0;
}

static const luaL_Reg task_methods[] = {{"cancel", task_cancel}, {"join", task_join},
                                        {"status", task_status}, {"observe", task_observe},
                                        {"limit", task_limit},   {NULL, NULL}};

static const luaL_Reg functions[] = {{"spawn", spawn},
                                     {"spawn_detached", spawn_detached},
                                     {"current", push_current},
                                     {"suspend", suspend},
                                     {"wake", wake},
                                     {"line", filo_line_push},
                                     {"pinned", pinned},
                                     {"sleep", do_sleep},
                                     {"virtual", filo_clock_virtual},
                                     {"later", filo_clock_later},
                                     {"timers", filo_clock_timers},
                                     {"now", now},
                                     {"time", wall_time},
                                     {"live_tasks", live_tasks},
                                     {"on_signal", on_signal},
                                     {"memory", memory},
                                     {"program", program},
                                     {"is_terminal", is_terminal},
                                     {"kind_of_file", kind_of_file},
                                     {"notify", notify},
                                     {"end_when_stuck", end_when_stuck},
                                     {"on_exit", filo_runtime_on_exit},
                                     {"where", where},
                                     {"log", write_log},
                                     {"log_format", log_format},
                                     {"error_codes", error_codes},
                                     {"error_of", error_of},
                                     {NULL, NULL}};

void filo_module_install(lua_State *L) {
  filo_line_install(L);
  luaL_newmetatable(L, FILO_ERROR_TYPE);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, FILO_ERROR_TYPE);
  lua_setfield(L, -2, "__name");

  luaL_newmetatable(L, FILO_TASK_TYPE);
  luaL_newlib(L, task_methods);
  lua_setfield(L, -2, "__index");

  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &signals_key);
  lua_pop(L, 2);
}

int filo_runtime_module(lua_State *L) {
  luaL_newlib(L, functions);
  luaL_getmetatable(L, FILO_ERROR_TYPE);
  lua_setfield(L, -2, "error_type");
  return 1;
}
