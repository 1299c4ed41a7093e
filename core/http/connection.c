#include "http/connection.h"

#include <assert.h>
#include <event2/event_struct.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/loop.h"

enum {
  IN_SIZE = 64 * 1024,
  TURN_BUDGET = 256 * 1024, /* read or written in one go, before others get their turn */
  PARTING_SECONDS = 2
};

enum state {
  HANDSHAKE,
  OPEN,
  PARTING, /* the owner has closed it: what was written goes out */
  CLOSED
};

struct filo_http {
  unsigned refs;
  enum state state;
  struct filo_link *link; /* NULL: closed */
  struct event readable, writable, read_timer, write_timer;
  struct filo_http_times times;
  filo_http_fn *changed; /* NULL: the owner has closed it */
  void *ctx;

  unsigned char *in; /* IN_SIZE of them; NULL while there are none */
  size_t start, end;
  bool ended, full;    /* no more comes; it is not read for now */
  bool awaiting, late; /* a request is waited for, and has not come in time */
  uint64_t bytes_in, bytes_out;
  double moved; /* when a byte went or came last */
  struct filo_http_parser *parser;
  enum filo_http_part part;
  const unsigned char *piece; /* of the body, in `in` */
  size_t piece_len;
  struct filo_pull body;
  bool taken; /* somebody takes the body */

  struct filo_pull *out;
  size_t out_used;
  int out_code;
  struct filo_error out_err;

  int code; /* the connection has failed */
  struct filo_error err;
};

static const char sent_nothing[] = "the client has sent nothing for too long";

/* --- Telling, failing --- */

static void tell_owner(const struct filo_http *http) {
  if (http->changed) http->changed(http->ctx);
}

static void tell_all(const struct filo_http *http) {
  if (http->taken) filo_pull_tell(&http->body);
  tell_owner(http);
}

static void drop_out(struct filo_http *http) {
  struct filo_pull *out = http->out;
  http->out = NULL;
  if (out) out->drop(out);
}

static void stop_events(struct filo_http *http) {
  event_del(&http->readable);
  event_del(&http->writable);
  event_del(&http->read_timer);
  event_del(&http->write_timer);
}

static void fail(struct filo_http *http, int code, const struct filo_error *err) {
  if (http->code < 0) return;
  http->code = code;
  http->err = *err;
  stop_events(http);
  drop_out(http);
  tell_all(http);
}

static int failure(const struct filo_http *http, struct filo_error *err) {
  if (err) *err = http->err;
  return http->code;
}

static void arm(struct event *timer, double seconds) {
  double whole;
  double part = modf(seconds < 0 ? 0 : seconds, &whole);
  const struct timeval delay = {(time_t)whole, (suseconds_t)(part * 1e6)};
  event_add(timer, &delay);
}

/* --- Memory --- */

/* What the last connection has had no more use for: who reads next takes it. */
static unsigned char *spare;

static unsigned char *take_memory(void) {
  unsigned char *memory = spare ? spare : malloc(IN_SIZE);
  spare = NULL;
  return memory;
}

static void give_memory(unsigned char *memory) {
  if (spare)
    free(memory);
  else
    spare = memory;
}

/* --- Life --- */

static void close_link(struct filo_http *http) {
  if (http->state == CLOSED) return;
  http->state = CLOSED;
  stop_events(http);
  filo_link_free(http->link);
  http->link = NULL;
}

struct filo_http *filo_http_ref(struct filo_http *http) {
  http->refs++;
  return http;
}

void filo_http_unref(struct filo_http *http) {
  if (!http || --http->refs > 0) return;
  close_link(http);
  filo_http_parser_free(http->parser);
  give_memory(http->in);
  free(http);
}

/* --- Reading --- */

/* Bytes are used up: there is room again, and nothing to keep memory for. */
static void make_room(struct filo_http *http) {
  if (http->piece_len > 0 || http->start < http->end) return;
  http->start = http->end = 0;
  give_memory(http->in);
  http->in = NULL;
  if (!http->full || http->state != OPEN) return;
  http->full = false;
  event_add(&http->readable, NULL);
  if (filo_link_pending(http->link)) event_active(&http->readable, EV_READ, 0);
}

/* The rest is moved to the front, unless a piece of it is in use. */
static bool has_room(struct filo_http *http) {
  if (!http->in) http->in = take_memory();
  if (!http->in) {
    struct filo_error err;
    fail(http, filo_fail(&err, FILO_NO_MEMORY, "no memory for a request"), &err);
    return false;
  }
  if (http->end < IN_SIZE) return true;
  if (http->start > 0 && http->piece_len == 0) {
    memmove(http->in, http->in + http->start, http->end - http->start);
    http->end -= http->start;
    http->start = 0;
  }
  return http->end < IN_SIZE;
}

static void came(struct filo_http *http, size_t len) {
  bool first = http->awaiting && http->start == http->end && filo_http_parser_idle(http->parser);
  http->end += len;
  http->bytes_in += len;
  http->moved = filo_now();
  if (first) arm(&http->read_timer, http->times.head);
  if (!http->awaiting) event_del(&http->read_timer); /* who takes the body sets it again */
  tell_all(http);
}

static void read_failed(struct filo_http *http, int code, const struct filo_error *err) {
  if (code != FILO_CLOSED) {
    fail(http, code, err);
    return;
  }
  http->ended = true;
  event_del(&http->readable);
  tell_all(http);
}

/* Bytes read; 0: no more for now. */
static size_t read_step(struct filo_http *http) {
  struct filo_error err;
  int want = 0;
  if (!has_room(http)) {
    http->full = http->code == 0;
    event_del(&http->readable);
    return 0;
  }
  ssize_t n = filo_link_read(http->link, http->in + http->end, IN_SIZE - http->end, &want, &err);
  if (n < 0) read_failed(http, (int)n, &err);
  if (n > 0) came(http, (size_t)n);
  return n > 0 ? (size_t)n : 0;
}

static void shake_hands(struct filo_http *http);
static void pump_out(struct filo_http *http);
static void part_ways(struct filo_http *http);

static void read_open(struct filo_http *http) {
  struct filo_error err;
  size_t budget = TURN_BUDGET, n, room;
  do {
    room = http->in ? IN_SIZE - http->end : IN_SIZE;
    n = read_step(http);
    budget -= n < budget ? n : budget;
    /* A socket that gave less than there was room for has no more. */
  } while (http->state == OPEN && budget > 0 && n > 0 &&
           (n == room || filo_link_pending(http->link)));
  if (http->state != OPEN || http->code < 0) return;
  if (budget == 0) event_active(&http->readable, EV_READ, 0);
  int rc = filo_link_flush(http->link, &err); /* TLS answers by itself now and then */
  if (rc < 0) fail(http, rc, &err);
  if (rc > 0) event_add(&http->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct filo_http *http = filo_http_ref(ctx);
  if (http->state == HANDSHAKE)
    shake_hands(http);
  else if (http->state == OPEN)
    read_open(http);
  else if (http->state == PARTING)
    part_ways(http);
  filo_http_unref(http);
}

/* --- Requests --- */

/* Up to the next part that is more than nothing: a filo_http_part; FILO_BUSY; FILO_CLOSED when the client has ended. */
static int step(struct filo_http *http, struct filo_error *err) {
  if (http->code < 0) return failure(http, err);
  do {
    size_t used;
    int rc = filo_http_parse(http->parser, http->in + http->start, http->end - http->start, &used,
                             &http->piece, &http->piece_len, err);
    http->start += used;
    if (rc < 0) return rc;
    http->part = (enum filo_http_part)rc;
    if (rc != FILO_HTTP_MORE) return rc;
  } while (http->start < http->end);
  make_room(http);
  if (http->ended) return filo_fail(err, FILO_CLOSED, "the client has closed the connection");
  if (http->code < 0) return failure(http, err);
  return FILO_BUSY;
}

int filo_http_request(struct filo_http *http, const struct filo_http_head **head,
                      struct filo_error *err) {
  int rc = http->state == HANDSHAKE && http->code == 0 ? FILO_BUSY : step(http, err);
  if (rc == FILO_HTTP_END) rc = step(http, err); /* of one without a body */
  if (rc == FILO_BUSY && http->late) rc = filo_fail(err, FILO_TIMEOUT, "%s", sent_nothing);
  bool begun = !filo_http_parser_idle(http->parser);
  if (rc == FILO_BUSY) {
    if (!http->awaiting && http->state == OPEN)
      arm(&http->read_timer, begun ? http->times.head : http->times.idle);
    http->awaiting = true;
    return rc;
  }
  event_del(&http->read_timer);
  http->awaiting = false;
  if ((rc == FILO_CLOSED || rc == FILO_TIMEOUT) && !begun) return 0;
  if (rc == FILO_CLOSED)
    return filo_fail(err, FILO_UNREACHABLE,
                     "the client has closed the connection within a request");
  if (rc < 0) return rc;
  *head = filo_http_parser_head(http->parser);
  make_room(http);
  return 1;
}

void filo_http_give_up(struct filo_http *http) {
  if (http->state != OPEN) return;
  event_del(&http->read_timer);
  http->awaiting = false;
}

int filo_http_status(const struct filo_http *http) {
  return filo_http_parser_status(http->parser);
}

/* --- Bodies --- */

static struct filo_http *owner(struct filo_pull *body) {
  return (struct filo_http *)((char *)body - offsetof(struct filo_http, body));
}

static int wait_for_body(struct filo_http *http) {
  arm(&http->read_timer, http->times.stall);
  return FILO_BUSY;
}

void filo_http_skip(struct filo_http *http, size_t used) {
  assert(used <= http->piece_len);
  http->piece += used;
  http->piece_len -= used;
}

static int next_of_body(struct filo_pull *body, size_t used, const unsigned char **bytes,
                        size_t *len, struct filo_error *err) {
  struct filo_http *http = owner(body);
  if (http->state != OPEN) return filo_fail(err, FILO_CLOSED, "the connection is closed");
  event_del(&http->read_timer);
  filo_http_skip(http, used);
  while (http->piece_len == 0) {
    if (http->part == FILO_HTTP_END) {
      make_room(http);
      return 0;
    }
    int rc = step(http, err);
    if (rc == FILO_BUSY) return wait_for_body(http);
    if (rc == FILO_CLOSED)
      return filo_fail(err, FILO_UNREACHABLE, "the client has closed the connection within a body");
    if (rc < 0) return rc;
  }
  *bytes = http->piece;
  *len = http->piece_len;
  return 1;
}

static void drop_body(struct filo_pull *body) {
  struct filo_http *http = owner(body);
  event_del(&http->read_timer);
  http->taken = false;
  body->changed = NULL;
  filo_http_unref(http);
}

int filo_http_read(struct filo_http *http, size_t used, const unsigned char **bytes, size_t *len,
                   struct filo_error *err) {
  return next_of_body(&http->body, used, bytes, len, err);
}

struct filo_pull *filo_http_body(struct filo_http *http) {
  assert(!http->taken);
  http->taken = true;
  filo_http_ref(http);
  return &http->body;
}

bool filo_http_is_taken(const struct filo_http *http) {
  return http->taken;
}

/* --- Writing --- */

static void wait_writable(struct filo_http *http) {
  event_add(&http->writable, NULL);
  arm(&http->write_timer, http->times.stall);
}

static void went(struct filo_http *http, size_t len, int want) {
  http->bytes_out += len;
  http->moved = filo_now();
  if (want) wait_writable(http);
}

int64_t filo_http_write(struct filo_http *http, const unsigned char *bytes, size_t len,
                        struct filo_error *err) {
  int want = 0;
  assert(!http->out);
  if (http->code < 0) return failure(http, err);
  ssize_t n = filo_link_write(http->link, bytes, len, &want, err);
  if (n < 0) {
    fail(http, (int)n, err);
    return n;
  }
  went(http, (size_t)n, want);
  return n;
}

int filo_http_flush(struct filo_http *http, struct filo_error *err) {
  if (http->code < 0) return failure(http, err);
  int rc = filo_link_flush(http->link, err);
  if (rc < 0) fail(http, rc, err);
  if (rc > 0) wait_writable(http);
  return rc > 0 ? FILO_BUSY : rc;
}

static void end_out(struct filo_http *http, int code, const struct filo_error *err) {
  http->out_code = code;
  if (code < 0) http->out_err = *err;
  drop_out(http);
  tell_owner(http);
}

/* 1 when some of a piece went, and more may; 0 to wait, or at the end. */
static int send_piece(struct filo_http *http, size_t *budget) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len, used = http->out_used;
  int want = 0, rc = http->out->next(http->out, used, &bytes, &len, &err);
  http->out_used = 0;
  if (rc == FILO_BUSY) {
    filo_http_flush(http, &err);
    return 0;
  }
  if (rc <= 0) {
    end_out(http, rc, &err);
    return 0;
  }
  if (len > *budget) len = *budget;
  ssize_t n = filo_link_write(http->link, bytes, len, &want, &err);
  if (n < 0) {
    fail(http, (int)n, &err);
    return 0;
  }
  http->out_used = (size_t)n;
  *budget -= (size_t)n;
  went(http, (size_t)n, want);
  return !want;
}

static void pump_out(struct filo_http *http) {
  size_t budget = TURN_BUDGET;
  event_del(&http->write_timer);
  while (http->out && budget > 0 && send_piece(http, &budget)) {
  }
  if (http->out && budget == 0) event_active(&http->writable, EV_WRITE, 0);
}

static void on_out_changed(void *ctx) {
  struct filo_http *http = ctx;
  /* While the socket is full, it tells. */
  if (!event_pending(&http->writable, EV_WRITE, NULL)) event_active(&http->writable, EV_WRITE, 0);
}

void filo_http_send(struct filo_http *http, struct filo_pull *pull) {
  assert(!http->out);
  http->out = pull;
  http->out_used = 0;
  http->out_code = 0;
  pull->changed = on_out_changed;
  pull->ctx = http;
  if (http->code < 0)
    drop_out(http);
  else
    pump_out(http);
}

int filo_http_sent(const struct filo_http *http, bool *broken, struct filo_error *err) {
  *broken = http->code < 0;
  if (*broken) return failure(http, err);
  if (http->out) return FILO_BUSY;
  if (http->out_code < 0) *err = http->out_err;
  return http->out_code;
}

void filo_http_moved(const struct filo_http *http, uint64_t *in, uint64_t *out) {
  *in = http->bytes_in;
  *out = http->bytes_out;
}

double filo_http_still(const struct filo_http *http) {
  return filo_now() - http->moved;
}

static void write_open(struct filo_http *http) {
  struct filo_error err;
  event_del(&http->write_timer);
  int rc = filo_link_flush(http->link, &err);
  if (rc < 0) {
    fail(http, rc, &err);
  } else if (rc > 0) {
    wait_writable(http);
  } else if (http->out) {
    pump_out(http);
  } else {
    tell_owner(http);
  }
}

static void on_writable(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct filo_http *http = filo_http_ref(ctx);
  if (http->state == HANDSHAKE)
    shake_hands(http);
  else if (http->state == OPEN && http->code == 0)
    write_open(http);
  else if (http->state == PARTING)
    part_ways(http);
  filo_http_unref(http);
}

/* --- The first bytes, and the last ones --- */

static void shake_hands(struct filo_http *http) {
  struct filo_error err;
  int rc = filo_link_handshake(http->link, &err);
  if (rc < 0) {
    fail(http, rc, &err);
    return;
  }
  if (rc == FILO_LINK_WANT_WRITE) event_add(&http->writable, NULL);
  if (rc > 0) return;
  http->state = OPEN;
  event_del(&http->read_timer);
  http->awaiting = false;
  if (filo_link_pending(http->link)) event_active(&http->readable, EV_READ, 0);
  tell_owner(http);
}

static void part_ways(struct filo_http *http) {
  int rc = filo_link_finish(http->link, NULL);
  if (rc == FILO_LINK_WANT_WRITE) event_add(&http->writable, NULL);
  if (rc > 0) return;
  close_link(http);
  filo_http_unref(http); /* its own */
}

static void on_late(struct filo_http *http, const char *why) {
  struct filo_error err;
  filo_http_ref(http);
  if (http->state == PARTING) {
    close_link(http);
    filo_http_unref(http);
  } else {
    fail(http, filo_fail(&err, FILO_TIMEOUT, "%s", why), &err);
  }
  filo_http_unref(http);
}

/* Who has not sent a request in time can still be told so. */
static void on_read_late(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct filo_http *http = ctx;
  http->late = http->state == OPEN && http->awaiting;
  if (http->late)
    tell_owner(http);
  else
    on_late(http, sent_nothing);
}

static void on_write_late(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  on_late(ctx, "the client has taken nothing for too long");
}

void filo_http_close(struct filo_http *http, bool abrupt) {
  if (!http) return;
  bool whole = !abrupt && !http->out, open = http->state == OPEN && http->code == 0;
  http->changed = NULL;
  drop_out(http);
  stop_events(http);
  if (open && whole) {
    http->state = PARTING;
    filo_http_ref(http);
    event_add(&http->readable, NULL);
    arm(&http->read_timer, PARTING_SECONDS);
    if (http->taken) filo_pull_tell(&http->body);
    part_ways(http);
  } else {
    if (!whole && http->link) filo_link_cut(http->link);
    close_link(http);
    if (http->taken) filo_pull_tell(&http->body);
  }
  filo_http_unref(http);
}

int filo_http_new(struct event_base *base, int fd, struct filo_tls *tls,
                  const struct filo_http_times *times, filo_http_fn *changed, void *ctx,
                  struct filo_http **ret, struct filo_error *err) {
  struct filo_http *http = calloc(1, sizeof *http);
  struct filo_link *link = NULL;
  int rc = filo_link_new(fd, tls, NULL, false, false, &link, err);
  if (rc == 0 && !http) rc = filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
  if (rc == 0) rc = filo_http_parser_new(&http->parser, err);
  if (rc < 0) {
    filo_link_free(link);
    free(http);
    return rc;
  }
  http->refs = 1;
  http->link = link;
  http->times = *times;
  http->changed = changed;
  http->ctx = ctx;
  http->part = FILO_HTTP_END;
  http->moved = filo_now();
  http->body.next = next_of_body;
  http->body.drop = drop_body;
  event_assign(&http->readable, base, fd, EV_READ | EV_PERSIST, on_readable, http);
  event_assign(&http->writable, base, fd, EV_WRITE, on_writable, http);
  evtimer_assign(&http->read_timer, base, on_read_late, http);
  evtimer_assign(&http->write_timer, base, on_write_late, http);
  event_add(&http->readable, NULL);
  http->state = tls ? HANDSHAKE : OPEN;
  if (tls) arm(&http->read_timer, times->head);
  *ret = http;
  return 0;
}
