/* A framed connection to a peer: messages, and streams with credit, in fair turns, over one link.
 *
 * Loop thread only (asserted). Output: messages go first, then every stream with bytes to send gets
 * one frame a turn. What is sent during a turn of the loop leaves in as few writes as can be.
 * Everything queued is bounded.
 *
 * Streams are one-way. The side that sends opens a stream, which gives its number (1, 3, 5 ... on
 * the side that dialled, 2, 4, 6 ... on the side that accepted), and names it in a message; the
 * side that receives attaches a sink to it and gives credit. No byte may be sent beyond the credit
 * given, so a stream that nobody attached costs nothing, and bytes without credit are a breach of
 * protocol. Frames for a number that is closed already are dropped silently; a number that was
 * never opened is a breach.
 *
 * A breach is told to the peer once (a reset frame for stream 0 with the code), then the connection
 * closes as FILO_PROTOCOL. In the same way the peer is told the code of filo_connection_close,
 * unless that is FILO_CLOSED; it closes with the same code.
 *
 * Life: reference counted. `closed` is called exactly once, last, never from within a call into the
 * connection (it is put off to the next turn); after it no handler of this connection or of its
 * streams is called again. Streams still open get `reset` before it. Any function may be called
 * from within any handler.
 */
#ifndef FILO_TRANSPORT_CONNECTION_H
#define FILO_TRANSPORT_CONNECTION_H

#include <event2/event.h>

#include "transport/address.h"
#include "transport/frame.h"
#include "transport/link.h"
#include "transport/rate.h"

struct filo_connection;

struct filo_connection_handler {
  void (*ready)(void *ctx); /* the handshake is done: peer and binding are known */
  /* The bytes hold during the call. */
  void (*message)(void *ctx, const unsigned char *bytes, size_t len);
  void (*drained)(void *ctx); /* the message queue, once refused as full, has room again */
  void (*closed)(void *ctx, const struct filo_error *why);
};

struct filo_connection_options {
  struct event_base *base;
  struct filo_resolver *resolver; /* dialling host names */
  struct filo_tls *tls;           /* NULL: plain TCP */
  struct filo_rates *rates;       /* what streams keep to; NULL: nothing */
  const unsigned char *id;        /* our node ID, for plain TCP; of a bulk line its ticket */
  bool bulk;                      /* dialled: a bulk line; accepted: may be one (link.h) */
  double dial_timeout;            /* seconds: name look-up and TCP connect */
  double handshake_timeout;       /* seconds: until `ready` */
  double silence_timeout;         /* seconds without a byte from the peer: FILO_TIMEOUT; 0: none */
  double keepalive;     /* the same before a peer that was let in is asked for one; 0: never */
  uint32_t message_max; /* before filo_connection_admit */
};

/* Dials every address of the host in turn until one answers. Fails at once only for what can never
 * work. */
int filo_connection_dial(const struct filo_connection_options *options,
                         const struct filo_address *to,
                         const struct filo_connection_handler *handler, void *ctx,
                         struct filo_connection **ret, struct filo_error *err);

/* Takes an accepted, non-blocking fd, also on failure. */
int filo_connection_accept(const struct filo_connection_options *options, int fd,
                           const struct filo_connection_handler *handler, void *ctx,
                           struct filo_connection **ret, struct filo_error *err);

/* The owner lets go. NULL is allowed. */
void filo_connection_unref(struct filo_connection *connection);

/* Lets the peer in: messages up to FILO_MESSAGE_MAX, streams allowed, and with keepalive a first
 * ping. Before, a stream, credit or reset frame is a breach and a message may have message_max
 * bytes. */
void filo_connection_admit(struct filo_connection *connection);

/* Queues a copy, before `ready` too. FILO_BUSY when over 4 MiB wait already (`drained` tells when
 * to try again), FILO_CLOSED, FILO_TOO_LARGE. */
int filo_connection_send(struct filo_connection *connection, const unsigned char *bytes, size_t len,
                         struct filo_error *err);
/* What filo_connection_send would say of a short message: FILO_BUSY, FILO_CLOSED. */
int filo_connection_room(struct filo_connection *connection, struct filo_error *err);

/* Sends the messages that are queued, waits for the peer's end (for at most 2 s in all), then
 * closes; `closed` gets code and message. With FILO_BUSY or FILO_TIMEOUT, and over 1 MiB in the
 * queue, at once. Idempotent. */
void filo_connection_close(struct filo_connection *connection, int code, const char *reason);

/* The same without a word to the peer, in this turn of the loop: where a descriptor is needed. */
void filo_connection_abort(struct filo_connection *connection, int code, const char *reason);

const unsigned char *filo_connection_peer(const struct filo_connection *connection, bool *proven);
const unsigned char *filo_connection_binding(const struct filo_connection *connection);
bool filo_connection_is_dialler(const struct filo_connection *connection);
/* From `ready` on. A bulk line takes messages until it is admitted, and none afterwards. */
bool filo_connection_is_bulk(const struct filo_connection *connection);
/* Numeric address of the far end; empty before the TCP connection stands. */
const char *filo_connection_remote(const struct filo_connection *connection);

struct filo_connection_stats {
  uint64_t bytes_in, bytes_out, messages_in, messages_out;
  size_t queued;         /* bytes of messages that wait to be sent */
  uint64_t acknowledged; /* bytes of TCP that the peer's system has acknowledged */
  bool under_way;        /* more are on their way to it */
  double idle;           /* seconds since the peer's last byte */
  double rtt;            /* seconds from the last ping to its pong; below 0: not known yet */
};
void filo_connection_stats(const struct filo_connection *connection,
                           struct filo_connection_stats *ret);
/* One of these alone, which needs not be asked of the system. */
size_t filo_connection_queued(const struct filo_connection *connection);
uint64_t filo_connection_bytes_in(const struct filo_connection *connection);
double filo_connection_rtt(const struct filo_connection *connection);

/* --- Sending a stream --- */
struct filo_outflow;
struct filo_outflow_handler {
  void (*credit)(void *ctx);  /* more credit: filo_outflow_credit tells how much there is in all */
  void (*written)(void *ctx); /* the bytes given to filo_outflow_write are no longer needed */
  /* The peer gave it up or the connection closes: last call. Bytes under way are no longer needed,
   * and the flow is gone on return. */
  void (*reset)(void *ctx, int code, const char *why);
};
/* FILO_BUSY when 64 are open on this connection. */
int filo_outflow_open(struct filo_connection *connection,
                      const struct filo_outflow_handler *handler, void *ctx,
                      struct filo_outflow **ret, struct filo_error *err);
uint32_t filo_outflow_number(const struct filo_outflow *flow);
uint64_t filo_outflow_credit(const struct filo_outflow *flow);

/* Bytes given to filo_outflow_write that no frame has taken yet. */
size_t filo_outflow_left(const struct filo_outflow *flow);
/* Sends bytes[0..len), 1 to FILO_STREAM_FRAME_MAX and at most the credit. They must stay as they
 * are until `written`, which is never called from within this. They are only read, so the same
 * bytes may be on their way to several peers. One write at a time. Long ones may be sent as several
 * frames. */
void filo_outflow_write(struct filo_outflow *flow, const unsigned char *bytes, size_t len);
/* All bytes were given: the end follows them; no handler is called any more, and the flow is gone
 * once it is sent. To be called when no write is under way. */
void filo_outflow_end(struct filo_outflow *flow);
/* Gives up: tells the peer; no handler is called any more, and bytes under way are no longer used
 * on return. */
void filo_outflow_abort(struct filo_outflow *flow, int code);

/* --- Receiving a stream --- */
struct filo_inflow;
struct filo_inflow_handler {
  /* Where the next bytes of the stream go: set *room (at least 1; the credit given says what to be
   * ready for). */
  unsigned char *(*space)(void *ctx, size_t *room);
  void (*filled)(void *ctx, size_t len); /* that many bytes were put there */
  /* The sender ended it, or it was given up: last call, and the flow is gone on return. */
  void (*end)(void *ctx);
  void (*reset)(void *ctx, int code, const char *why);
};
/* Attaches to the peer's stream `number`, which its message named. FILO_INVALID when it is attached
 * already, or cannot be open (a peer has at most 64); FILO_CLOSED when it was given up. A stream that
 * ended without a byte can still be attached (the latest 64 of them): its `end` follows in the next
 * turn. */
int filo_inflow_open(struct filo_connection *connection, uint32_t number,
                     const struct filo_inflow_handler *handler, void *ctx, struct filo_inflow **ret,
                     struct filo_error *err);
void filo_inflow_credit(struct filo_inflow *flow, uint32_t bytes);
/* Gives up: tells the peer; no handler is called any more. */
void filo_inflow_abort(struct filo_inflow *flow, int code);

/* --- Listening --- */
struct filo_listener;
struct filo_listener_handler {
  /* Owns fd: non-blocking, close-on-exec, no delay, keep-alive. scarce: it has taken one of the last
   * (filo_socket_is_scarce); then the next one comes in another turn of the loop. Never of a Unix
   * socket. */
  void (*accepted)(void *ctx, int fd, bool scarce);
  /* None can be accepted for now, with an errno: what connects waits. May come ten times a second. */
  void (*starved)(void *ctx, int sys_errno);
};
/* A host name or empty host may give several sockets, all with the same port. FILO_EXISTS "port
 * 3000 is in use". When descriptors run out, accepting pauses for a moment and goes on. */
int filo_listener_new(struct event_base *base, const struct filo_address *at,
                      const struct filo_listener_handler *handler, void *ctx,
                      struct filo_listener **ret, struct filo_error *err);
/* A Unix socket at path (see local.h), which is removed with the listener. */
int filo_listener_new_local(struct event_base *base, const char *path,
                            const struct filo_listener_handler *handler, void *ctx,
                            struct filo_listener **ret, struct filo_error *err);
/* Numeric, with the real port; or the path. */
const char *filo_listener_address(const struct filo_listener *listener);
void filo_listener_free(struct filo_listener *listener);

/* Bytes that have come and gone over all connections of the process, those that have ended, too. */
void filo_connection_moved(uint64_t *in, uint64_t *out);

#endif
