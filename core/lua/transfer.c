/* Transfers of sealed objects over a connection's streams: bulk bytes stay in C. */
#include <lauxlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/handle.h"
#include "lua/net.h"
#include "lua/resources.h"
#include "lua/store.h"
#include "runtime/task.h"
#include "transfer/receive.h"
#include "transfer/send.h"

/* One of the two is there. A transfer that is closed can still be asked how it ended. */
struct transfer_box {
  struct filo_send *send;
  struct filo_receive *receive;
  struct filo_event done;
  int code;
  struct filo_error err;
};

static void on_done(void *ctx, int code, const struct filo_error *err) {
  struct transfer_box *box = ctx;
  box->code = code;
  if (code < 0) box->err = *err;
  filo_event_set(&box->done);
}

static void release(void *self) {
  struct transfer_box *box = self;
  filo_send_free(box->send);
  filo_receive_free(box->receive);
  box->receive = NULL;
  if (!box->done.set) box->code = filo_fail(&box->err, FILO_CANCELLED, "the transfer was given up");
  filo_event_set(&box->done);
}

static const struct filo_handle_type type = {
    .name = "filo.transfer",
    .closed = "not a transfer that sends",
    .size = sizeof(struct transfer_box),
    .release = release,
};

static struct transfer_box *get_box(lua_State *L) {
  return filo_handle_box(L, 1, &type);
}

/* connection:send_object(object, hashes, first, count) */
int filo_connection_send_object(lua_State *L) {
  struct filo_error err;
  struct filo_connection *connection = filo_check_connection(L, 1);
  struct filo_object *object = filo_check_object(L, 2);
  struct filo_send_options options = {lua_toboolean(L, 3), filo_check_count(L, 4, 0),
                                      filo_check_count(L, 5, LUA_MAXINTEGER)};
  struct transfer_box *box = filo_handle_push(L, &type);
  if (filo_send_start(filo_resources_of(L), connection, object, &options, on_done, box, &box->send,
                      &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

/* connection:receive_object(number, partial, hashes, first, count) */
int filo_connection_receive_object(lua_State *L) {
  struct filo_error err;
  struct filo_connection *connection = filo_check_connection(L, 1);
  lua_Integer number = luaL_checkinteger(L, 2);
  luaL_argcheck(L, number >= 0 && number <= UINT32_MAX, 2, "a stream's number");
  struct filo_partial *partial = filo_check_partial(L, 3);
  struct filo_receive_options options = {(uint32_t)number, lua_toboolean(L, 4),
                                         filo_check_count(L, 5, 0),
                                         filo_check_count(L, 6, LUA_MAXINTEGER)};
  struct transfer_box *box = filo_handle_push(L, &type);
  if (filo_receive_start(filo_resources_of(L), connection, partial, &options, on_done, box,
                         &box->receive, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

static int joined(lua_State *L, int status, lua_KContext ctx);

static int join_or_wait(lua_State *L, struct transfer_box *box) {
  if (!box->done.set)
    return filo_event_wait(L, &box->done, filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE), 0, joined);
  if (box->code < 0) return filo_return_error(L, &box->err);
  lua_pushboolean(L, 1);
  return 1;
}

static int joined(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct transfer_box *box = get_box(L);
  int late = filo_event_overdue(L, &box->done, "the transfer is not done yet");
  return late ? late : join_or_wait(L, box);
}

/* join([seconds]) */
static int transfer_join(lua_State *L) {
  return join_or_wait(L, get_box(L));
}

static int transfer_number(lua_State *L) {
  struct transfer_box *box = filo_handle_check(L, 1, &type);
  lua_pushinteger(L, filo_send_number(box->send));
  return 1;
}

static int transfer_bytes(lua_State *L) {
  struct transfer_box *box = get_box(L);
  uint64_t bytes = box->send      ? filo_send_bytes(box->send)
                   : box->receive ? filo_receive_bytes(box->receive)
                                  : 0;
  lua_pushinteger(L, (lua_Integer)bytes);
  return 1;
}

static const luaL_Reg methods[] = {{"join", transfer_join},
                                   {"number", transfer_number},
                                   {"bytes", transfer_bytes},
                                   {"close", filo_handle_close},
                                   {NULL, NULL}};

void filo_register_transfer(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
