/* Raw byte connections, for scripts that speak some other protocol. A bufferevent writes; reading
 * is done here, up to 256 KiB ahead, since a bufferevent takes 4 KiB at a time. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/descriptor.h"
#include "lua/input.h"
#include "lua/net.h"
#include "lua/raw.h"

enum { READ_STEP = 64 << 10, WRITE_BEHIND = 256 << 10, PARTING_SECONDS = 2 };

static bool is_full(const struct filo_raw_box *box) {
  return !box->all && evbuffer_get_length(box->input) >= FILO_READ_AHEAD;
}

/* No more bytes come; `sys_errno` is 0 when that is in order. */
static void end(struct filo_raw_box *box, int sys_errno) {
  if (box->ended) return;
  box->ended = true;
  event_del(&box->arriving);
  bool is_pipe = box->way != FILO_RAW_SOCKET;
  if (sys_errno == 0)
    filo_fail(&box->why, FILO_CLOSED, is_pipe ? "%s has ended" : "%s closed the connection",
              box->remote);
  else if (filo_fail_errno(&box->why, sys_errno,
                           is_pipe ? "%s is read no more" : "the connection to %s was lost",
                           box->remote) == FILO_IO)
    box->why.code = FILO_UNREACHABLE;
}

static void break_off(struct filo_raw_box *box, int sys_errno) {
  end(box, sys_errno);
  box->broken = true;
  filo_event_set(&box->writable);
}

static ssize_t read_step(struct filo_raw_box *box, evutil_socket_t fd) {
  struct evbuffer_iovec space;
  if (evbuffer_reserve_space(box->input, READ_STEP, &space, 1) < 1) {
    errno = ENOMEM;
    return -1;
  }
  ssize_t len = box->way == FILO_RAW_READ
                    ? read(fd, space.iov_base, space.iov_len)
                    : filo_local_receive(fd, space.iov_base, space.iov_len, &box->passed);
  space.iov_len = len > 0 ? (size_t)len : 0;
  evbuffer_commit_space(box->input, &space, 1);
  return len;
}

static void on_came(evutil_socket_t fd, short what, void *ctx) {
  (void)what;
  struct filo_raw_box *box = ctx;
  ssize_t len = read_step(box, fd);
  int sys_errno = errno;
  if (len < 0 && (sys_errno == EAGAIN || sys_errno == EINTR)) return;
  if (len == 0) end(box, 0);
  if (len < 0) break_off(box, sys_errno);
  if (is_full(box)) event_del(&box->arriving);
  filo_event_set(&box->readable);
}

static void on_went(struct bufferevent *bev, void *ctx) {
  (void)bev;
  filo_event_set(&((struct filo_raw_box *)ctx)->writable);
}

static void on_sendable(evutil_socket_t fd, short what, void *ctx) {
  (void)fd;
  (void)what;
  filo_event_set(&((struct filo_raw_box *)ctx)->writable);
}

/* What was written cannot go. */
static void on_event(struct bufferevent *bev, short what, void *ctx) {
  (void)bev;
  (void)what;
  struct filo_raw_box *box = ctx;
  break_off(box, EVUTIL_SOCKET_ERROR());
  filo_event_set(&box->readable);
}

/* --- Closing --- */

static void on_parted(struct bufferevent *bev, void *unused) {
  (void)unused;
  bufferevent_free(bev);
}

static void on_parting_event(struct bufferevent *bev, short what, void *unused) {
  (void)what;
  on_parted(bev, unused);
}

/* What was written still goes out, as long as the other side takes it: of a program, as long as it
 * may still read that. */
static void part(struct bufferevent *bev, enum filo_raw_way way) {
  const struct timeval patience = {.tv_sec = PARTING_SECONDS};
  bufferevent_setcb(bev, NULL, on_parted, on_parting_event, NULL);
  if (way == FILO_RAW_SOCKET) bufferevent_set_timeouts(bev, NULL, &patience);
}

static void release(void *self) {
  struct filo_raw_box *box = self;
  struct bufferevent *bev = box->bev;
  filo_dial_stop(box->dial);
  box->dial = NULL;
  if (bev) {
    event_del(&box->arriving);
    event_del(&box->sendable);
    evbuffer_free(box->input);
    filo_passed_close(&box->passed);
  }
  if (bev && !box->broken && evbuffer_get_length(bufferevent_get_output(bev)) > 0)
    part(bev, box->way);
  else if (bev)
    bufferevent_free(bev);
  filo_event_set(&box->readable);
  filo_event_set(&box->writable);
}

const struct filo_handle_type filo_raw_type = {
    .name = "filo.raw",
    .closed = "the connection is closed",
    .size = sizeof(struct filo_raw_box),
    .release = release,
};

static struct filo_raw_box *check_raw(lua_State *L) {
  return filo_handle_check(L, 1, &filo_raw_type);
}

/* --- Opening --- */

int filo_raw_start(struct filo_raw_box *box, struct event_base *base, int fd,
                   struct filo_error *err) {
  box->input = evbuffer_new();
  box->bev = box->input ? bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
  if (!box->bev) {
    if (box->input) evbuffer_free(box->input);
    close(fd);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
  }
  bufferevent_setcb(box->bev, NULL, on_went, on_event, box);
  bufferevent_set_max_single_write(box->bev, WRITE_BEHIND);
  bufferevent_enable(box->bev, EV_WRITE);
  event_assign(&box->arriving, base, fd, EV_READ | EV_PERSIST, on_came, box);
  event_assign(&box->sendable, base, fd, EV_WRITE, on_sendable, box);
  if (box->way != FILO_RAW_WRITE) event_add(&box->arriving, NULL);
  return 0;
}

/* --- Waiting --- */

/* Waits for an event; `again` then looks anew. */
typedef int again_fn(lua_State *L, struct filo_raw_box *box);

static int too_late(lua_State *L, const struct filo_raw_box *box) {
  struct filo_error err;
  filo_fail(&err, FILO_TIMEOUT, "no answer from %s in time", box->remote);
  return filo_return_error(L, &err);
}

static int woken(lua_State *L, struct filo_event *event, again_fn *again) {
  struct filo_raw_box *box = filo_handle_box(L, 1, &filo_raw_type);
  struct filo_error err;
  enum filo_why why = filo_event_why(L, event);
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  if (why == FILO_TIMED_OUT) return too_late(L, box);
  if (box->bev) return again(L, box);
  filo_fail(&err, FILO_CLOSED, "the connection was closed meanwhile");
  return filo_return_error(L, &err);
}

static int came(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct filo_raw_box *box = filo_handle_box(L, 1, &filo_raw_type);
  return woken(L, &box->readable, (again_fn *)ctx);
}

static int went(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct filo_raw_box *box = filo_handle_box(L, 1, &filo_raw_type);
  return woken(L, &box->writable, (again_fn *)ctx);
}

static int wait_writable(lua_State *L, struct filo_raw_box *box, again_fn *again) {
  box->writable.set = false;
  return filo_event_wait(L, &box->writable, FILO_NO_DEADLINE, (lua_KContext)again, went);
}

/* Until the time at index 3. */
static int wait_readable(lua_State *L, struct filo_raw_box *box, again_fn *again) {
  double left = filo_input_left(L);
  if (left <= 0) return too_late(L, box);
  box->readable.set = false;
  return filo_event_wait(L, &box->readable, left, (lua_KContext)again, came);
}

/* --- read(n | "l" | "a" [, seconds]) --- */

/* All that the other side wrote is here. */
static bool in_order(const struct filo_raw_box *box) {
  return box->ended && box->why.code == FILO_CLOSED;
}

static int read_or_wait(lua_State *L, struct filo_raw_box *box) {
  int given = filo_input_give(L, box->input, in_order(box));
  if (given) return given;
  if (box->ended) return filo_return_error(L, &box->why);
  return wait_readable(L, box, read_or_wait);
}

static struct filo_raw_box *check_reading(lua_State *L) {
  struct filo_raw_box *box = check_raw(L);
  if (box->way == FILO_RAW_WRITE) luaL_error(L, "%s cannot be read: write to it", box->remote);
  if (box->readable.waiter) luaL_error(L, "another task reads from this connection already");
  return box;
}

static int raw_read(lua_State *L) {
  struct filo_raw_box *box = check_reading(L);
  box->all = filo_input_check(L);
  if (!box->ended && !is_full(box)) event_add(&box->arriving, NULL);
  return read_or_wait(L, box);
}

/* --- write(bytes): waits while much lies unsent --- */

static int written(lua_State *L, struct filo_raw_box *box) {
  if (box->broken) return filo_return_error(L, &box->why);
  if (evbuffer_get_length(bufferevent_get_output(box->bev)) > WRITE_BEHIND)
    return wait_writable(L, box, written);
  lua_pushboolean(L, 1);
  return 1;
}

/* How many bytes went at once: of the first ones of a turn, when none wait. More that are written in
 * that turn are gathered. What fails is tried again, and told of, by the bufferevent. */
static size_t send_at_once(lua_State *L, struct filo_raw_box *box, const char *bytes, size_t len) {
  uint64_t turn = filo_loop_turns(filo_runtime_loop(filo_runtime_of(L)));
  if (box->sent_in == turn || evbuffer_get_length(bufferevent_get_output(box->bev)) > 0) return 0;
  box->sent_in = turn;
  evutil_socket_t fd = bufferevent_getfd(box->bev);
  if (len > WRITE_BEHIND) len = WRITE_BEHIND;
  ssize_t sent = write(fd, bytes, len);
  return sent > 0 ? (size_t)sent : 0;
}

static int raw_write(lua_State *L) {
  size_t len;
  struct filo_raw_box *box = check_raw(L);
  const char *bytes = luaL_checklstring(L, 2, &len);
  filo_task_check(L);
  if (box->way == FILO_RAW_READ) return luaL_error(L, "%s cannot be written: read it", box->remote);
  if (box->writable.waiter) return luaL_error(L, "another task writes to this connection already");
  if (box->broken) return filo_return_error(L, &box->why);
  size_t sent = send_at_once(L, box, bytes, len);
  if (sent < len && bufferevent_write(box->bev, bytes + sent, len - sent) < 0)
    return luaL_error(L, "no memory");
  return written(L, box);
}

static int flushed(lua_State *L, struct filo_raw_box *box) {
  if (box->broken) return filo_return_error(L, &box->why);
  if (evbuffer_get_length(bufferevent_get_output(box->bev)) > 0)
    return wait_writable(L, box, flushed);
  lua_pushboolean(L, 1);
  return 1;
}

/* flush(): when all is with the kernel */
static int raw_flush(lua_State *L) {
  return flushed(L, check_raw(L));
}

/* --- pass(file), take([seconds]): open files, over Unix sockets --- */

/* What is to be passed. */
static int check_passable(lua_State *L) {
  int fd = filo_test_descriptor(L, 2);
  if (fd >= 0) return fd;
  const luaL_Stream *file = luaL_checkudata(L, 2, LUA_FILEHANDLE);
  luaL_argcheck(L, file->closef, 2, "an open file expected");
  return fileno(file->f);
}

static int passed(lua_State *L, struct filo_raw_box *box) {
  if (box->broken) return filo_return_error(L, &box->why);
  if (evbuffer_get_length(bufferevent_get_output(box->bev)) > 0)
    return wait_writable(L, box, passed);
  struct filo_error err;
  int sys_errno = filo_local_pass(bufferevent_getfd(box->bev), check_passable(L));
  if (sys_errno == EAGAIN) {
    event_add(&box->sendable, NULL);
    return wait_writable(L, box, passed);
  }
  if (sys_errno) {
    filo_fail_errno(&err, sys_errno, "cannot pass a file to %s", box->remote);
    return filo_return_error(L, &err);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int raw_pass(lua_State *L) {
  struct filo_raw_box *box = check_raw(L);
  check_passable(L);
  filo_task_check(L);
  if (box->writable.waiter) return luaL_error(L, "another task writes to this connection already");
  return passed(L, box);
}

static int take_or_wait(lua_State *L, struct filo_raw_box *box) {
  struct filo_error err;
  if (evbuffer_get_length(box->input) > 0) {
    int fd = filo_passed_take(&box->passed);
    if (fd < 0 && box->passed.lost)
      filo_fail_errno(&err, EMFILE, "cannot take the file that was passed");
    else if (fd < 0)
      filo_fail(&err, FILO_PROTOCOL, "%s passed no file", box->remote);
    if (fd < 0) return filo_return_error(L, &err);
    evbuffer_drain(box->input, 1);
    filo_push_descriptor(L, fd);
    return 1;
  }
  if (box->ended) return filo_return_error(L, &box->why);
  return wait_readable(L, box, take_or_wait);
}

static int raw_take(lua_State *L) {
  struct filo_raw_box *box = check_reading(L);
  lua_settop(L, 2);
  lua_pushnil(L);
  lua_insert(L, 2); /* the seconds are where read has them */
  filo_input_set_deadline(L);
  if (!box->ended && !is_full(box)) event_add(&box->arriving, NULL);
  return take_or_wait(L, box);
}

static int raw_remote(lua_State *L) {
  lua_pushstring(L, check_raw(L)->remote);
  return 1;
}

static const luaL_Reg methods[] = {
    {"read", raw_read}, {"write", raw_write},   {"flush", raw_flush},         {"pass", raw_pass},
    {"take", raw_take}, {"remote", raw_remote}, {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_raw(lua_State *L) {
  filo_handle_register(L, &filo_raw_type, methods);
}
