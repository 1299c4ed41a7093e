/* os.exit for scripts. With true as its second argument it closes what is open, as `lua` does: the
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
  return luaL_error(L, "the process is exiting");
}

static int do_exit(lua_State *L) {
  int status = check_status(L);
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

void filo_exit_install(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, do_exit);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}
