/* Connections of HTTP clients: requests, bodies, answers. */
#include "lua/http.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/descriptor.h"
#include "lua/handle.h"
#include "lua/resources.h"
#include "lua/store.h"
#include "lua/tls.h"
#include "runtime/task.h"
#include "transfer/reader.h"
#include "transport/address.h"
#include "transport/socket.h"

struct http_box {
  struct filo_http *http;
  struct filo_event incoming, outgoing;
  size_t used;    /* of the last piece of the body that was read */
  size_t written; /* of the string that a waiting `write` is about */
  uint64_t sent;  /* by the connection, before `send` began */
  char remote[FILO_ADDRESS_MAX];
};

static void on_changed(void *ctx) {
  struct http_box *box = ctx;
  filo_event_set(&box->incoming);
  filo_event_set(&box->outgoing);
}

static void close_box(struct http_box *box, bool abrupt) {
  struct filo_http *http = box->http;
  box->http = NULL;
  filo_http_close(http, abrupt);
  on_changed(box);
}

static void release(void *self) {
  close_box(self, false);
}

static const struct filo_handle_type type = {
    .name = "filo.http",
    .closed = "the connection is closed",
    .size = sizeof(struct http_box),
    .release = release,
};

static struct http_box *check_box(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

struct filo_http *filo_check_http(lua_State *L, int index) {
  struct http_box *box = filo_handle_check(L, index, &type);
  return box->http;
}

struct filo_pull *filo_test_http_body(lua_State *L, int index) {
  return filo_handle_test(L, index, &type) ? filo_check_http_body(L, index) : NULL;
}

struct filo_pull *filo_check_http_body(lua_State *L, int index) {
  struct http_box *box = filo_handle_check(L, index, &type);
  bool is_read = box->incoming.waiter || filo_http_is_taken(box->http);
  luaL_argcheck(L, !is_read, index, "something takes the body already");
  filo_http_skip(box->http, box->used);
  box->used = 0;
  return filo_http_body(box->http);
}

/* --- Opening --- */

static double seconds_of(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  double seconds = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return seconds;
}

int filo_push_http(lua_State *L, int fd, int index) {
  struct filo_error err;
  struct filo_http_times times = {seconds_of(L, index, "idle"), seconds_of(L, index, "head"),
                                  seconds_of(L, index, "stall")};
  bool has_tls = lua_getfield(L, index, "tls") != LUA_TNIL;
  struct filo_tls *tls = has_tls ? filo_check_tls(L, -1) : NULL;
  struct http_box *box = filo_handle_push(L, &type);
  filo_socket_remote(fd, box->remote);
  if (filo_http_new(filo_resources_of(L)->base, fd, tls, &times, on_changed, box, &box->http,
                    &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

/* --- Waiting --- */

typedef int again_fn(lua_State *L, struct http_box *box);

static int woken(lua_State *L, struct filo_event *event, again_fn *again) {
  struct http_box *box = filo_handle_box(L, 1, &type);
  struct filo_error err;
  if (filo_event_why(L, event) != FILO_WOKEN) {
    if (box->http && event == &box->incoming) filo_http_give_up(box->http);
    return filo_task_raise_cancelled(L);
  }
  if (box->http) return again(L, box);
  filo_fail(&err, FILO_CLOSED, "the connection was closed meanwhile");
  return filo_return_error(L, &err);
}

static int came(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct http_box *box = filo_handle_box(L, 1, &type);
  return woken(L, &box->incoming, (again_fn *)ctx);
}

static int went(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct http_box *box = filo_handle_box(L, 1, &type);
  return woken(L, &box->outgoing, (again_fn *)ctx);
}

static int wait_incoming(lua_State *L, struct http_box *box, again_fn *again) {
  return filo_event_wait(L, &box->incoming, FILO_NO_DEADLINE, (lua_KContext)again, came);
}

static int wait_outgoing(lua_State *L, struct http_box *box, again_fn *again) {
  return filo_event_wait(L, &box->outgoing, FILO_NO_DEADLINE, (lua_KContext)again, went);
}

static struct http_box *check_reading(lua_State *L) {
  struct http_box *box = check_box(L);
  filo_task_check(L);
  if (box->incoming.waiter) luaL_error(L, "another task reads from this connection already");
  return box;
}

static struct http_box *check_writing(lua_State *L) {
  struct http_box *box = check_box(L);
  filo_task_check(L);
  if (box->outgoing.waiter) luaL_error(L, "another task writes to this connection already");
  return box;
}

/* --- request(): the head of the next one; nil: there is none; nil, an error, and what to answer --- */

static void push_span(lua_State *L, const struct filo_http_head *head, struct filo_http_span span) {
  lua_pushlstring(L, span.len > 0 ? head->text + span.at : "", span.len);
}

/* Of fields that came more than once the values follow one another (RFC 9110, section 5.3). */
static void set_header(lua_State *L, const struct filo_http_head *head,
                       const struct filo_http_field *field) {
  push_span(L, head, field->name);
  lua_pushvalue(L, -1);
  bool again = lua_rawget(L, -3) == LUA_TSTRING;
  if (again)
    lua_pushliteral(L, ", ");
  else
    lua_pop(L, 1);
  push_span(L, head, field->value);
  if (again) lua_concat(L, 3);
  lua_rawset(L, -3);
}

static void push_headers(lua_State *L, const struct filo_http_head *head) {
  lua_createtable(L, 0, (int)head->count);
  for (unsigned i = 0; i < head->count; i++) set_header(L, head, &head->fields[i]);
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* With what is made of them (lua/filo/http/request.lua). */
enum { HEAD_FIELDS = 16 };

static void push_head(lua_State *L, const struct filo_http_head *head) {
  lua_createtable(L, 0, HEAD_FIELDS);
  lua_pushstring(L, head->method);
  lua_setfield(L, -2, "method");
  push_span(L, head, head->target);
  lua_setfield(L, -2, "target");
  push_headers(L, head);
  lua_setfield(L, -2, "headers");
  lua_pushinteger(L, head->minor);
  lua_setfield(L, -2, "minor");
  if (head->has_length) {
    lua_pushinteger(L, (lua_Integer)head->length);
    lua_setfield(L, -2, "length");
  }
  set_flag(L, "chunked", head->chunked);
  set_flag(L, "keep_alive", head->keep_alive);
  set_flag(L, "expects", head->expects);
}

static int request_or_wait(lua_State *L, struct http_box *box) {
  struct filo_error err;
  const struct filo_http_head *head;
  box->incoming.set = false;
  int rc = filo_http_request(box->http, &head, &err);
  if (rc == FILO_BUSY) return wait_incoming(L, box, request_or_wait);
  if (rc == 1) {
    push_head(L, head);
    return 1;
  }
  if (rc == 0) {
    lua_pushnil(L);
    return 1;
  }
  filo_return_error(L, &err);
  lua_pushinteger(L, rc == FILO_TIMEOUT ? 408 : filo_http_status(box->http));
  return 3;
}

static int request_in_turn(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  if (filo_task_why(L) == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  return request_or_wait(L, check_reading(L));
}

/* Many that came at once have their turns with those of other clients. */
static int http_request(lua_State *L) {
  struct http_box *box = check_reading(L);
  box->used = 0;
  if (!filo_task_has_time(L)) return filo_task_wait(L, 0, 0, request_in_turn);
  return request_or_wait(L, box);
}

/* --- read(max): the next bytes of the body; nil at its end --- */

static int read_or_wait(lua_State *L, struct http_box *box) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len, max = (size_t)luaL_checkinteger(L, 2), used = box->used;
  box->incoming.set = false;
  box->used = 0;
  int rc = filo_http_read(box->http, used, &bytes, &len, &err);
  if (rc == FILO_BUSY) return wait_incoming(L, box, read_or_wait);
  if (rc < 0) return filo_return_error(L, &err);
  if (rc == 0) {
    lua_pushnil(L);
    return 1;
  }
  box->used = len < max ? len : max;
  lua_pushlstring(L, (const char *)bytes, box->used);
  return 1;
}

static int http_read(lua_State *L) {
  struct http_box *box = check_reading(L);
  luaL_argcheck(L, luaL_checkinteger(L, 2) > 0, 2, "a number of bytes, 1 or more");
  luaL_argcheck(L, !filo_http_is_taken(box->http), 1, "something takes the body already");
  return read_or_wait(L, box);
}

/* --- write(bytes), flush() --- */

static int write_or_wait(lua_State *L, struct http_box *box) {
  size_t len;
  struct filo_error err;
  const unsigned char *bytes = (const unsigned char *)luaL_checklstring(L, 2, &len);
  box->outgoing.set = false;
  int64_t n = filo_http_write(box->http, bytes + box->written, len - box->written, &err);
  if (n < 0) return filo_return_error(L, &err);
  box->written += (size_t)n;
  if (box->written < len) return wait_outgoing(L, box, write_or_wait);
  lua_pushboolean(L, 1);
  return 1;
}

static int http_write(lua_State *L) {
  struct http_box *box = check_writing(L);
  box->written = 0;
  return write_or_wait(L, box);
}

static int flush_or_wait(lua_State *L, struct http_box *box) {
  struct filo_error err;
  box->outgoing.set = false;
  int rc = filo_http_flush(box->http, &err);
  if (rc == FILO_BUSY) return wait_outgoing(L, box, flush_or_wait);
  if (rc < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int http_flush(lua_State *L) {
  return flush_or_wait(L, check_writing(L));
}

/* --- send(reader), send(file, first, end): all that a reader gives, which is closed then, or bytes [first, end) of an open
 * file; true; or nil, an error, whether it is the connection that failed, and how many bytes went --- */

/* NULL, with an error. */
static struct filo_reader *check_source(lua_State *L, struct filo_error *err) {
  struct filo_reader *reader = NULL;
  int fd = filo_test_descriptor(L, 2);
  if (fd < 0) return filo_take_reader(L, 2);
  uint64_t first = filo_check_count(L, 3, 0), end = filo_check_count(L, 4, 0);
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0)
    filo_fail_errno(err, errno, "cannot read a file");
  else
    filo_reader_of_file(filo_resources_of(L), own, "the file", first, end, &reader, err);
  return reader;
}

static int sent_or_wait(lua_State *L, struct http_box *box) {
  struct filo_error err;
  bool broken;
  box->outgoing.set = false;
  int rc = filo_http_sent(box->http, &broken, &err);
  if (rc == FILO_BUSY) return wait_outgoing(L, box, sent_or_wait);
  if (rc == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  filo_return_error(L, &err);
  lua_pushboolean(L, broken);
  lua_pushinteger(L, (lua_Integer)(filo_http_went(box->http) - box->sent));
  return 4;
}

static int http_send(lua_State *L) {
  struct http_box *box = check_writing(L);
  struct filo_error err;
  struct filo_reader *reader = check_source(L, &err);
  if (!reader) return filo_return_error(L, &err);
  box->sent = filo_http_went(box->http);
  filo_http_send(box->http, filo_reader_pull(reader));
  return sent_or_wait(L, box);
}

/* --- The rest --- */

/* still(): seconds since a byte came or went */
static int http_still(lua_State *L) {
  lua_pushnumber(L, filo_http_still(check_box(L)->http));
  return 1;
}

static int http_remote(lua_State *L) {
  lua_pushstring(L, check_box(L)->remote);
  return 1;
}

/* abort(): closes it so that the client sees that the answer is not whole */
static int http_abort(lua_State *L) {
  struct http_box *box = filo_handle_box(L, 1, &type);
  close_box(box, true);
  return 0;
}

static const luaL_Reg methods[] = {{"request", http_request},    {"read", http_read},
                                   {"write", http_write},        {"flush", http_flush},
                                   {"send", http_send},          {"still", http_still},
                                   {"remote", http_remote},      {"abort", http_abort},
                                   {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_http(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
