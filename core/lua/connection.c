/* Connections to peers: messages as Lua values. */
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/cbor.h"
#include "lua/handle.h"
#include "lua/net.h"
#include "lua/resources.h"
#include "lua/tls.h"
#include "runtime/task.h"

/* Bytes of messages that may lie unread, with what keeping each costs, before a peer is dropped as
 * a flood; before it was let in. */
enum { INBOX_MAX = 8 << 20, STRANGER_INBOX_MAX = 64 << 10 };

struct message {
  struct message *next;
  size_t len;
  unsigned char bytes[];
};

/* Outlives its userdata until the connection has said `closed`. */
struct peer {
  struct filo_connection *connection;
  struct filo_event ready, inbox, drained;
  struct message *first, **last;
  size_t inbox_bytes;
  bool is_ready, is_closed, is_admitted, dropped;
  struct filo_error why;
};

static void drop_inbox(struct peer *peer) {
  while (peer->first) {
    struct message *message = peer->first;
    peer->first = message->next;
    free(message);
  }
  peer->last = &peer->first;
  peer->inbox_bytes = 0;
}

static void free_peer(struct peer *peer) {
  drop_inbox(peer);
  filo_connection_unref(peer->connection);
  free(peer);
}

/* --- Handlers --- */

static void on_ready(void *ctx) {
  struct peer *peer = ctx;
  peer->is_ready = true;
  filo_event_set(&peer->ready);
}

static size_t cost(size_t len) {
  return sizeof(struct message) + len;
}

static void on_message(void *ctx, const unsigned char *bytes, size_t len) {
  struct peer *peer = ctx;
  size_t most = peer->is_admitted ? INBOX_MAX : STRANGER_INBOX_MAX;
  if (peer->dropped) return;
  struct message *message = malloc(cost(len));
  if (!message || peer->inbox_bytes + cost(len) > most) {
    free(message);
    filo_connection_close(peer->connection, FILO_BUSY, "messages came faster than they were read");
    return;
  }
  message->next = NULL;
  message->len = len;
  memcpy(message->bytes, bytes, len);
  *peer->last = message;
  peer->last = &message->next;
  peer->inbox_bytes += cost(len);
  filo_event_set(&peer->inbox);
}

static void on_drained(void *ctx) {
  struct peer *peer = ctx;
  filo_event_set(&peer->drained);
}

static void on_closed(void *ctx, const struct filo_error *why) {
  struct peer *peer = ctx;
  peer->is_closed = true;
  peer->why = *why;
  if (peer->dropped) {
    free_peer(peer);
    return;
  }
  filo_event_set(&peer->ready);
  filo_event_set(&peer->inbox);
  filo_event_set(&peer->drained);
}

static const struct filo_connection_handler handler = {on_ready, on_message, on_drained, on_closed};

/* --- The handle: its box is a pointer to the peer --- */

static void release(void *box) {
  struct peer *peer = *(struct peer **)box;
  if (!peer) return;
  peer->dropped = true;
  filo_event_set(&peer->ready); /* whoever waits finds it closed, without looking at the peer */
  filo_event_set(&peer->inbox);
  filo_event_set(&peer->drained);
  if (peer->is_closed || !peer->connection)
    free_peer(peer);
  else
    filo_connection_close(peer->connection, FILO_CLOSED, "closed here");
}

static const struct filo_handle_type type = {
    .name = "filo.connection",
    .closed = "the connection is closed",
    .size = sizeof(struct peer *),
    .release = release,
};

static struct peer *check_peer(lua_State *L, int index) {
  return *(struct peer **)filo_handle_check(L, index, &type);
}

struct filo_connection *filo_check_connection(lua_State *L, int index) {
  return check_peer(L, index)->connection;
}

static struct peer *push_peer(lua_State *L) {
  struct peer **box = filo_handle_push(L, &type);
  *box = calloc(1, sizeof **box);
  if (!*box) luaL_error(L, "no memory for a connection");
  (*box)->last = &(*box)->first;
  return *box;
}

static double number_option(lua_State *L, int table, const char *name, double otherwise) {
  double value = otherwise;
  if (lua_getfield(L, table, name) != LUA_TNIL) value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

void filo_read_options(lua_State *L, int table, struct filo_connection_options *options) {
  memset(options, 0, sizeof *options);
  options->base = filo_resources_of(L)->base;
  if (lua_getfield(L, table, "tls") != LUA_TNIL) options->tls = filo_check_tls(L, -1);
  lua_pop(L, 1);
  if (lua_getfield(L, table, "rates") != LUA_TNIL) options->rates = filo_check_rates(L, -1);
  lua_pop(L, 1);
  lua_getfield(L, table, "id");
  size_t len;
  options->id = (const unsigned char *)lua_tolstring(L, -1, &len);
  if (!options->id || len != FILO_ID_SIZE) luaL_error(L, "option id: 32 bytes expected");
  lua_pop(L, 1); /* the table keeps it alive */
  lua_getfield(L, table, "bulk");
  options->bulk = lua_toboolean(L, -1);
  lua_pop(L, 1);
  options->dial_timeout = number_option(L, table, "dial_timeout", 10);
  options->handshake_timeout = number_option(L, table, "handshake_timeout", 10);
  options->silence_timeout = number_option(L, table, "silence_timeout", 0);
  options->keepalive = number_option(L, table, "keepalive", 0);
  options->message_max = (uint32_t)number_option(L, table, "message_max", 4096);
}

int filo_push_accepted(lua_State *L, int fd, const struct filo_connection_options *options) {
  struct filo_error err;
  struct peer *peer = push_peer(L);
  if (filo_connection_accept(options, fd, &handler, peer, &peer->connection, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

/* --- Waiting --- */

static int return_why(lua_State *L, const struct peer *peer) {
  return filo_return_error(L, &peer->why);
}

/* In a continuation: the peer, or NULL when the script has dropped it meanwhile. */
static struct peer *waited_for(lua_State *L) {
  return *(struct peer **)filo_handle_box(L, 1, &type);
}

static int return_dropped(lua_State *L) {
  struct filo_error err;
  if (filo_task_why(L) == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  filo_fail(&err, FILO_CLOSED, "the connection was closed meanwhile");
  return filo_return_error(L, &err);
}

static int ready_or_wait(lua_State *L, int status, lua_KContext ctx);

static int wait_ready(lua_State *L, struct peer *peer) {
  if (peer->is_closed) return return_why(L, peer);
  if (!peer->is_ready) return filo_event_wait(L, &peer->ready, FILO_NO_DEADLINE, 0, ready_or_wait);
  lua_settop(L, 1);
  return 1;
}

static int ready_or_wait(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct peer *peer = waited_for(L);
  if (!peer) return return_dropped(L);
  if (filo_event_why(L, &peer->ready) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  return wait_ready(L, peer);
}

/* ready(): the connection, once its handshake is done */
static int connection_ready(lua_State *L) {
  return wait_ready(L, check_peer(L, 1));
}

static int go_on_dialling(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct peer *peer = waited_for(L);
  if (filo_event_why(L, &peer->ready) != FILO_WOKEN) {
    filo_handle_release(L, 1, &type);
    return filo_task_raise_cancelled(L);
  }
  return wait_ready(L, peer);
}

int filo_net_dial(lua_State *L) {
  struct filo_error err;
  struct filo_address to;
  struct filo_connection_options options;
  luaL_checktype(L, 2, LUA_TTABLE);
  filo_task_check(L);
  if (filo_read_address(L, 1, &to, &err) < 0) return filo_return_error(L, &err);
  struct peer *peer = push_peer(L);
  lua_replace(L, 1);
  filo_read_options(L, 2, &options);
  options.resolver = filo_resources_of(L)->resolver;
  if (filo_connection_dial(&options, &to, &handler, peer, &peer->connection, &err) < 0)
    return filo_return_error(L, &err);
  return filo_event_wait(L, &peer->ready, FILO_NO_DEADLINE, 0, go_on_dialling);
}

static int receive_or_wait(lua_State *L, int status, lua_KContext ctx);

/* What was not read yet is read no more: receive() waits for the end, as whoever counts descriptors
 * relies on. */
static void end(struct peer *peer, void (*how)(struct filo_connection *, int, const char *),
                int code, const char *reason) {
  how(peer->connection, code, reason);
  drop_inbox(peer);
}

/* A message that is no CBOR map closes the connection: the peer broke the protocol. */
static int give_message(lua_State *L, struct peer *peer) {
  struct filo_error err;
  struct message *message = peer->first;
  peer->first = message->next;
  if (!peer->first) peer->last = &peer->first;
  peer->inbox_bytes -= cost(message->len);
  size_t len = message->len;
  int code = filo_cbor_decode(L, message->bytes, len, &err);
  free(message);
  if (code == 0 && lua_istable(L, -1)) {
    lua_pushinteger(L, (lua_Integer)len);
    return 2;
  }
  if (code == 0) filo_fail(&err, FILO_PROTOCOL, "a message is a %s, no map", luaL_typename(L, -1));
  err.code = FILO_PROTOCOL;
  end(peer, filo_connection_close, FILO_PROTOCOL, "a message is no CBOR map");
  return filo_return_error(L, &err);
}

static int next_message(lua_State *L, struct peer *peer) {
  peer->inbox.set = false;
  if (peer->first) return give_message(L, peer);
  if (peer->is_closed) return return_why(L, peer);
  return filo_event_wait(L, &peer->inbox, filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE), 0,
                         receive_or_wait);
}

static int receive_or_wait(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct peer *peer = waited_for(L);
  if (!peer) return return_dropped(L);
  int late = filo_event_overdue(L, &peer->inbox, "no message came in time");
  return late ? late : next_message(L, peer);
}

/* receive([seconds]): the next message, and of how many bytes it was */
static int connection_receive(lua_State *L) {
  return next_message(L, check_peer(L, 1));
}

static int drained_or_wait(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct peer *peer = waited_for(L);
  if (!peer) return return_dropped(L);
  int late = filo_event_overdue(L, &peer->drained, "there was no room in time");
  if (late) return late;
  if (peer->is_closed) return return_why(L, peer);
  lua_pushboolean(L, 1);
  return 1;
}

/* send(table): true, or nil and an error: busy when too much waits to be sent */
static int connection_send(lua_State *L) {
  struct peer *peer = check_peer(L, 1);
  struct filo_error err;
  size_t len;
  luaL_checktype(L, 2, LUA_TTABLE);
  if (peer->is_closed) return return_why(L, peer);
  if (filo_connection_room(peer->connection, &err) < 0) return filo_return_error(L, &err);
  filo_cbor_encode(L, 2);
  const char *bytes = lua_tolstring(L, -1, &len);
  if (filo_connection_send(peer->connection, (const unsigned char *)bytes, len, &err) < 0)
    return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  lua_pushinteger(L, (lua_Integer)filo_connection_queued(peer->connection));
  return 2;
}

/* drained([seconds]): after `busy`, when there is room again */
static int connection_drained(lua_State *L) {
  struct peer *peer = check_peer(L, 1);
  if (peer->is_closed) return return_why(L, peer);
  peer->drained.set = false;
  return filo_event_wait(L, &peer->drained, filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE), 0,
                         drained_or_wait);
}

/* --- Facts --- */

static int connection_admit(lua_State *L) {
  struct peer *peer = check_peer(L, 1);
  if (peer->is_closed) return 0;
  peer->is_admitted = true;
  filo_connection_admit(peer->connection);
  return 0;
}

/* close([code [, reason]]) */
static int end_with(lua_State *L, void (*how)(struct filo_connection *, int, const char *)) {
  struct peer *peer = waited_for(L);
  if (!peer || peer->is_closed) return 0;
  int code = filo_code_from_name(luaL_optstring(L, 2, "closed"));
  luaL_argcheck(L, code < 0, 2, "an error code such as \"denied\"");
  end(peer, how, code, luaL_optstring(L, 3, "closed here"));
  return 0;
}

static int connection_close(lua_State *L) {
  return end_with(L, filo_connection_close);
}

static int connection_abort(lua_State *L) {
  return end_with(L, filo_connection_abort);
}

/* peer(): the raw node ID, and whether it is proven */
static int connection_peer(lua_State *L) {
  bool proven;
  const unsigned char *id = filo_connection_peer(check_peer(L, 1)->connection, &proven);
  lua_pushlstring(L, (const char *)id, FILO_ID_SIZE);
  lua_pushboolean(L, proven);
  return 2;
}

static int connection_binding(lua_State *L) {
  const unsigned char *binding = filo_connection_binding(check_peer(L, 1)->connection);
  lua_pushlstring(L, (const char *)binding, 32);
  return 1;
}

static int connection_is_dialler(lua_State *L) {
  lua_pushboolean(L, filo_connection_is_dialler(check_peer(L, 1)->connection));
  return 1;
}

static int connection_is_bulk(lua_State *L) {
  lua_pushboolean(L, filo_connection_is_bulk(check_peer(L, 1)->connection));
  return 1;
}

static int connection_remote(lua_State *L) {
  lua_pushstring(L, filo_connection_remote(check_peer(L, 1)->connection));
  return 1;
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static int connection_stats(lua_State *L) {
  struct filo_connection_stats stats;
  filo_connection_stats(check_peer(L, 1)->connection, &stats);
  lua_createtable(L, 0, 9);
  set_integer(L, "bytes_in", stats.bytes_in);
  set_integer(L, "bytes_out", stats.bytes_out);
  set_integer(L, "messages_in", stats.messages_in);
  set_integer(L, "messages_out", stats.messages_out);
  set_integer(L, "queued", stats.queued);
  set_integer(L, "acknowledged", stats.acknowledged);
  lua_pushboolean(L, stats.under_way);
  lua_setfield(L, -2, "under_way");
  lua_pushnumber(L, stats.idle);
  lua_setfield(L, -2, "idle");
  if (stats.rtt < 0) return 1;
  lua_pushnumber(L, stats.rtt);
  lua_setfield(L, -2, "rtt");
  return 1;
}

/* bytes_in() and rtt(): as stats() gives them, without asking the system */
static int connection_bytes_in(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)filo_connection_bytes_in(check_peer(L, 1)->connection));
  return 1;
}

static int connection_rtt(lua_State *L) {
  double rtt = filo_connection_rtt(check_peer(L, 1)->connection);
  if (rtt < 0) return 0;
  lua_pushnumber(L, rtt);
  return 1;
}

static const luaL_Reg methods[] = {{"ready", connection_ready},
                                   {"receive", connection_receive},
                                   {"send", connection_send},
                                   {"drained", connection_drained},
                                   {"admit", connection_admit},
                                   {"close", connection_close},
                                   {"abort", connection_abort},
                                   {"peer", connection_peer},
                                   {"binding", connection_binding},
                                   {"is_dialler", connection_is_dialler},
                                   {"is_bulk", connection_is_bulk},
                                   {"remote", connection_remote},
                                   {"stats", connection_stats},
                                   {"bytes_in", connection_bytes_in},
                                   {"rtt", connection_rtt},
                                   {"send_object", filo_connection_send_object},
                                   {"receive_object", filo_connection_receive_object},
                                   {"open_stream", filo_connection_open_stream},
                                   {"attach_stream", filo_connection_attach_stream},
                                   {"cut_stream", filo_connection_cut_stream},
                                   {NULL, NULL}};

void filo_register_connection(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
