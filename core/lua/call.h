/* A blocking function of the core, run on a worker while the calling task waits.
 *
 * A binding embeds struct filo_call as the first member of a malloc'ed struct that holds all inputs
 * and outputs, and ends with `return filo_call(L, &call->base, k)`. In k, filo_call_end gives it
 * back, and the binding pushes results and frees it. When the task is cancelled meanwhile,
 * filo_call_end raises instead, and `discard` is called once the worker is done.
 */
#ifndef FILO_LUA_CALL_H
#define FILO_LUA_CALL_H

#include <lua.h>

#include "runtime/task.h"

struct filo_call {
  struct filo_job job;
  struct filo_event ended;
  bool abandoned;
  void (*work)(struct filo_call *call);    /* on a worker: sets code, err and the outputs */
  void (*discard)(struct filo_call *call); /* loop thread: frees inputs, outputs and the call */
  int code;
  struct filo_error err;
};

/* calloc that raises. Checks first that the task can wait. */
void *filo_call_new(lua_State *L, size_t size, void (*work)(struct filo_call *call),
                    void (*discard)(struct filo_call *call));

int filo_call(lua_State *L, struct filo_call *call, lua_KFunction k);

/* The same for what can often be done without waiting: work_at_once is called first, on the loop, and
 * sets code to FILO_BUSY when it cannot. The task waits then, and when it has run for long. */
int filo_call_at_once(lua_State *L, struct filo_call *call,
                      void (*work_at_once)(struct filo_call *call), lua_KFunction k);

/* For calls whose completion comes otherwise than from `work`: waits for
 * filo_event_set(&call->ended). */
int filo_call_wait(lua_State *L, struct filo_call *call, lua_KFunction k);

/* In k. */
void *filo_call_end(lua_State *L, lua_KContext ctx);

/* Pushes true, or nil and the call's error; discards the call. */
int filo_call_return(lua_State *L, struct filo_call *call);

/* k for calls that have no outputs. */
int filo_call_ended(lua_State *L, int status, lua_KContext ctx);

#endif
