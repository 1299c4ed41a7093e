/* Whether the peer is still there. When nothing came from it for a while it is asked, by a ping, and
 * its core answers by itself; when nothing comes after that either, the connection ends. There is
 * one ping under way at most, one pong to be sent at most (for the latest ping: whoever sends more
 * than it reads gets no more queued), and one timer, which looks at the time of the last byte and
 * is not touched by those that come. */
#include <math.h>
#include <time.h>

#include "transport/internal.h"
#include "transport/socket.h"

/* To the microsecond: what is measured may take less than a tick of the coarse clock. */
static double exact_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double idle(const struct filo_connection *c) {
  return filo_connection_clock() - c->heard;
}

static bool may_ask(const struct filo_connection *c) {
  const struct filo_keepalive *k = &c->keepalive;
  return c->options.keepalive > 0 && c->admitted && !k->asked && !k->ping_due;
}

/* Seconds until there is something to do; infinite when that is never. */
static double due(const struct filo_connection *c) {
  double silence = c->options.silence_timeout;
  double left = silence > 0 ? silence - idle(c) : INFINITY;
  return may_ask(c) ? fmin(left, c->options.keepalive - idle(c)) : left;
}

static void set_timer(struct filo_connection *c) {
  double left = due(c);
  if (isinf(left)) return;
  struct timeval delay = filo_delay(left);
  event_add(&c->timer, &delay);
}

static void ask(struct filo_connection *c) {
  if (!may_ask(c)) return;
  c->keepalive.ping_due = true;
  filo_connection_wake(c);
}

void filo_keepalive_open(struct filo_connection *c) {
  c->heard = filo_connection_clock();
  set_timer(c);
}

void filo_keepalive_admit(struct filo_connection *c) {
  ask(c);
}

void filo_keepalive_timer(struct filo_connection *c) {
  struct filo_error err;
  double silent = idle(c);
  if (c->options.silence_timeout > 0 && c->options.silence_timeout - silent <= 0.01) {
    filo_fail(&err, FILO_TIMEOUT, "nothing was heard for %.3g s", silent);
    filo_connection_end(c, &err);
    return;
  }
  if (c->options.keepalive - silent <= 0.01) ask(c);
  set_timer(c);
}

void filo_keepalive_ping(struct filo_connection *c, uint64_t token) {
  c->keepalive.answer = token;
  c->keepalive.pong_due = true;
  filo_connection_wake(c);
}

int filo_keepalive_pong(struct filo_connection *c, uint64_t token, struct filo_error *err) {
  struct filo_keepalive *k = &c->keepalive;
  if (!k->asked || token != k->token)
    return filo_fail(err, FILO_PROTOCOL, "a pong that nobody asked for");
  c->heard = filo_connection_clock();
  k->asked = false;
  k->rtt = exact_clock() - k->asked_at;
  k->measured = true;
  set_timer(c);
  return 0;
}

int filo_keepalive_tell(struct filo_connection *c, struct filo_error *err) {
  struct filo_keepalive *k = &c->keepalive;
  struct filo_frame pong = {.type = FILO_FRAME_PONG, .token = k->answer};
  struct filo_frame ping = {.type = FILO_FRAME_PING, .token = k->token + 1};
  int rc = 0;
  if (c->state != FILO_STATE_OPEN) return 0;
  if (k->pong_due) rc = filo_output_put(c, &pong, NULL, err);
  k->pong_due = false;
  if (rc < 0 || !k->ping_due) return rc;
  k->ping_due = false;
  k->asked = true;
  k->token = ping.token;
  k->asked_at = exact_clock();
  return filo_output_put(c, &ping, NULL, err);
}
