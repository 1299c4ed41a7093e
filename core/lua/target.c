/* A file that somebody else writes to, and that gets its name when it is whole: transfer/target for
 * commands. A method takes what the handle owns while it waits. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/descriptor.h"
#include "lua/handle.h"
#include "lua/target.h"
#include "transfer/target.h"

struct target_box {
  struct filo_target *target;
};

static void release(void *self) {
  struct target_box *box = self;
  filo_target_free(box->target);
}

static const struct filo_handle_type type = {
    .name = "filo.target",
    .closed = "the target is closed",
    .size = sizeof(struct target_box),
    .release = release,
};

struct target_call {
  struct filo_call base;
  struct filo_target *target;
  int mode;
};

static void discard(struct filo_call *base) {
  struct target_call *call = (struct target_call *)base;
  filo_target_free(call->target);
  free(call);
}

/* --- target(path) --- */

static void open_work(struct filo_call *base) {
  struct target_call *call = (struct target_call *)base;
  base->code = filo_target_open(call->target, 0, &base->err);
}

static int opened(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct target_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  struct target_box *box = filo_handle_push(L, &type);
  box->target = call->target;
  call->target = NULL;
  discard(&call->base);
  return 1;
}

int filo_open_target(lua_State *L) {
  const char *path = filo_check_text(L, 1);
  struct target_call *call = filo_call_new(L, sizeof *call, open_work, discard);
  call->base.code = filo_target_new(path, false, &call->target, &call->base.err);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  return filo_call(L, &call->base, opened);
}

/* --- Methods --- */

static int target_file(lua_State *L) {
  const struct target_box *box = filo_handle_check(L, 1, &type);
  struct filo_error err;
  int fd = fcntl(filo_target_fd(box->target), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) {
    filo_fail_errno(&err, errno, "cannot use a file");
    return filo_return_error(L, &err);
  }
  filo_push_descriptor(L, fd);
  return 1;
}

static void finish_work(struct filo_call *base) {
  struct target_call *call = (struct target_call *)base;
  base->code = filo_target_finish(call->target, call->mode, &base->err);
}

static int target_finish(lua_State *L) {
  struct target_box *box = filo_handle_check(L, 1, &type);
  int mode = filo_check_mode(L, 2);
  struct target_call *call = filo_call_new(L, sizeof *call, finish_work, discard);
  call->mode = mode;
  call->target = box->target;
  box->target = NULL;
  return filo_call(L, &call->base, filo_call_ended);
}

static const luaL_Reg methods[] = {
    {"file", target_file}, {"finish", target_finish}, {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_target(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
