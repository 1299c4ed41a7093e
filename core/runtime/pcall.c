/* pcall and xpcall for scripts. They behave as Lua's own, with two differences. What SIGINT or SIGTERM
 * raises in the main script they catch once (filo_task_caught). And the error of a limit that is
 * over goes past a script's message handler. The watchdog raises it within a debug hook, and so the
 * handler would run where no further error can be raised (watchdog.h). Where there is no limit nothing
 * stands between the handler and what failed, for the levels of its traceback. */
#include <lauxlib.h>
#include <string.h>

#include "runtime/internal.h"
#include "runtime/watchdog.h"

void filo_task_caught(lua_State *L, bool handled) {
  struct filo_task *task = filo_task_current(L);
  if (!task || !task->unwinding || !(handled || filo_task_is_cancelled(L, -1))) return;
  if (filo_watchdog_spares_caller(L)) return;
  if (task->caught) filo_task_raise_cancelled(L);
  task->unwinding = false;
  task->caught = task->raise_again = true;
}

/* Whether the scope of a `<close>` variable ends, here or further up. */
static bool is_closing(lua_State *L) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "n", &ar);
    if (strcmp(ar.namewhat, "metamethod") == 0 && strcmp(ar.name, "close") == 0) return true;
  }
  return false;
}

void filo_task_raise_again(lua_State *L) {
  struct filo_task *task = filo_task_current(L);
  if (is_closing(L)) return;
  task->raise_again = false;
  task->cancelled = true;
}

/* handle(message); upvalue: the script's handler */
static int handle(lua_State *L) {
  if (filo_watchdog_is_over()) return 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* stack: handler, true, results */
static int called(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 1;
  filo_task_caught(L, true);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static void guard_handler(lua_State *L, int index) {
  if (!filo_watchdog_is_limited() || filo_watchdog_spares(L, index)) return;
  lua_pushvalue(L, index);
  lua_pushcclosure(L, handle, 1);
  lua_replace(L, index);
}

/* xpcall(function, handler, arguments) */
static int guarded_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  guard_handler(L, 2);
  int count = lua_gettop(L) - 2;
  lua_pushvalue(L, 1);
  lua_insert(L, 3);
  lua_pushvalue(L, 2);
  lua_replace(L, 1);
  lua_pushboolean(L, 1);
  lua_replace(L, 2);
  return called(L, lua_pcallk(L, count, LUA_MULTRET, 1, 0, called), 0);
}

/* stack: true, results */
static int ended(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L);
  filo_task_caught(L, false);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

/* pcall(function, arguments) */
static int guarded_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  return ended(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, ended), 0);
}

void filo_pcall_install(lua_State *L) {
  lua_register(L, "pcall", guarded_pcall);
  lua_register(L, "xpcall", guarded_xpcall);
}
