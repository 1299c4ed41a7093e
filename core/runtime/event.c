/* Completions that one task may wait for. */
#include <lauxlib.h>

#include "runtime/task.h"

void filo_event_set(struct filo_event *event) {
  event->set = true;
  if (event->waiter) filo_task_wake(event->waiter);
}

int filo_event_wait(lua_State *L, struct filo_event *event, double seconds, lua_KContext ctx,
                    lua_KFunction k) {
  filo_task_check(L);
  if (event->waiter) return luaL_error(L, "another task waits for this already");
  event->waiter = filo_task_begin_wait(L, seconds);
  return filo_task_yield(L, ctx, k);
}

enum filo_why filo_event_why(lua_State *L, struct filo_event *event) {
  event->waiter = NULL;
  enum filo_why why = filo_task_why(L);
  return why == FILO_TIMED_OUT && event->set ? FILO_WOKEN : why;
}

int filo_event_overdue(lua_State *L, struct filo_event *event, const char *late) {
  enum filo_why why = filo_event_why(L, event);
  if (why == FILO_WOKEN) return 0;
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  struct filo_error err;
  filo_fail(&err, FILO_TIMEOUT, "%s", late);
  return filo_return_error(L, &err);
}
