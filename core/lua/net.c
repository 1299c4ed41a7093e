/* The module filo.core.net: TLS settings, listeners, dialling. */
#include "lua/net.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/crypto.h"
#include "lua/descriptor.h"
#include "lua/modules.h"
#include "lua/store.h"
#include "lua/type.h"
#include "runtime/task.h"

#define TLS_TYPE "filo.tls"
#define LISTENER_TYPE "filo.listener"

/* Accepted connections that nobody has taken yet; more are closed at once. */
enum { BACKLOG = 64 };

/* --- TLS settings --- */

static int tls_close(lua_State *L) {
  struct filo_tls **box = luaL_checkudata(L, 1, TLS_TYPE);
  filo_tls_unref(*box);
  *box = NULL;
  return 0;
}

struct filo_tls *filo_check_tls(lua_State *L, int index) {
  struct filo_tls **box = luaL_checkudata(L, index, TLS_TYPE);
  luaL_argcheck(L, *box, index, "the TLS settings are closed");
  return *box;
}

static int new_tls(lua_State *L) {
  struct filo_error err;
  struct filo_identity *identity = filo_check_identity(L, 1);
  struct filo_tls **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, TLS_TYPE);
  if (filo_tls_new(identity, box, &err) < 0) return filo_return_error(L, &err);
  return 1;
}

/* --- Listeners --- */

struct listener_box {
  struct filo_listener *listener;
  struct filo_event arrived;
  int fds[BACKLOG];
  int count;
};

static void on_accepted(void *ctx, int fd) {
  struct listener_box *box = ctx;
  if (box->count == BACKLOG) {
    close(fd);
    return;
  }
  box->fds[box->count++] = fd;
  filo_event_set(&box->arrived);
}

static int listener_close(lua_State *L) {
  struct listener_box *box = luaL_checkudata(L, 1, LISTENER_TYPE);
  filo_listener_free(box->listener);
  box->listener = NULL;
  while (box->count > 0) close(box->fds[--box->count]);
  filo_event_set(&box->arrived); /* whoever waits finds it closed */
  return 0;
}

int filo_read_address(lua_State *L, int index, struct filo_address *ret, struct filo_error *err) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  if (memchr(text, 0, len)) return filo_fail(err, FILO_INVALID, "an address must not have a NUL");
  return filo_address_parse(text, ret, err);
}

static const struct filo_listener_handler listener_handler = {on_accepted};

static struct listener_box *push_listener(lua_State *L) {
  struct listener_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  memset(box, 0, sizeof *box);
  luaL_setmetatable(L, LISTENER_TYPE);
  return box;
}

static int listen_at(lua_State *L) {
  struct filo_error err;
  struct filo_address at;
  if (filo_read_address(L, 1, &at, &err) < 0) return filo_return_error(L, &err);
  struct listener_box *box = push_listener(L);
  struct event_base *base = filo_desk_of(L)->base;
  if (filo_listener_new(base, &at, &listener_handler, box, &box->listener, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

const char *filo_local_path(lua_State *L, int index) {
  static const char scheme[] = "unix:";
  const char *address = luaL_checkstring(L, index);
  if (strncmp(address, scheme, sizeof scheme - 1) != 0) return NULL;
  return filo_check_text(L, index) + sizeof scheme - 1;
}

/* listen_raw(address): also a Unix socket */
static int listen_raw(lua_State *L) {
  struct filo_error err;
  const char *path = filo_local_path(L, 1);
  if (!path) return listen_at(L);
  struct listener_box *box = push_listener(L);
  struct event_base *base = filo_desk_of(L)->base;
  if (filo_listener_new_local(base, path, &listener_handler, box, &box->listener, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

static int listener_address(lua_State *L) {
  struct listener_box *box = luaL_checkudata(L, 1, LISTENER_TYPE);
  luaL_argcheck(L, box->listener, 1, "the listener is closed");
  lua_pushstring(L, filo_listener_address(box->listener));
  return 1;
}

static int go_on_accepting(lua_State *L, int status, lua_KContext ctx);

/* accept([options]): the next connection; raw without options */
static int accept_or_wait(lua_State *L) {
  struct filo_error err;
  struct listener_box *box = luaL_checkudata(L, 1, LISTENER_TYPE);
  box->arrived.set = false;
  if (!box->listener) {
    filo_fail(&err, FILO_CLOSED, "the listener is closed");
    return filo_return_error(L, &err);
  }
  if (box->count == 0)
    return filo_event_wait(L, &box->arrived, FILO_NO_DEADLINE, 0, go_on_accepting);
  bool framed = lua_istable(L, 2);
  struct filo_connection_options options;
  if (framed) filo_read_options(L, 2, &options);
  int fd = box->fds[0];
  memmove(box->fds, box->fds + 1, (size_t)--box->count * sizeof *box->fds);
  return framed ? filo_push_accepted(L, fd, &options) : filo_push_raw(L, fd);
}

static int go_on_accepting(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct listener_box *box = luaL_checkudata(L, 1, LISTENER_TYPE);
  if (filo_event_why(L, &box->arrived) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  return accept_or_wait(L);
}

static int parse_address(lua_State *L) {
  struct filo_error err;
  struct filo_address address;
  if (filo_read_address(L, 1, &address, &err) < 0) return filo_return_error(L, &err);
  lua_pushstring(L, address.host);
  lua_pushinteger(L, address.port);
  return 2;
}

static const luaL_Reg tls_methods[] = {{"close", tls_close}, {NULL, NULL}};

static const luaL_Reg listener_methods[] = {{"accept", accept_or_wait},
                                            {"address", listener_address},
                                            {"close", listener_close},
                                            {NULL, NULL}};

static const luaL_Reg functions[] = {{"tls", new_tls},
                                     {"listen", listen_at},
                                     {"listen_raw", listen_raw},
                                     {"dial", filo_net_dial},
                                     {"dial_raw", filo_net_dial_raw},
                                     {"address", parse_address},
                                     {"open", filo_open_descriptor},
                                     {NULL, NULL}};

int filo_open_net(lua_State *L) {
  filo_register_type(L, TLS_TYPE, tls_methods, tls_close);
  filo_register_type(L, LISTENER_TYPE, listener_methods, listener_close);
  filo_register_connection(L);
  filo_register_transfer(L);
  filo_register_raw(L);
  filo_register_descriptor(L);
  luaL_newlib(L, functions);
  return 1;
}
