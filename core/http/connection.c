#include "http/connection.h"

#include <stdlib.h>

#include "http/internal.h"
#include "runtime/loop.h"
#include "transport/socket.h"

enum { PARTING_SECONDS = 2 };

/* --- Telling, failing --- */

void filo_http_tell_owner(const struct filo_http *http) {
  if (http->changed) http->changed(http->ctx);
}

void filo_http_tell_all(const struct filo_http *http) {
  if (http->taken) filo_pull_tell(&http->body);
  filo_http_tell_owner(http);
}

static void stop_events(struct filo_http *http) {
  event_del(&http->readable);
  event_del(&http->writable);
  event_del(&http->read_timer);
  event_del(&http->write_timer);
}

void filo_http_fail(struct filo_http *http, int code, const struct filo_error *err) {
  if (http->code < 0) return;
  http->code = code;
  http->err = *err;
  stop_events(http);
  filo_http_drop_out(http);
  filo_http_tell_all(http);
}

int filo_http_failure(const struct filo_http *http, struct filo_error *err) {
  if (err) *err = http->err;
  return http->code;
}

void filo_http_arm(struct event *timer, double seconds) {
  const struct timeval delay = filo_delay(seconds);
  event_add(timer, &delay);
}

/* --- Life --- */

static void close_link(struct filo_http *http) {
  if (http->state == FILO_HTTP_CLOSED) return;
  http->state = FILO_HTTP_CLOSED;
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
  filo_http_give_memory(http->in);
  free(http);
}

/* --- The first bytes, and the last ones --- */

static void shake_hands(struct filo_http *http) {
  struct filo_error err;
  int rc = filo_link_handshake(http->link, &err);
  if (rc < 0) {
    filo_http_fail(http, rc, &err);
    return;
  }
  if (rc == FILO_LINK_WANT_WRITE) event_add(&http->writable, NULL);
  if (rc > 0) return;
  http->state = FILO_HTTP_OPEN;
  event_del(&http->read_timer);
  http->awaiting = false;
  if (filo_link_pending(http->link)) event_active(&http->readable, EV_READ, 0);
  filo_http_tell_owner(http);
}

static void part_ways(struct filo_http *http) {
  int rc = filo_link_finish(http->link, NULL);
  if (rc == FILO_LINK_WANT_WRITE) event_add(&http->writable, NULL);
  if (rc > 0) return;
  close_link(http);
  filo_http_unref(http); /* its own */
}

/* --- Events --- */

static void on_readable(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct filo_http *http = filo_http_ref(ctx);
  if (http->state == FILO_HTTP_HANDSHAKE)
    shake_hands(http);
  else if (http->state == FILO_HTTP_OPEN)
    filo_http_read_open(http);
  else if (http->state == FILO_HTTP_PARTING)
    part_ways(http);
  filo_http_unref(http);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct filo_http *http = filo_http_ref(ctx);
  if (http->state == FILO_HTTP_HANDSHAKE)
    shake_hands(http);
  else if (http->state == FILO_HTTP_OPEN && http->code == 0)
    filo_http_write_open(http);
  else if (http->state == FILO_HTTP_PARTING)
    part_ways(http);
  filo_http_unref(http);
}

static void on_late(struct filo_http *http, const char *why) {
  struct filo_error err;
  filo_http_ref(http);
  if (http->state == FILO_HTTP_PARTING) {
    close_link(http);
    filo_http_unref(http);
  } else {
    filo_http_fail(http, filo_fail(&err, FILO_TIMEOUT, "%s", why), &err);
  }
  filo_http_unref(http);
}

/* Who has not sent a request in time can still be told so. */
static void on_read_late(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct filo_http *http = ctx;
  http->late = http->state == FILO_HTTP_OPEN && http->awaiting;
  if (http->late)
    filo_http_tell_owner(http);
  else
    on_late(http, FILO_HTTP_SENT_NOTHING);
}

static void on_write_late(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  on_late(ctx, "the client has taken nothing for too long");
}

void filo_http_close(struct filo_http *http, bool abrupt) {
  if (!http) return;
  bool whole = !abrupt && !http->out, open = http->state == FILO_HTTP_OPEN && http->code == 0;
  http->changed = NULL;
  filo_http_drop_out(http);
  stop_events(http);
  if (open && whole) {
    http->state = FILO_HTTP_PARTING;
    filo_http_ref(http);
    event_add(&http->readable, NULL);
    filo_http_arm(&http->read_timer, PARTING_SECONDS);
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
  filo_http_init_body(http);
  event_assign(&http->readable, base, fd, EV_READ | EV_PERSIST, on_readable, http);
  event_assign(&http->writable, base, fd, EV_WRITE, on_writable, http);
  evtimer_assign(&http->read_timer, base, on_read_late, http);
  evtimer_assign(&http->write_timer, base, on_write_late, http);
  event_add(&http->readable, NULL);
  http->state = tls ? FILO_HTTP_HANDSHAKE : FILO_HTTP_OPEN;
  if (tls) filo_http_arm(&http->read_timer, times->head);
  *ret = http;
  return 0;
}
