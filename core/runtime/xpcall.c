/* xpcall for scripts. It behaves as Lua's own, with one difference: the error of a limit that is
 * over goes past a script's message handler. The watchdog raises it within a debug hook, and so the
 * handler would run where no further error can be raised (watchdog.h). Where there is no limit nothing
 * stands between the handler and what failed, for the levels of its traceback. */
#include <lauxlib.h>

#include "runtime/task.h"
#include "runtime/watchdog.h"

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

void filo_xpcall_install(lua_State *L) {
  lua_register(L, "xpcall", guarded_xpcall);
}
