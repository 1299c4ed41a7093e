#include "lua/call.h"

#include <lauxlib.h>
#include <stdlib.h>

static void run(struct filo_job *job) {
  struct filo_call *call = (struct filo_call *)job;
  call->work(call);
}

static void done(struct filo_job *job) {
  struct filo_call *call = (struct filo_call *)job;
  if (call->abandoned)
    call->discard(call);
  else
    filo_event_set(&call->ended);
}

void *filo_call_new(lua_State *L, size_t size, void (*work)(struct filo_call *call),
                    void (*discard)(struct filo_call *call)) {
  filo_task_check(L);
  struct filo_call *call = calloc(1, size);
  if (!call) luaL_error(L, "no memory");
  call->work = work;
  call->discard = discard;
  return call;
}

int filo_call_wait(lua_State *L, struct filo_call *call, lua_KFunction k) {
  return filo_event_wait(L, &call->ended, FILO_NO_DEADLINE, (lua_KContext)call, k);
}

int filo_call(lua_State *L, struct filo_call *call, lua_KFunction k) {
  call->job = (struct filo_job){.run = run, .done = done};
  filo_pool_submit(filo_loop_pool(filo_runtime_loop(filo_runtime_of(L))), &call->job);
  return filo_call_wait(L, call, k);
}

int filo_call_at_once(lua_State *L, struct filo_call *call,
                      void (*work_at_once)(struct filo_call *call), lua_KFunction k) {
  work_at_once(call);
  if (call->code == FILO_BUSY) {
    call->code = 0;
    return filo_call(L, call, k);
  }
  call->ended.set = true;
  if (filo_task_has_time(L)) return k(L, LUA_OK, (lua_KContext)call);
  call->ended.waiter = filo_task_begin_wait(L, FILO_NO_DEADLINE);
  filo_task_wake(call->ended.waiter);
  return filo_task_yield(L, (lua_KContext)call, k);
}

void *filo_call_end(lua_State *L, lua_KContext ctx) {
  struct filo_call *call = (struct filo_call *)ctx;
  if (filo_event_why(L, &call->ended) == FILO_WOKEN) return call;
  if (call->ended.set)
    call->discard(call);
  else
    call->abandoned = true;
  filo_task_raise_cancelled(L);
  return NULL;
}

int filo_call_return(lua_State *L, struct filo_call *call) {
  struct filo_error err = call->err;
  int code = call->code;
  call->discard(call);
  if (code < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

int filo_call_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return filo_call_return(L, filo_call_end(L, ctx));
}
