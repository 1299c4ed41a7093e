/* The functions of `coroutine` for scripts. They behave as Lua's own, with two differences. When a
 * coroutine waits (its yield carries the mark of filo_task_wait), the wait passes on to the task,
 * and the coroutine is resumed from where it waited once the task is. Meanwhile it counts as
 * running ("normal"): nobody else can resume or close it. And the coroutine of a task counts as
 * a main one, as that of a script is in `lua`: there is nobody whom it could yield to, and
 * only the loop resumes it.
 */
#include <lauxlib.h>

#include "runtime/internal.h"

static const char waiting_key; /* registry: weak set of coroutines whose wait passed on */

static bool waits(lua_State *L, lua_State *co) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  bool yes = lua_rawget(L, -2) == LUA_TBOOLEAN;
  lua_pop(L, 2);
  return yes;
}

static void set_waits(lua_State *L, lua_State *co, bool on) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  if (on)
    lua_pushboolean(L, 1);
  else
    lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static lua_State *check_coroutine(lua_State *L, int index) {
  lua_State *co = lua_tothread(L, index);
  luaL_argexpected(L, co, index, "coroutine");
  return co;
}

static const char *status_of(lua_State *L, lua_State *co) {
  const struct filo_task *task = filo_task_of(co);
  if (task && task->state == FILO_TASK_ENDED) return "dead";
  if (L == co) return "running";
  if (task) return "normal"; /* only the loop resumes it */
  switch (lua_status(co)) {
  case LUA_YIELD:
    return waits(L, co) ? "normal" : "suspended";
  case LUA_OK: {
    lua_Debug ar;
    if (lua_getstack(co, 0, &ar)) return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
  }
  default:
    return "dead";
  }
}

/* Pushes an error message and returns -1, or the number of values that co gave to L; -2 when it
 * waits, which it can only when L can be suspended too. */
static int run(lua_State *L, lua_State *co, int nargs) {
  struct filo_runtime *runtime = filo_runtime_of(L);
  bool pinned = !lua_isyieldable(L);
  int nresults;
  runtime->pinned += pinned;
  int status = filo_task_resume(runtime, co, L, nargs, &nresults);
  runtime->pinned -= pinned;
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (status == LUA_YIELD && nresults == 1 && filo_task_is_mark(co, -1)) {
    lua_pop(co, 1);
    return -2;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, nresults);
  return nresults;
}

static int start(lua_State *L, lua_State *co, int nargs) {
  const char *status = status_of(L, co);
  if (*status != 's') {
    lua_pushfstring(L, *status == 'd' ? "cannot resume dead coroutine"
                                      : "cannot resume non-suspended coroutine");
    return -1;
  }
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  /* What lies above the function of a new coroutine (see co_wrap) is its first argument. */
  int more = lua_status(co) == LUA_OK ? lua_gettop(co) - 1 : 0;
  lua_xmove(L, co, nargs);
  return run(L, co, nargs + more);
}

static int pass_wait(lua_State *L, lua_State *co, lua_KFunction k) {
  set_waits(L, co, true);
  filo_task_push_mark(L);
  return lua_yieldk(L, 1, (lua_KContext)co, k);
}

static int give_resumed(lua_State *L, lua_State *co, int given);

static int go_on_resumed(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  lua_State *co = (lua_State *)ctx;
  set_waits(L, co, false);
  return give_resumed(L, co, run(L, co, 0));
}

static int give_resumed(lua_State *L, lua_State *co, int given) {
  if (given == -2) return pass_wait(L, co, go_on_resumed);
  if (given == -1) filo_task_caught(L, false);
  lua_pushboolean(L, given >= 0);
  int count = given < 0 ? 1 : given;
  lua_insert(L, -(count + 1));
  return count + 1;
}

static int co_resume(lua_State *L) {
  lua_State *co = check_coroutine(L, 1);
  return give_resumed(L, co, start(L, co, lua_gettop(L) - 1));
}

static int give_wrapped(lua_State *L, lua_State *co, int given);

static int go_on_wrapped(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  lua_State *co = (lua_State *)ctx;
  set_waits(L, co, false);
  return give_wrapped(L, co, run(L, co, 0));
}

/* An error in the coroutine is raised here, with the caller's position put in front of a text, as
 * coroutine.wrap does. */
static int give_wrapped(lua_State *L, lua_State *co, int given) {
  if (given == -2) return pass_wait(L, co, go_on_wrapped);
  if (given >= 0) return given;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_pop(L, 1);
    filo_task_reset(co);
    lua_xmove(co, L, 1);
  }
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int wrapped_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) : lua_error(L);
}

/* The function of a wrapped coroutine: when it fails, its `<close>` variables are closed within the
 * protected call, where they may wait. */
static int wrapped(lua_State *L) {
  int status = lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, wrapped_ended);
  return wrapped_ended(L, status, 0);
}

static int call_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  return give_wrapped(L, co, start(L, co, lua_gettop(L)));
}

static int co_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushcfunction(co, wrapped);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

static int co_status(lua_State *L) {
  lua_pushstring(L, status_of(L, check_coroutine(L, 1)));
  return 1;
}

static int co_close(lua_State *L) {
  lua_State *co = check_coroutine(L, 1);
  const char *status = status_of(L, co);
  if (*status != 'd' && *status != 's') return luaL_error(L, "cannot close a %s coroutine", status);
  /* That of a task is left as it is: its results are there, and it keeps the task. */
  if (filo_task_of(co) || filo_task_reset(co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

/* --- In the function of a task itself --- */

static bool is_main(lua_State *L) {
  return filo_task_of(L) != NULL;
}

static int co_running(lua_State *L) {
  struct filo_task *task = filo_task_of(L);
  if (task) task->exposed = true;
  bool main = lua_pushthread(L) || task;
  lua_pushboolean(L, main);
  return 2;
}

static int co_isyieldable(lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : check_coroutine(L, 1);
  lua_pushboolean(L, lua_isyieldable(co) && !is_main(co));
  return 1;
}

static int co_yield (lua_State *L) {
  if (is_main(L)) return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

void filo_coroutine_install(lua_State *L) {
  static const luaL_Reg lua_functions[] = {{"resume", co_resume},   {"wrap", co_wrap},
                                           {"status", co_status},   {"close", co_close},
                                           {"running", co_running}, {"isyieldable", co_isyieldable},
                                           {"yield", co_yield },    {NULL, NULL}};
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, lua_functions, 0);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &waiting_key);
}
