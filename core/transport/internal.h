/* What the files of a connection share: nobody else includes this.
 *
 *     connection       life, handshake, closing
 *     input            bytes to frames to handlers
 *     unfinished       the memory of messages that have not come whole
 *     output           the queue, and whose turn it is
 *     stream           the two ends of a stream
 *     keepalive        whether the peer is still there
 *     stream_numbers   which streams a peer has opened
 *     rate             how many bytes of streams may go in a second
 *
 * Everything happens in callbacks of the event loop: functions that others call only note what
 * there is to do and activate `turn`. So a handler may call anything, and nobody below it on the
 * stack is surprised by more than a changed state, which is checked after each handler.
 */
#ifndef FILO_TRANSPORT_INTERNAL_H
#define FILO_TRANSPORT_INTERNAL_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <sys/queue.h>

#include "transport/connection.h"
#include "transport/dial.h"

enum {
  STREAMS_MAX = 64,         /* open at one side of a connection */
  QUEUE_LIMIT = 4 << 20,    /* bytes of messages that wait, before one more is refused */
  TURN_BUDGET = 256 * 1024, /* read or written in one go, before others get their turn */
  CLOSING_SECONDS = 2,
  UNFINISHED_LIMIT = 64 << 20, /* bytes of messages that have not come whole, of all connections */
  LAST_WORDS = 1 << 20         /* bytes that wait, up to which one that is given up is told so */
};

enum filo_state {
  FILO_STATE_DIALLING,
  FILO_STATE_HANDSHAKE,
  FILO_STATE_OPEN,
  FILO_STATE_CLOSING, /* the last words are on their way */
  FILO_STATE_ENDED    /* `closed` is due, or was called */
};

/* Bytes in a row, taken from the front. */
struct filo_queue {
  unsigned char *bytes;
  size_t start, end, size;
};

/* The numbers that a peer's streams may have. It opens them in order, at most STREAMS_MAX at a
 * time, and what it says arrives in order; so all numbers below `next` were opened, and those not
 * in `open` are past. */
struct filo_stream_numbers {
  uint64_t next;
  unsigned open_count, ended_at;
  uint32_t open[STREAMS_MAX];  /* in no order */
  uint32_t ended[STREAMS_MAX]; /* a ring of those that ended before anybody attached; 0: none */
};

enum filo_flow_state {
  FILO_FLOW_OPEN,
  FILO_FLOW_ENDING,  /* the end is to be told */
  FILO_FLOW_GIVEN_UP /* the reset is to be told */
};

struct filo_outflow {
  TAILQ_ENTRY(filo_outflow) all, ready;
  struct filo_connection *connection;
  struct filo_outflow_handler handler;
  void *ctx;
  enum filo_flow_state state;
  int code; /* of the reset */
  uint32_t number;
  uint64_t credit;
  const unsigned char *bytes; /* to be put into frames */
  size_t left;
};

struct filo_inflow {
  TAILQ_ENTRY(filo_inflow) all;
  struct filo_connection *connection;
  struct filo_inflow_handler handler;
  void *ctx;
  enum filo_flow_state state; /* FILO_FLOW_ENDING: it ended before it was attached */
  int code;
  uint32_t number;
  uint64_t credit; /* given and not used */
  uint64_t untold; /* part of it that the peer does not know of yet */
};

/* The stream frame on its way out. While there is one, nothing else is written. */
struct filo_out_frame {
  struct filo_outflow *flow;
  unsigned char header[FILO_FRAME_HEADER_MAX];
  unsigned header_left;
  const unsigned char *bytes;
  size_t left;
};

/* keepalive.c */
struct filo_keepalive {
  bool ping_due, pong_due; /* to be sent */
  bool asked;              /* a ping is under way */
  bool measured;
  uint64_t token;  /* of our last ping */
  uint64_t answer; /* of the peer's last ping */
  double asked_at, rtt;
};

struct filo_connection {
  unsigned refs;
  pthread_t thread;
  struct filo_connection_options options;
  unsigned char id[FILO_ID_SIZE];
  struct filo_connection_handler handler;
  void *ctx;
  enum filo_state state;
  bool dialler, proven, admitted, bulk;
  bool parted; /* closing: the last words are in the queue */
  bool left;   /* ended: `closed` was called */
  struct filo_error why;
  struct filo_dial *dial;
  struct filo_link *link;
  struct event readable, writable, turn, again, timer;
  struct filo_turn up, down; /* in the lines of options.rates */
  char remote[FILO_ADDRESS_MAX];
  unsigned char peer[FILO_ID_SIZE], binding[32];

  /* Output. */
  struct filo_queue queue;
  bool refused;
  uint64_t next_number;
  unsigned outflow_count, inflow_count;
  bool untold; /* a flow has something to tell */
  TAILQ_HEAD(, filo_outflow) outflows, ready;
  struct filo_out_frame frame;

  /* Input. */
  struct filo_frame_decoder decoder;
  struct filo_stream_numbers numbers;
  TAILQ_HEAD(, filo_inflow) inflows;
  struct filo_inflow *inflow; /* whose bytes the current frame has; NULL: nobody wants them */
  unsigned char *message;     /* the part that is here of a message that comes in pieces */
  size_t message_have, message_room;
  TAILQ_ENTRY(filo_connection) unfinished; /* while there is such a part */
  double heard;                            /* when the peer's last byte came */
  struct filo_keepalive keepalive;
  uint64_t bytes_in, bytes_out, messages_in, messages_out;
};

/* What its streams keep to; NULL: nothing. */
static inline struct filo_rate *filo_connection_up(const struct filo_connection *c) {
  return c->options.rates ? &c->options.rates->up : NULL;
}
static inline struct filo_rate *filo_connection_down(const struct filo_connection *c) {
  return c->options.rates ? &c->options.rates->down : NULL;
}

/* connection.c */
/* Bytes of all connections of the process. */
extern struct filo_moved { uint64_t in, out; } filo_moved;
double filo_connection_clock(void);
void filo_connection_check(const struct filo_connection *c); /* asserts the thread */
void filo_connection_wake(struct filo_connection *c);        /* `turn` comes soon */
/* A reset frame's reason, and the code of one: FILO_CLOSED when it is not known here. */
uint32_t filo_connection_reason(int code);
int filo_connection_code(uint32_t reason);
/* The end, at once; `closed` gets the error, with the peer's address before it when known. */
void filo_connection_end(struct filo_connection *c, const struct filo_error *why);
void filo_connection_breach(struct filo_connection *c, const struct filo_error *what);

/* input.c */
void filo_input_run(struct filo_connection *c);

/* unfinished.c */
/* Room for so many bytes of a message that comes in pieces; what has come stays. FILO_BUSY when this
 * connection would have most of what all have together, and that is too much. */
int filo_unfinished_grow(struct filo_connection *c, size_t room, struct filo_error *err);
/* The message, which is the caller's from now on. */
unsigned char *filo_unfinished_take(struct filo_connection *c);

/* output.c */
int filo_output_put(struct filo_connection *c, const struct filo_frame *frame,
                    const unsigned char *payload, struct filo_error *err);
void filo_output_run(struct filo_connection *c);
/* Keeps a copy of what is left of flow's frame, if that is on its way: its bytes are free then. */
void filo_output_release(struct filo_connection *c, const struct filo_outflow *flow);
/* Bytes in the queue, and their end without having been sent. */
size_t filo_output_queued(const struct filo_connection *c);
void filo_output_free(struct filo_connection *c);
/* False while bytes wait in the queue or in the frame. */
bool filo_output_done(const struct filo_connection *c);

/* stream.c: what the peer's frames and the loop do to flows. */
int filo_stream_credited(struct filo_connection *c, uint32_t number, uint32_t bytes,
                         struct filo_error *err);
int filo_stream_reset(struct filo_connection *c, uint32_t number, uint32_t reason,
                      struct filo_error *err);
/* A stream frame begins: sets c->inflow. */
int filo_stream_frame(struct filo_connection *c, uint32_t number, uint32_t len,
                      struct filo_error *err);
/* Puts what flows have to tell into the queue. */
int filo_stream_tell(struct filo_connection *c, struct filo_error *err);
/* Calls `end` of those that ended before they were attached. */
void filo_stream_deliver(struct filo_connection *c);
void filo_stream_reset_all(struct filo_connection *c, int code, const char *why);

/* keepalive.c: when the connection opens, when the peer is let in, when `timer` has fired. */
void filo_keepalive_open(struct filo_connection *c);
void filo_keepalive_admit(struct filo_connection *c);
void filo_keepalive_timer(struct filo_connection *c);
/* The peer's frames. */
void filo_keepalive_ping(struct filo_connection *c, uint64_t token);
int filo_keepalive_pong(struct filo_connection *c, uint64_t token, struct filo_error *err);
/* Puts what is due into the queue. */
int filo_keepalive_tell(struct filo_connection *c, struct filo_error *err);

/* stream_numbers.c */
void filo_stream_numbers_init(struct filo_stream_numbers *numbers, bool dialler);
/* Notes that the peer has opened `number`. FILO_PROTOCOL when that cannot be. */
int filo_stream_numbers_open(struct filo_stream_numbers *numbers, uint32_t number,
                             struct filo_error *err);
bool filo_stream_numbers_is_open(const struct filo_stream_numbers *numbers, uint32_t number);
void filo_stream_numbers_close(struct filo_stream_numbers *numbers, uint32_t number);
void filo_stream_numbers_ended(struct filo_stream_numbers *numbers, uint32_t number);
/* True, once, when it ended early. */
bool filo_stream_numbers_take_ended(struct filo_stream_numbers *numbers, uint32_t number);

#endif
