/* The module filo.core.net: listeners, dialling. */
#include "lua/net.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/arguments.h"
#include "lua/descriptor.h"
#include "lua/handle.h"
#include "lua/http.h"
#include "lua/modules.h"
#include "lua/resources.h"
#include "lua/sieve.h"
#include "lua/tls.h"
#include "runtime/log.h"
#include "runtime/task.h"

/* Accepted connections that nobody has taken yet; more are closed at once. */
enum { BACKLOG = 64 };

/* --- Listeners --- */

struct listener_box {
  struct filo_listener *listener;
  struct filo_event arrived;
  struct {
    int fd;
    bool scarce;
  } waiting[BACKLOG];
  int count;
};

/* Told once a minute: who wants to know why nobody gets in looks there. */
static void on_starved(void *ctx, int sys_errno) {
  static double told = -60;
  struct listener_box *box = ctx;
  struct filo_error err;
  if (filo_now() - told < 60) return;
  told = filo_now();
  filo_fail_errno(&err, sys_errno, "cannot accept connections at %s for now",
                  filo_listener_address(box->listener));
  filo_log("warning", "starved", err.message);
}

/* Of the last descriptors none waits behind others. */
static void on_accepted(void *ctx, int fd, bool scarce) {
  struct listener_box *box = ctx;
  if (scarce) on_starved(box, EMFILE);
  if (box->count == BACKLOG || (scarce && box->count > 0)) {
    close(fd);
    return;
  }
  box->waiting[box->count].fd = fd;
  box->waiting[box->count++].scarce = scarce;
  filo_event_set(&box->arrived);
}

static void release_listener(void *self) {
  struct listener_box *box = self;
  filo_listener_free(box->listener);
  while (box->count > 0) close(box->waiting[--box->count].fd);
  filo_event_set(&box->arrived);
}

static const struct filo_handle_type listener_type = {
    .name = "filo.listener",
    .closed = "the listener is closed",
    .size = sizeof(struct listener_box),
    .release = release_listener,
};

int filo_read_address(lua_State *L, int index, struct filo_address *ret, struct filo_error *err) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  if (memchr(text, 0, len)) return filo_fail(err, FILO_INVALID, "an address must not have a NUL");
  return filo_address_parse(text, ret, err);
}

static const struct filo_listener_handler listener_handler = {on_accepted, on_starved};

static int listen_at(lua_State *L) {
  struct filo_error err;
  struct filo_address at;
  if (filo_read_address(L, 1, &at, &err) < 0) return filo_return_error(L, &err);
  struct listener_box *box = filo_handle_push(L, &listener_type);
  struct event_base *base = filo_resources_of(L)->base;
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
  struct listener_box *box = filo_handle_push(L, &listener_type);
  struct event_base *base = filo_resources_of(L)->base;
  if (filo_listener_new_local(base, path, &listener_handler, box, &box->listener, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

static int listener_address(lua_State *L) {
  struct listener_box *box = filo_handle_check(L, 1, &listener_type);
  lua_pushstring(L, filo_listener_address(box->listener));
  return 1;
}

static int go_on_accepting(lua_State *L, int status, lua_KContext ctx);

static bool has_flag(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Of HTTP, or of peers, which has other options; without any, a raw one. */
static int push_connection(lua_State *L, int fd) {
  struct filo_connection_options options;
  if (!lua_istable(L, 2)) return filo_push_raw(L, fd);
  if (has_flag(L, 2, "http")) return filo_push_http(L, fd, 2);
  filo_read_options(L, 2, &options);
  return filo_push_accepted(L, fd, &options);
}

/* accept([options]): the next connection, and whether it is scarce */
static int accept_or_wait(lua_State *L) {
  struct filo_error err;
  struct listener_box *box = filo_handle_box(L, 1, &listener_type);
  box->arrived.set = false;
  if (!box->listener) {
    filo_fail(&err, FILO_CLOSED, "the listener is closed");
    return filo_return_error(L, &err);
  }
  if (box->count == 0)
    return filo_event_wait(L, &box->arrived, FILO_NO_DEADLINE, 0, go_on_accepting);
  int fd = box->waiting[0].fd;
  bool scarce = box->waiting[0].scarce;
  memmove(box->waiting, box->waiting + 1, (size_t)--box->count * sizeof *box->waiting);
  int results = push_connection(L, fd);
  if (results > 1) return results; /* it failed */
  lua_pushboolean(L, scarce);
  return 2;
}

static int go_on_accepting(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct listener_box *box = filo_handle_box(L, 1, &listener_type);
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

/* moved(): bytes that have come from all peers, and gone to them */
static int net_moved(lua_State *L) {
  uint64_t in, out;
  filo_connection_moved(&in, &out);
  lua_pushinteger(L, (lua_Integer)in);
  lua_pushinteger(L, (lua_Integer)out);
  return 2;
}

static const luaL_Reg listener_methods[] = {{"accept", accept_or_wait},
                                            {"address", listener_address},
                                            {"close", filo_handle_close},
                                            {NULL, NULL}};

static const luaL_Reg functions[] = {{"tls", filo_net_tls},
                                     {"tls_server", filo_net_tls_server},
                                     {"listen", listen_at},
                                     {"listen_raw", listen_raw},
                                     {"moved", net_moved},
                                     {"dial", filo_net_dial},
                                     {"dial_raw", filo_net_dial_raw},
                                     {"address", parse_address},
                                     {"rates", filo_net_rates},
                                     {"sieve", filo_net_sieve},
                                     {"open", filo_open_descriptor},
                                     {NULL, NULL}};

int filo_open_net(lua_State *L) {
  filo_register_tls(L);
  filo_handle_register(L, &listener_type, listener_methods);
  filo_register_connection(L);
  filo_register_rates(L);
  filo_register_transfer(L);
  filo_register_raw(L);
  filo_register_http(L);
  filo_register_sieve(L);
  filo_register_stream(L);
  filo_register_descriptor(L);
  luaL_newlib(L, functions);
  return 1;
}
