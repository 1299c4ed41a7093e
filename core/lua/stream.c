/* Streams between scripts: bytes both ways, as a pair of a connection's streams. What has come lies
 * in C, up to 256 KiB of it: that is the credit of the other side, given anew in steps as Lua takes
 * bytes. What is written is sent straight from the Lua string, which the handle keeps alive until
 * the last frame has taken its bytes.
 *
 * A side that ends its writing leaves the other direction alone, and so does one that only stops
 * reading; one that gives up writing before its end has given up all. */
#include <event2/buffer.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "lua/handle.h"
#include "lua/input.h"
#include "lua/net.h"
#include "runtime/task.h"

enum {
  CREDIT_STEP = 64 << 10,
  SPACE = 64 << 10, /* made ready for the next bytes, at most */
  STRING = 1        /* the user value: what is being written */
};

struct stream_box {
  struct evbuffer *input;   /* come, and not read yet */
  struct filo_outflow *out; /* until it has ended */
  struct filo_inflow *in;   /* from when it is attached until it has ended */
  struct evbuffer_iovec space;
  unsigned char scrap[64]; /* where bytes go when there is no memory for them */
  size_t credit;           /* given to the other side, and not used */
  const unsigned char *bytes;
  size_t left, under_way; /* of what is being written */
  struct filo_event readable, writable, over;
  bool ended;                   /* no more bytes come: in order, or `unreadable` says why */
  bool finished;                /* no more can be written */
  struct filo_error unreadable; /* code 0: there is no such error */
  struct filo_error unwritable;
  char peer[2 * FILO_ID_SIZE + 1]; /* the other side: its node ID, or what it is called */
  char name[32];                   /* the same, for messages */
};

/* --- The end --- */

/* No more can be written, and no more comes: in order, or because it was cut. */
static bool is_over(const struct stream_box *box) {
  return !box->out && box->ended;
}

static void tell_if_over(struct stream_box *box) {
  if (is_over(box)) filo_event_set(&box->over);
}

static void stop_reading(struct stream_box *box, int code, const char *why) {
  box->in = NULL;
  if (!box->ended) filo_fail(&box->unreadable, code, "%s: %s", box->name, why);
  box->ended = true;
  filo_event_set(&box->readable);
  tell_if_over(box);
}

static void stop_writing(struct stream_box *box, int code, const char *why) {
  box->out = NULL;
  box->left = box->under_way = 0;
  if (!box->finished && box->unwritable.code == 0)
    filo_fail(&box->unwritable, code, "%s: %s", box->name, why);
  filo_event_set(&box->writable);
  tell_if_over(box);
}

/* Gives up what has not ended. */
static void cut(struct stream_box *box, int code, const char *why) {
  struct filo_outflow *out = box->out;
  struct filo_inflow *in = box->in;
  stop_writing(box, code, why);
  stop_reading(box, code, why);
  if (out) filo_outflow_abort(out, code);
  if (in) filo_inflow_abort(in, code);
}

/* What the code of the other side is here: its cancellation is none of ours, and a connection that
 * another one took over from is closed. */
static int code_here(int code) {
  return code == FILO_CANCELLED || code == FILO_EXISTS ? FILO_CLOSED : code;
}

static void on_out_reset(void *ctx, int code, const char *why) {
  stop_writing(ctx, code_here(code), why);
}

static void on_in_reset(void *ctx, int code, const char *why) {
  struct stream_box *box = ctx;
  box->in = NULL;
  cut(box, code_here(code), why);
}

static void on_end(void *ctx) {
  struct stream_box *box = ctx;
  box->in = NULL;
  box->ended = true;
  filo_event_set(&box->readable);
  tell_if_over(box);
}

static void release(void *self) {
  struct stream_box *box = self;
  cut(box, FILO_CLOSED, "the stream was closed here");
  if (box->input) evbuffer_free(box->input);
}

static const struct filo_handle_type type = {
    .name = "filo.stream",
    .closed = "the stream is closed",
    .size = sizeof(struct stream_box),
    .values = 1,
    .release = release,
};

static struct stream_box *get_box(lua_State *L) {
  return filo_handle_box(L, 1, &type);
}

static struct stream_box *check_stream(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

/* nil and an error that names the peer. */
static int fail(lua_State *L, const struct stream_box *box, const struct filo_error *err) {
  int results = filo_return_error(L, err);
  lua_pushstring(L, box->peer);
  lua_setfield(L, -2, "peer");
  return results;
}

/* --- Bytes that come --- */

static unsigned char *space(void *ctx, size_t *room) {
  struct stream_box *box = ctx;
  size_t want = box->credit < SPACE ? box->credit : SPACE;
  if (evbuffer_reserve_space(box->input, (ev_ssize_t)want, &box->space, 1) < 1) {
    box->space.iov_base = NULL;
    *room = sizeof box->scrap;
    return box->scrap;
  }
  *room = box->space.iov_len;
  return box->space.iov_base;
}

static void filled(void *ctx, size_t len) {
  struct stream_box *box = ctx;
  box->credit -= len;
  box->space.iov_len = len;
  if (!box->space.iov_base || evbuffer_commit_space(box->input, &box->space, 1) < 0)
    cut(box, FILO_NO_MEMORY, "no memory for what came");
  filo_event_set(&box->readable);
}

/* As much as is missing to so many bytes that lie here or may come. In steps, but to who has none. */
static void give_credit(struct stream_box *box, size_t have) {
  if (!box->in || have + box->credit >= FILO_READ_AHEAD) return;
  size_t more = FILO_READ_AHEAD - have - box->credit;
  if (more < CREDIT_STEP && box->credit > 0) return;
  box->credit += more;
  filo_inflow_credit(box->in, (uint32_t)more);
}

/* --- read(n | "l" | "a" [, seconds]) --- */

static int came(lua_State *L, int status, lua_KContext all);

static int read_or_wait(lua_State *L, struct stream_box *box, bool all) {
  struct filo_error err;
  int given = filo_input_give(L, box->input, box->ended && box->unreadable.code == 0);
  size_t have = evbuffer_get_length(box->input);
  give_credit(box, all ? 0 : have);
  if (given) return given;
  if (box->ended && box->unreadable.code < 0) return fail(L, box, &box->unreadable);
  if (box->ended) {
    lua_pushnil(L);
    return 1;
  }
  double left = filo_input_left(L);
  if (left <= 0) {
    filo_fail(&err, FILO_TIMEOUT, "%s: nothing came in time", box->name);
    return fail(L, box, &err);
  }
  box->readable.set = false;
  return filo_event_wait(L, &box->readable, left, (lua_KContext)all, came);
}

static int closed_meanwhile(lua_State *L, const struct stream_box *box) {
  struct filo_error err;
  filo_fail(&err, FILO_CLOSED, "%s: the stream was closed meanwhile", box->name);
  return fail(L, box, &err);
}

static int came(lua_State *L, int status, lua_KContext all) {
  (void)status;
  struct stream_box *box = get_box(L);
  if (filo_event_why(L, &box->readable) == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  return box->input ? read_or_wait(L, box, all) : closed_meanwhile(L, box);
}

static int stream_read(lua_State *L) {
  struct stream_box *box = check_stream(L);
  bool all = filo_input_check(L);
  if (box->readable.waiter) return luaL_error(L, "another task reads from this stream already");
  return read_or_wait(L, box, all);
}

/* --- write(bytes): waits until frames have taken all of it --- */

static void pump(struct stream_box *box) {
  if (box->left == 0 || box->under_way > 0) return;
  uint64_t credit = filo_outflow_credit(box->out);
  size_t len = box->left < FILO_STREAM_FRAME_MAX ? box->left : FILO_STREAM_FRAME_MAX;
  if (len > credit) len = (size_t)credit;
  if (len == 0) return;
  box->under_way = len;
  filo_outflow_write(box->out, box->bytes, len);
}

static void on_credit(void *ctx) {
  pump(ctx);
}

static void on_written(void *ctx) {
  struct stream_box *box = ctx;
  box->bytes += box->under_way;
  box->left -= box->under_way;
  box->under_way = 0;
  if (box->left > 0)
    pump(box);
  else
    filo_event_set(&box->writable);
}

static int went(lua_State *L, int status, lua_KContext ctx);

static int written_or_wait(lua_State *L, struct stream_box *box) {
  if (box->left > 0) {
    box->writable.set = false;
    return filo_event_wait(L, &box->writable, FILO_NO_DEADLINE, 0, went);
  }
  lua_pushnil(L);
  lua_setiuservalue(L, 1, STRING);
  if (box->unwritable.code < 0) return fail(L, box, &box->unwritable);
  lua_pushboolean(L, 1);
  return 1;
}

/* Nobody knows how much of a write that was cancelled has gone: what follows would have no meaning. */
static int went(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct stream_box *box = get_box(L);
  if (filo_event_why(L, &box->writable) == FILO_TASK_CANCELLED) {
    if (box->left > 0) cut(box, FILO_CLOSED, "a write was cancelled");
    return filo_task_raise_cancelled(L);
  }
  return written_or_wait(L, box);
}

static struct stream_box *check_writing(lua_State *L) {
  struct stream_box *box = check_stream(L);
  if (box->left > 0 || box->writable.waiter)
    luaL_error(L, "another task writes to this stream already");
  return box;
}

static int stream_write(lua_State *L) {
  size_t len;
  struct stream_box *box = check_writing(L);
  const char *bytes = luaL_checklstring(L, 2, &len);
  if (box->finished) return luaL_error(L, "the stream was finished: no more can be written to it");
  filo_task_check(L);
  if (box->out && len > 0) {
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, STRING);
    box->bytes = (const unsigned char *)bytes;
    box->left = len;
    pump(box);
  }
  return written_or_wait(L, box);
}

/* finish(): this side's end follows what was written */
static int stream_finish(lua_State *L) {
  struct stream_box *box = check_writing(L);
  if (box->unwritable.code < 0) return fail(L, box, &box->unwritable);
  if (box->out) filo_outflow_end(box->out);
  box->out = NULL;
  box->finished = true;
  tell_if_over(box);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- wait_cut([seconds]): the error, once it is cut; nil when that cannot be, or the time is over --- */

static int cut_or_over(lua_State *L, int status, lua_KContext ctx);

static int cut_or_wait(lua_State *L, struct stream_box *box) {
  const struct filo_error *why = box->unreadable.code < 0 ? &box->unreadable : &box->unwritable;
  if (is_over(box)) return why->code < 0 && fail(L, box, why) > 0; /* the error alone */
  double left = filo_input_left(L);
  if (left <= 0) return 0;
  box->over.set = false;
  return filo_event_wait(L, &box->over, left, 0, cut_or_over);
}

static int cut_or_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct stream_box *box = get_box(L);
  if (filo_event_why(L, &box->over) == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  if (!box->input) return closed_meanwhile(L, box) > 0;
  return cut_or_wait(L, box);
}

static int stream_wait_cut(lua_State *L) {
  struct stream_box *box = check_stream(L);
  if (box->over.waiter)
    return luaL_error(L, "another task waits for the end of this stream already");
  lua_settop(L, 2);
  lua_pushnil(L);
  lua_insert(L, 2); /* the seconds are the third argument, as of `read` */
  filo_input_set_deadline(L);
  return cut_or_wait(L, box);
}

/* --- Made by a connection --- */

static const struct filo_outflow_handler out_handler = {on_credit, on_written, on_out_reset};
static const struct filo_inflow_handler in_handler = {space, filled, on_end, on_in_reset};

/* open_stream(peer): a stream that the other side, a node with this ID, has to attach; and its number */
int filo_connection_open_stream(lua_State *L) {
  struct filo_error err;
  struct filo_connection *connection = filo_check_connection(L, 1);
  const char *peer = luaL_checkstring(L, 2);
  struct stream_box *box = filo_handle_push(L, &type);
  snprintf(box->peer, sizeof box->peer, "%s", peer);
  snprintf(box->name, sizeof box->name, "node %.16s", peer);
  box->input = evbuffer_new();
  if (!box->input) return luaL_error(L, "no memory for a stream");
  if (filo_outflow_open(connection, &out_handler, box, &box->out, &err) < 0)
    return filo_return_error(L, &err);
  lua_pushinteger(L, filo_outflow_number(box->out));
  return 2;
}

/* attach_stream(stream, number): what the other side opened under this number is read from it. When
 * the other side has given it up already: FILO_CLOSED, and the stream is cut, with its reason. */
int filo_connection_attach_stream(lua_State *L) {
  struct filo_error err;
  struct filo_connection *connection = filo_check_connection(L, 1);
  struct stream_box *box = filo_handle_check(L, 2, &type);
  lua_Integer number = luaL_checkinteger(L, 3);
  luaL_argcheck(L, number >= 0 && number <= UINT32_MAX, 3, "a stream's number");
  luaL_argcheck(L, !box->in, 2, "the stream is attached already");
  if (box->ended) return fail(L, box, &box->unreadable);
  int code = filo_inflow_open(connection, (uint32_t)number, &in_handler, box, &box->in, &err);
  if (code == FILO_CLOSED)
    cut(box, box->unwritable.code < 0 ? box->unwritable.code : code, "it was given up at once");
  if (code < 0) return filo_return_error(L, &err);
  give_credit(box, 0);
  lua_pushboolean(L, 1);
  return 1;
}

/* cut_stream(stream, code, why): gives up what has not ended; the other side is told the code. The
 * connection may be closed. */
int filo_connection_cut_stream(lua_State *L) {
  struct stream_box *box = filo_handle_box(L, 2, &type);
  int code = filo_code_from_name(luaL_checkstring(L, 3));
  cut(box, code < 0 ? code : FILO_IO, luaL_checkstring(L, 4));
  return 0;
}

static const luaL_Reg methods[] = {{"read", stream_read},        {"write", stream_write},
                                   {"finish", stream_finish},    {"wait_cut", stream_wait_cut},
                                   {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_stream(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
