/* What a client sends: bytes, of which requests are made, and bodies that somebody takes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"
#include "runtime/loop.h"

/* --- Memory --- */

/* What the last connection has had no more use for: who reads next takes it. */
static unsigned char *spare;

static unsigned char *take_memory(void) {
  unsigned char *memory = spare ? spare : malloc(FILO_HTTP_IN_SIZE);
  spare = NULL;
  return memory;
}

void filo_http_give_memory(unsigned char *memory) {
  if (spare)
    free(memory);
  else
    spare = memory;
}

/* --- Reading --- */

/* Bytes are used up: there is room again, and nothing to keep memory for. */
static void make_room(struct filo_http *http) {
  if (http->piece_len > 0 || http->start < http->end) return;
  http->start = http->end = 0;
  filo_http_give_memory(http->in);
  http->in = NULL;
  if (!http->full || http->state != FILO_HTTP_OPEN) return;
  http->full = false;
  event_add(&http->readable, NULL);
  if (filo_link_pending(http->link)) event_active(&http->readable, EV_READ, 0);
}

/* The rest is moved to the front, unless a piece of it is in use. */
static bool has_room(struct filo_http *http) {
  if (!http->in) http->in = take_memory();
  if (!http->in) {
    struct filo_error err;
    filo_http_fail(http, filo_fail(&err, FILO_NO_MEMORY, "no memory for a request"), &err);
    return false;
  }
  if (http->end < FILO_HTTP_IN_SIZE) return true;
  if (http->start > 0 && http->piece_len == 0) {
    memmove(http->in, http->in + http->start, http->end - http->start);
    http->end -= http->start;
    http->start = 0;
  }
  return http->end < FILO_HTTP_IN_SIZE;
}

static void came(struct filo_http *http, size_t len) {
  bool first = http->awaiting && http->start == http->end && filo_http_parser_idle(http->parser);
  http->end += len;
  http->moved = filo_now();
  if (first) filo_http_arm(&http->read_timer, http->times.head);
  if (!http->awaiting) event_del(&http->read_timer); /* who takes the body sets it again */
  filo_http_tell_all(http);
}

static void read_failed(struct filo_http *http, int code, const struct filo_error *err) {
  if (code != FILO_CLOSED) {
    filo_http_fail(http, code, err);
    return;
  }
  http->ended = true;
  event_del(&http->readable);
  filo_http_tell_all(http);
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
  ssize_t n =
      filo_link_read(http->link, http->in + http->end, FILO_HTTP_IN_SIZE - http->end, &want, &err);
  if (n < 0) read_failed(http, (int)n, &err);
  if (n > 0) came(http, (size_t)n);
  return n > 0 ? (size_t)n : 0;
}

void filo_http_read_open(struct filo_http *http) {
  struct filo_error err;
  size_t budget = FILO_HTTP_TURN_BUDGET, n, room;
  do {
    room = http->in ? FILO_HTTP_IN_SIZE - http->end : FILO_HTTP_IN_SIZE;
    n = read_step(http);
    budget -= n < budget ? n : budget;
    /* A socket that gave less than there was room for has no more. */
  } while (http->state == FILO_HTTP_OPEN && budget > 0 && n > 0 &&
           (n == room || filo_link_pending(http->link)));
  if (http->state != FILO_HTTP_OPEN || http->code < 0) return;
  if (budget == 0) event_active(&http->readable, EV_READ, 0);
  int rc = filo_link_flush(http->link, &err); /* TLS answers by itself now and then */
  if (rc < 0) filo_http_fail(http, rc, &err);
  if (rc > 0) event_add(&http->writable, NULL);
}

/* --- Requests --- */

/* Up to the next part that is more than nothing: a filo_http_part; FILO_BUSY; FILO_CLOSED when the client has ended. */
static int step(struct filo_http *http, struct filo_error *err) {
  if (http->code < 0) return filo_http_failure(http, err);
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
  if (http->code < 0) return filo_http_failure(http, err);
  return FILO_BUSY;
}

int filo_http_request(struct filo_http *http, const struct filo_http_head **head,
                      struct filo_error *err) {
  int rc = http->state == FILO_HTTP_HANDSHAKE && http->code == 0 ? FILO_BUSY : step(http, err);
  if (rc == FILO_HTTP_END) rc = step(http, err); /* of one without a body */
  if (rc == FILO_BUSY && http->late)
    rc = filo_fail(err, FILO_TIMEOUT, "%s", FILO_HTTP_SENT_NOTHING);
  bool begun = !filo_http_parser_idle(http->parser);
  if (rc == FILO_BUSY) {
    if (!http->awaiting && http->state == FILO_HTTP_OPEN)
      filo_http_arm(&http->read_timer, begun ? http->times.head : http->times.idle);
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
  if (http->state != FILO_HTTP_OPEN) return;
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
  filo_http_arm(&http->read_timer, http->times.stall);
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
  if (http->state != FILO_HTTP_OPEN) return filo_fail(err, FILO_CLOSED, "the connection is closed");
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

void filo_http_init_body(struct filo_http *http) {
  http->body.next = next_of_body;
  http->body.drop = drop_body;
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
