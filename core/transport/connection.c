#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transport/internal.h"
#include "transport/socket.h"

/* --- Small things --- */

struct filo_moved filo_moved;

void filo_connection_moved(uint64_t *in, uint64_t *out) {
  *in = filo_moved.in;
  *out = filo_moved.out;
}

/* Good to a few milliseconds, and cheap. */
double filo_connection_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void filo_connection_check(const struct filo_connection *c) {
  assert(pthread_equal(c->thread, pthread_self()));
  (void)c;
}

/* Until a callback is over. */
static struct filo_connection *hold(struct filo_connection *c) {
  filo_connection_check(c);
  c->refs++;
  return c;
}

void filo_connection_wake(struct filo_connection *c) {
  event_active(&c->turn, EV_TIMEOUT, 0);
}

static void set_timer(struct filo_connection *c, double seconds) {
  struct timeval delay = filo_delay(seconds);
  event_add(&c->timer, &delay);
}

uint32_t filo_connection_reason(int code) {
  return code < 0 ? (uint32_t)-code : (uint32_t)-FILO_CLOSED;
}

int filo_connection_code(uint32_t reason) {
  if (reason == 0 || reason > INT_MAX) return FILO_CLOSED;
  return strcmp(filo_code_name(-(int)reason), "unknown") == 0 ? FILO_CLOSED : -(int)reason;
}

/* --- Rates --- */

static void may_send(void *ctx) {
  filo_connection_wake(ctx);
}

static void may_receive(void *ctx) {
  struct filo_connection *c = ctx;
  c->untold = true; /* credit */
  filo_connection_wake(c);
}

static void leave_lines(struct filo_connection *c) {
  if (!c->options.rates) return;
  filo_rate_leave(filo_connection_up(c), &c->up);
  filo_rate_leave(filo_connection_down(c), &c->down);
}

/* --- The end --- */

static void set_ended(struct filo_connection *c) {
  c->state = FILO_STATE_ENDED;
  if (c->link) {
    event_del(&c->readable);
    event_del(&c->writable);
  }
  event_del(&c->again);
  event_del(&c->timer);
  leave_lines(c);
  filo_dial_stop(c->dial);
  c->dial = NULL;
  filo_connection_wake(c);
}

void filo_connection_end(struct filo_connection *c, const struct filo_error *why) {
  if (c->state == FILO_STATE_ENDED) return;
  if (c->state != FILO_STATE_CLOSING)
    filo_fail(&c->why, why->code, c->remote[0] ? "%s: %s" : "%s%s", c->remote, why->message);
  set_ended(c);
}

/* Says goodbye first, if there is anybody to hear it. */
static void start_closing(struct filo_connection *c) {
  if (c->state != FILO_STATE_OPEN) {
    set_ended(c);
    return;
  }
  c->state = FILO_STATE_CLOSING;
  event_del(&c->readable);
  event_del(&c->again);
  set_timer(c, CLOSING_SECONDS);
  filo_connection_wake(c);
}

void filo_connection_close(struct filo_connection *c, int code, const char *reason) {
  filo_connection_check(c);
  if (c->state >= FILO_STATE_CLOSING) return;
  filo_fail(&c->why, code < 0 ? code : FILO_CLOSED, "%s", reason);
  bool given_up = c->why.code == FILO_BUSY || c->why.code == FILO_TIMEOUT;
  if (given_up && filo_output_queued(c) > LAST_WORDS)
    set_ended(c); /* it does not read: nothing of that would arrive */
  else
    start_closing(c);
}

void filo_connection_abort(struct filo_connection *c, int code, const char *reason) {
  filo_connection_check(c);
  if (c->state == FILO_STATE_ENDED) return;
  filo_fail(&c->why, code < 0 ? code : FILO_CLOSED, "%s", reason);
  set_ended(c);
}

void filo_connection_breach(struct filo_connection *c, const struct filo_error *what) {
  if (c->state >= FILO_STATE_CLOSING) return;
  filo_fail(&c->why, FILO_PROTOCOL, "%s broke the protocol: %s", c->remote, what->message);
  start_closing(c);
}

/* The last words: what streams have to tell, then why we go. */
static void part(struct filo_connection *c) {
  struct filo_frame frame = {.type = FILO_FRAME_RESET,
                             .value = filo_connection_reason(c->why.code)};
  struct filo_error err;
  c->parted = true;
  int rc = filo_stream_tell(c, &err);
  filo_stream_reset_all(c, c->why.code, c->why.message);
  if (rc == 0 && c->why.code != FILO_CLOSED) rc = filo_output_put(c, &frame, NULL, &err);
  if (rc < 0) filo_connection_end(c, &err);
}

static void finish(struct filo_connection *c) {
  int rc = filo_link_finish(c->link, NULL);
  if (rc <= 0)
    set_ended(c);
  else
    event_add(rc == FILO_LINK_WANT_READ ? &c->readable : &c->writable, NULL);
}

static void farewell(struct filo_connection *c) {
  if (c->left) return;
  c->left = true;
  filo_stream_reset_all(c, c->why.code, c->why.message);
  filo_link_free(c->link);
  c->link = NULL;
  filo_output_free(c);
  c->handler.closed(c->ctx, &c->why);
  filo_connection_unref(c);
}

/* --- The handshake --- */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static void set_remote(struct filo_connection *c, int fd) {
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  if (getpeername(fd, (struct sockaddr *)&address, &len) == 0)
    filo_address_format((struct sockaddr *)&address, c->remote);
}

/* Takes fd, also on failure. */
static int connected(struct filo_connection *c, int fd, struct filo_error *err) {
  set_remote(c, fd);
  int rc = filo_link_new(fd, c->options.tls, c->id, c->dialler, c->options.bulk, &c->link, err);
  if (rc < 0) return rc;
  event_assign(&c->readable, c->options.base, fd, EV_READ | EV_PERSIST, on_readable, c);
  event_assign(&c->writable, c->options.base, fd, EV_WRITE, on_writable, c);
  c->state = FILO_STATE_HANDSHAKE;
  set_timer(c, c->options.handshake_timeout);
  if (event_add(&c->readable, NULL) < 0)
    return filo_fail(err, FILO_NO_MEMORY, "the event loop takes no more connections");
  filo_connection_wake(c);
  return 0;
}

static void on_dialled(void *ctx, int fd, const struct filo_error *why) {
  struct filo_connection *c = hold(ctx);
  struct filo_error err = *why;
  c->dial = NULL;
  if (fd < 0 || connected(c, fd, &err) < 0) filo_connection_end(c, &err);
  filo_connection_unref(c);
}

static void opened(struct filo_connection *c) {
  memcpy(c->peer, filo_link_peer(c->link, &c->proven), sizeof c->peer);
  memcpy(c->binding, filo_link_binding(c->link), sizeof c->binding);
  c->bulk = filo_link_is_bulk(c->link);
  c->state = FILO_STATE_OPEN;
  event_del(&c->timer);
  filo_keepalive_open(c);
  c->handler.ready(c->ctx);
  /* The peer's first bytes may have come with the last of the handshake. */
  if (c->state == FILO_STATE_OPEN) filo_input_run(c);
}

static void shake_hands(struct filo_connection *c) {
  struct filo_error err;
  int rc = filo_link_handshake(c->link, &err);
  if (rc < 0)
    filo_connection_end(c, &err);
  else if (rc == 0)
    opened(c);
  else if (rc == FILO_LINK_WANT_WRITE)
    event_add(&c->writable, NULL);
}

/* --- Events --- */

static void progress(struct filo_connection *c) {
  filo_stream_deliver(c);
  if (c->state == FILO_STATE_HANDSHAKE) shake_hands(c);
  if (c->state == FILO_STATE_CLOSING && !c->parted) part(c);
  bool open = c->state == FILO_STATE_OPEN || c->state == FILO_STATE_CLOSING;
  if (open && !event_pending(&c->writable, EV_WRITE, NULL)) filo_output_run(c);
  if (c->state == FILO_STATE_CLOSING && c->parted && filo_output_done(c)) finish(c);
  if (c->state == FILO_STATE_ENDED) farewell(c);
}

static void on_turn(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct filo_connection *c = hold(arg);
  progress(c);
  filo_connection_unref(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
  on_turn(fd, what, arg);
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct filo_connection *c = hold(arg);
  if (c->state == FILO_STATE_OPEN)
    filo_input_run(c);
  else
    progress(c);
  filo_connection_unref(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct filo_connection *c = hold(arg);
  struct filo_error err;
  if (c->state == FILO_STATE_HANDSHAKE) {
    filo_fail(&err, FILO_TIMEOUT, "the handshake took longer than %.3g s",
              c->options.handshake_timeout);
    filo_connection_end(c, &err);
  } else if (c->state == FILO_STATE_OPEN) {
    filo_keepalive_timer(c);
  } else if (c->state == FILO_STATE_CLOSING) {
    set_ended(c);
  }
  filo_connection_unref(c);
}

/* --- Life --- */

static struct filo_connection *make(const struct filo_connection_options *options, bool dialler,
                                    const struct filo_connection_handler *handler, void *ctx,
                                    struct filo_error *err) {
  struct filo_connection *c = calloc(1, sizeof *c);
  if (!c) {
    filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
    return NULL;
  }
  c->refs = 2; /* the caller's, and the loop's until `closed` was called */
  c->thread = pthread_self();
  c->options = *options;
  if (options->tls) filo_tls_ref(options->tls);
  filo_rates_ref(options->rates);
  c->up = (struct filo_turn){.come = may_send, .ctx = c};
  c->down = (struct filo_turn){.come = may_receive, .ctx = c};
  if (options->id) memcpy(c->id, options->id, sizeof c->id);
  c->handler = *handler;
  c->ctx = ctx;
  c->dialler = dialler;
  c->next_number = dialler ? 1 : 2;
  c->heard = filo_connection_clock();
  TAILQ_INIT(&c->outflows);
  TAILQ_INIT(&c->ready);
  TAILQ_INIT(&c->inflows);
  filo_stream_numbers_init(&c->numbers, dialler);
  filo_frame_decoder_init(&c->decoder, options->message_max);
  event_assign(&c->turn, options->base, -1, 0, on_turn, c);
  event_assign(&c->again, options->base, -1, 0, on_readable, c);
  event_assign(&c->timer, options->base, -1, 0, on_timer, c);
  return c;
}

static void destroy(struct filo_connection *c) {
  if (c->link) {
    event_del(&c->readable);
    event_del(&c->writable);
  }
  event_del(&c->turn);
  event_del(&c->again);
  event_del(&c->timer);
  filo_dial_stop(c->dial);
  filo_link_free(c->link);
  filo_tls_unref(c->options.tls);
  leave_lines(c);
  filo_rates_unref(c->options.rates);
  filo_output_free(c);
  free(filo_unfinished_take(c));
  free(c);
}

int filo_connection_dial(const struct filo_connection_options *options,
                         const struct filo_address *to,
                         const struct filo_connection_handler *handler, void *ctx,
                         struct filo_connection **ret, struct filo_error *err) {
  struct filo_connection *c = make(options, true, handler, ctx, err);
  if (!c) return FILO_NO_MEMORY;
  int rc = filo_dial_start(options->base, options->resolver, to, options->dial_timeout, on_dialled,
                           c, &c->dial, err);
  if (rc < 0)
    destroy(c);
  else
    *ret = c;
  return rc;
}

int filo_connection_accept(const struct filo_connection_options *options, int fd,
                           const struct filo_connection_handler *handler, void *ctx,
                           struct filo_connection **ret, struct filo_error *err) {
  struct filo_connection *c = make(options, false, handler, ctx, err);
  if (!c) {
    close(fd);
    return FILO_NO_MEMORY;
  }
  int rc = connected(c, fd, err);
  if (rc < 0)
    destroy(c);
  else
    *ret = c;
  return rc;
}

void filo_connection_unref(struct filo_connection *c) {
  if (!c) return;
  filo_connection_check(c);
  if (--c->refs == 0) destroy(c);
}

void filo_connection_admit(struct filo_connection *c) {
  filo_connection_check(c);
  c->admitted = true;
  c->decoder.message_max = FILO_MESSAGE_MAX;
  filo_keepalive_admit(c);
}

/* --- What is known --- */

const unsigned char *filo_connection_peer(const struct filo_connection *c, bool *proven) {
  if (proven) *proven = c->proven;
  return c->peer;
}

const unsigned char *filo_connection_binding(const struct filo_connection *c) {
  return c->binding;
}

bool filo_connection_is_bulk(const struct filo_connection *c) {
  return c->bulk;
}

bool filo_connection_is_dialler(const struct filo_connection *c) {
  return c->dialler;
}

const char *filo_connection_remote(const struct filo_connection *c) {
  return c->remote;
}

size_t filo_connection_queued(const struct filo_connection *c) {
  return filo_output_queued(c);
}

uint64_t filo_connection_bytes_in(const struct filo_connection *c) {
  return c->bytes_in;
}

double filo_connection_rtt(const struct filo_connection *c) {
  return c->keepalive.measured ? c->keepalive.rtt : -1;
}

void filo_connection_stats(const struct filo_connection *c, struct filo_connection_stats *ret) {
  *ret = (struct filo_connection_stats){.bytes_in = c->bytes_in,
                                        .bytes_out = c->bytes_out,
                                        .messages_in = c->messages_in,
                                        .messages_out = c->messages_out,
                                        .queued = filo_output_queued(c),
                                        .idle = filo_connection_clock() - c->heard,
                                        .rtt = filo_connection_rtt(c)};
  if (c->link) ret->acknowledged = filo_link_acknowledged(c->link, &ret->under_way);
}
