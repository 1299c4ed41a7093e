/* Raw byte connections, for scripts that speak some other protocol: a bufferevent each, with at
 * most 256 KiB read ahead. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/net.h"
#include "lua/store.h"
#include "lua/type.h"
#include "runtime/task.h"

#define RAW_TYPE "filo.raw"

enum { READ_AHEAD = 256 << 10, WRITE_BEHIND = 256 << 10 };

struct raw_box {
  struct bufferevent *bev;
  struct filo_event readable; /* connected, bytes came, ended */
  struct filo_event writable; /* bytes went, ended */
  bool connected, ended;
  struct filo_error why;
};

static void on_came(struct bufferevent *bev, void *ctx) {
  (void)bev;
  filo_event_set(&((struct raw_box *)ctx)->readable);
}

static void on_went(struct bufferevent *bev, void *ctx) {
  (void)bev;
  filo_event_set(&((struct raw_box *)ctx)->writable);
}

static void on_event(struct bufferevent *bev, short what, void *ctx) {
  struct raw_box *box = ctx;
  int saved = EVUTIL_SOCKET_ERROR();
  int dns = bufferevent_socket_get_dns_error(bev);
  if (what & BEV_EVENT_CONNECTED) {
    box->connected = true;
  } else {
    box->ended = true;
    if (dns)
      filo_fail(&box->why, FILO_UNREACHABLE, "cannot look up the host: %s",
                evutil_gai_strerror(dns));
    else if (what & BEV_EVENT_EOF)
      filo_fail(&box->why, FILO_CLOSED, "the other side closed the connection");
    else if (what & BEV_EVENT_TIMEOUT)
      filo_fail(&box->why, FILO_TIMEOUT, "no answer in time");
    else
      filo_fail_errno(&box->why, saved, "the connection failed");
  }
  filo_event_set(&box->readable);
  filo_event_set(&box->writable);
}

static int raw_close(lua_State *L) {
  struct raw_box *box = luaL_checkudata(L, 1, RAW_TYPE);
  if (box->bev) bufferevent_free(box->bev);
  box->bev = NULL;
  filo_event_set(&box->readable); /* whoever waits finds it closed */
  filo_event_set(&box->writable);
  return 0;
}

static struct raw_box *check_raw(lua_State *L) {
  struct raw_box *box = luaL_checkudata(L, 1, RAW_TYPE);
  luaL_argcheck(L, box->bev, 1, "the connection is closed");
  return box;
}

static struct raw_box *push_raw(lua_State *L, int fd) {
  struct raw_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  memset(box, 0, sizeof *box);
  luaL_setmetatable(L, RAW_TYPE);
  box->bev = bufferevent_socket_new(filo_desk_of(L)->base, fd, BEV_OPT_CLOSE_ON_FREE);
  if (!box->bev) {
    if (fd >= 0) close(fd);
    luaL_error(L, "no memory for a connection");
  }
  bufferevent_setcb(box->bev, on_came, on_went, on_event, box);
  bufferevent_setwatermark(box->bev, EV_READ, 0, READ_AHEAD);
  bufferevent_set_max_single_read(box->bev, READ_AHEAD);
  bufferevent_set_max_single_write(box->bev, WRITE_BEHIND);
  bufferevent_enable(box->bev, EV_READ | EV_WRITE);
  return box;
}

int filo_push_raw(lua_State *L, int fd) {
  push_raw(L, fd)->connected = true;
  return 1;
}

/* Waits for an event; `again` then looks anew. A deadline that passes gives nil and a timeout. */
typedef int again_fn(lua_State *L, struct raw_box *box);

static int woken(lua_State *L, struct filo_event *event, again_fn *again) {
  struct raw_box *box = luaL_checkudata(L, 1, RAW_TYPE);
  struct filo_error err;
  enum filo_why why = filo_event_why(L, event);
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  if (why == FILO_WOKEN && box->bev) return again(L, box);
  if (why == FILO_WOKEN)
    filo_fail(&err, FILO_CLOSED, "the connection was closed meanwhile");
  else
    filo_fail(&err, FILO_TIMEOUT, "no answer in time");
  return filo_return_error(L, &err);
}

static int came(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct raw_box *box = luaL_checkudata(L, 1, RAW_TYPE);
  return woken(L, &box->readable, (again_fn *)ctx);
}

static int went(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct raw_box *box = luaL_checkudata(L, 1, RAW_TYPE);
  return woken(L, &box->writable, (again_fn *)ctx);
}

static int wait_readable(lua_State *L, struct raw_box *box, double seconds, again_fn *again) {
  box->readable.set = false;
  return filo_event_wait(L, &box->readable, seconds, (lua_KContext)again, came);
}

static int wait_writable(lua_State *L, struct raw_box *box, again_fn *again) {
  box->writable.set = false;
  return filo_event_wait(L, &box->writable, -1, (lua_KContext)again, went);
}

/* --- dial_raw(address [, seconds]) --- */

static int connected(lua_State *L, struct raw_box *box) {
  if (box->ended) return filo_return_error(L, &box->why);
  if (!box->connected) return wait_readable(L, box, luaL_optnumber(L, 2, 10), connected);
  lua_settop(L, 1);
  return 1;
}

int filo_net_dial_raw(lua_State *L) {
  struct filo_error err;
  struct filo_address to;
  filo_task_check(L);
  if (filo_read_address(L, 1, &to, &err) < 0) return filo_return_error(L, &err);
  struct raw_box *box = push_raw(L, -1);
  lua_replace(L, 1);
  struct evdns_base *dns = filo_loop_dns(filo_runtime_loop(filo_runtime_of(L)));
  if (bufferevent_socket_connect_hostname(box->bev, dns, AF_UNSPEC, to.host, to.port) < 0 &&
      !box->ended) {
    filo_fail(&err, FILO_UNREACHABLE, "cannot connect to %s port %u", to.host, to.port);
    return filo_return_error(L, &err);
  }
  return connected(L, box);
}

/* --- read(n | "l" | "a" [, seconds]) --- */

static int give(lua_State *L, struct evbuffer *input, size_t len) {
  luaL_Buffer buffer;
  char *space = luaL_buffinitsize(L, &buffer, len ? len : 1);
  evbuffer_remove(input, space, len);
  luaL_pushresultsize(&buffer, len);
  return 1;
}

static int give_line(lua_State *L, struct evbuffer *input, size_t len, size_t end) {
  give(L, input, len);
  evbuffer_drain(input, end);
  return 1;
}

/* True when `*given` values answer the read. */
static bool try_read(lua_State *L, struct evbuffer *input, bool ended, int *given) {
  size_t have = evbuffer_get_length(input);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    size_t want = (size_t)lua_tointeger(L, 2);
    if (have == 0 || (have > 0 && want == 0)) return false;
    *given = give(L, input, have < want ? have : want);
    return true;
  }
  size_t end;
  if (*lua_tostring(L, 2) == 'a') {
    if (!ended) return false;
    *given = give(L, input, have);
    return true;
  }
  struct evbuffer_ptr line = evbuffer_search_eol(input, NULL, &end, EVBUFFER_EOL_CRLF);
  if (line.pos < 0) return false;
  *given = give_line(L, input, (size_t)line.pos, end);
  return true;
}

static int read_or_wait(lua_State *L, struct raw_box *box) {
  int given;
  struct filo_error err;
  struct evbuffer *input = bufferevent_get_input(box->bev);
  if (try_read(L, input, box->ended, &given)) return given;
  if (box->ended && evbuffer_get_length(input) > 0)
    return give(L, input, evbuffer_get_length(input));
  if (box->ended) return filo_return_error(L, &box->why);
  if (evbuffer_get_length(input) >= READ_AHEAD && *lua_tostring(L, 2) == 'l') {
    filo_fail(&err, FILO_TOO_LARGE, "a line of more than %d bytes came", READ_AHEAD);
    return filo_return_error(L, &err);
  }
  return wait_readable(L, box, luaL_optnumber(L, 3, -1), read_or_wait);
}

static int raw_read(lua_State *L) {
  struct raw_box *box = check_raw(L);
  lua_settop(L, 3);
  if (lua_isnil(L, 2)) {
    lua_pushliteral(L, "l");
    lua_replace(L, 2);
  }
  if (lua_type(L, 2) != LUA_TNUMBER) {
    static const char *const kinds[] = {"l", "a", NULL};
    bool all = luaL_checkoption(L, 2, NULL, kinds) == 1;
    if (all) bufferevent_setwatermark(box->bev, EV_READ, 0, 0);
  } else {
    luaL_argcheck(L, luaL_checkinteger(L, 2) > 0, 2, "a number of bytes, 1 or more");
  }
  return read_or_wait(L, box);
}

/* --- write(bytes): waits while much lies unsent --- */

static int written(lua_State *L, struct raw_box *box) {
  if (box->ended) return filo_return_error(L, &box->why);
  if (evbuffer_get_length(bufferevent_get_output(box->bev)) > WRITE_BEHIND)
    return wait_writable(L, box, written);
  lua_pushboolean(L, 1);
  return 1;
}

static int raw_write(lua_State *L) {
  size_t len;
  struct raw_box *box = check_raw(L);
  const char *bytes = luaL_checklstring(L, 2, &len);
  filo_task_check(L);
  if (box->ended) return filo_return_error(L, &box->why);
  if (bufferevent_write(box->bev, bytes, len) < 0) return luaL_error(L, "no memory");
  return written(L, box);
}

static int flushed(lua_State *L, struct raw_box *box) {
  if (box->ended) return filo_return_error(L, &box->why);
  if (evbuffer_get_length(bufferevent_get_output(box->bev)) > 0)
    return wait_writable(L, box, flushed);
  lua_pushboolean(L, 1);
  return 1;
}

/* flush(): when all is with the kernel */
static int raw_flush(lua_State *L) {
  return flushed(L, check_raw(L));
}

static int raw_remote(lua_State *L) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  char text[FILO_ADDRESS_MAX] = "";
  int fd = bufferevent_getfd(check_raw(L)->bev);
  if (getpeername(fd, (struct sockaddr *)&address, &len) == 0)
    filo_address_format((struct sockaddr *)&address, text);
  lua_pushstring(L, text);
  return 1;
}

static const luaL_Reg methods[] = {{"read", raw_read},   {"write", raw_write},
                                   {"flush", raw_flush}, {"remote", raw_remote},
                                   {"close", raw_close}, {NULL, NULL}};

void filo_register_raw(lua_State *L) {
  filo_register_type(L, RAW_TYPE, methods, raw_close);
}
