/* os.exit for scripts. A task may have a function that is called first, as have those that it
 * starts: for scripts that are guests in a process, which goes on when that does not return. With true as its second argument it closes what is open, as `lua` does: the
 * calling task stops where it is, the loop ends, and filo_runtime_free lets every other task
 * unwind. Without, or where the task cannot be suspended, the process exits at once: worker threads
 * may be busy with memory of Lua's, so the state is not closed under them. In a
 * finalizer that runs at the end of the process, when there are no workers any more, the other
 * finalizers run first. */
#include <lauxlib.h>
#include <stdlib.h>

#include "runtime/internal.h"
#include "runtime/watchdog.h"

static int check_status(lua_State *L) {
  if (lua_isboolean(L, 1)) return lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  return (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
}

static int never(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return luaL_error(L, "os.exit was called");
}

void filo_exit_push(lua_State *L, const struct filo_task *task) {
  if (!task || !task->has_exit) {
    lua_pushnil(L);
    return;
  }
  filo_task_push(L, task);
  lua_getiuservalue(L, -1, FILO_TASK_EXIT);
  lua_remove(L, -2);
}

void filo_exit_set(lua_State *L, struct filo_task *task) {
  task->has_exit = !lua_isnil(L, -1);
  lua_setiuservalue(L, -2, FILO_TASK_EXIT);
}

/* stack: what os.exit was given */
static int end_process(lua_State *L, int status) {
  struct filo_runtime *runtime = filo_runtime_of(L);
  bool can_stop = runtime->current && lua_isyieldable(L) && runtime->pinned == 0;
  if (!lua_toboolean(L, 2) || !can_stop || runtime->exiting) {
    filo_watchdog_stop(); /* its timer must not find what exit takes away */
    if (lua_toboolean(L, 2) && runtime->closing) filo_runtime_close(runtime);
    exit(status);
  }
  runtime->exiting = runtime->current;
  runtime->exit_status = status;
  runtime->current->state = FILO_TASK_WAITING;
  filo_task_push_mark(L);
  return lua_yieldk(L, 1, 0, never);
}

static int own_exit_returned(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return end_process(L, (int)ctx);
}

static int do_exit(lua_State *L) {
  int status = check_status(L);
  lua_settop(L, 2);
  filo_exit_push(L, filo_task_current(L));
  if (lua_isnil(L, -1)) return end_process(L, status);
  lua_pushinteger(L, status);
  lua_callk(L, 1, 0, status, own_exit_returned);
  return own_exit_returned(L, LUA_OK, status);
}

int filo_runtime_on_exit(lua_State *L) {
  if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TFUNCTION);
  struct filo_task *task = filo_task_check(L);
  filo_task_push(L, task);
  lua_pushvalue(L, 1);
  filo_exit_set(L, task);
  return 0;
}

void filo_exit_install(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, do_exit);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}
