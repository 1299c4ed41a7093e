/* Raw connections from an address, from a socket that a listener accepted, from an end of a pipe. */
#include <stdio.h>

#include "lua/net.h"
#include "lua/raw.h"
#include "lua/resources.h"
#include "transport/socket.h"

static int start(struct filo_raw_box *box, struct event_base *base, int fd,
                 struct filo_error *err) {
  filo_socket_remote(fd, box->remote);
  filo_socket_tune(fd);
  return filo_raw_start(box, base, fd, err);
}

int filo_push_raw(lua_State *L, int fd) {
  struct filo_error err;
  struct filo_raw_box *box = filo_handle_push(L, &filo_raw_type);
  return start(box, filo_resources_of(L)->base, fd, &err) < 0 ? filo_return_error(L, &err) : 1;
}

int filo_push_pipe(lua_State *L, int fd, bool writes, const char *name) {
  struct filo_error err;
  struct filo_raw_box *box = filo_handle_push(L, &filo_raw_type);
  box->way = writes ? FILO_RAW_WRITE : FILO_RAW_READ;
  snprintf(box->remote, sizeof box->remote, "%s", name);
  if (filo_raw_start(box, filo_resources_of(L)->base, fd, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

/* --- dial_raw(address [, seconds]) --- */

static void on_dialled(void *ctx, int fd, const struct filo_error *why) {
  struct filo_raw_box *box = ctx;
  box->dial = NULL;
  if (fd < 0)
    box->why = *why;
  else
    start(box, box->base, fd, &box->why);
  filo_event_set(&box->readable);
}

static int go_on_dialling(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct filo_raw_box *box = filo_handle_box(L, 1, &filo_raw_type);
  if (filo_event_why(L, &box->readable) != FILO_WOKEN) {
    filo_handle_release(L, 1, &filo_raw_type);
    return filo_task_raise_cancelled(L);
  }
  if (box->dial) return filo_event_wait(L, &box->readable, FILO_NO_DEADLINE, 0, go_on_dialling);
  if (!box->bev) return filo_return_error(L, &box->why);
  lua_settop(L, 1);
  return 1;
}

static int dial_local(lua_State *L, const char *path) {
  int fd;
  struct filo_error err;
  if (filo_local_dial(path, &fd, &err) < 0) return filo_return_error(L, &err);
  return filo_push_raw(L, fd);
}

int filo_net_dial_raw(lua_State *L) {
  struct filo_error err;
  struct filo_address to;
  double seconds = filo_task_opt_seconds(L, 2, 10);
  const char *path = filo_local_path(L, 1);
  filo_task_check(L);
  if (path) return dial_local(L, path);
  if (filo_read_address(L, 1, &to, &err) < 0) return filo_return_error(L, &err);
  struct filo_raw_box *box = filo_handle_push(L, &filo_raw_type);
  lua_replace(L, 1);
  struct filo_resources *resources = filo_resources_of(L);
  box->base = resources->base;
  if (filo_dial_start(box->base, resources->resolver, &to, seconds, on_dialled, box, &box->dial,
                      &err) < 0)
    return filo_return_error(L, &err);
  return filo_event_wait(L, &box->readable, FILO_NO_DEADLINE, 0, go_on_dialling);
}
