/* What a client is sent: bytes that are written, and those that are pulled from where they lie. */
#include <assert.h>

#include "http/internal.h"
#include "runtime/loop.h"

void filo_http_drop_out(struct filo_http *http) {
  struct filo_pull *out = http->out;
  http->out = NULL;
  if (out) out->drop(out);
}

static void wait_writable(struct filo_http *http) {
  event_add(&http->writable, NULL);
  filo_http_arm(&http->write_timer, http->times.stall);
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
  if (http->code < 0) return filo_http_failure(http, err);
  ssize_t n = filo_link_write(http->link, bytes, len, &want, err);
  if (n < 0) {
    filo_http_fail(http, (int)n, err);
    return n;
  }
  went(http, (size_t)n, want);
  return n;
}

int filo_http_flush(struct filo_http *http, struct filo_error *err) {
  if (http->code < 0) return filo_http_failure(http, err);
  int rc = filo_link_flush(http->link, err);
  if (rc < 0) filo_http_fail(http, rc, err);
  if (rc > 0) wait_writable(http);
  return rc > 0 ? FILO_BUSY : rc;
}

static void end_out(struct filo_http *http, int code, const struct filo_error *err) {
  http->out_code = code;
  if (code < 0) http->out_err = *err;
  filo_http_drop_out(http);
  filo_http_tell_owner(http);
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
    filo_http_fail(http, (int)n, &err);
    return 0;
  }
  http->out_used = (size_t)n;
  *budget -= (size_t)n;
  went(http, (size_t)n, want);
  return !want;
}

static void pump_out(struct filo_http *http) {
  size_t budget = FILO_HTTP_TURN_BUDGET;
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
    filo_http_drop_out(http);
  else
    pump_out(http);
}

int filo_http_sent(const struct filo_http *http, bool *broken, struct filo_error *err) {
  *broken = http->code < 0;
  if (*broken) return filo_http_failure(http, err);
  if (http->out) return FILO_BUSY;
  if (http->out_code < 0) *err = http->out_err;
  return http->out_code;
}

uint64_t filo_http_went(const struct filo_http *http) {
  return http->bytes_out;
}

double filo_http_still(const struct filo_http *http) {
  return filo_now() - http->moved;
}

void filo_http_write_open(struct filo_http *http) {
  struct filo_error err;
  event_del(&http->write_timer);
  int rc = filo_link_flush(http->link, &err);
  if (rc < 0) {
    filo_http_fail(http, rc, &err);
  } else if (rc > 0) {
    wait_writable(http);
  } else if (http->out) {
    pump_out(http);
  } else {
    filo_http_tell_owner(http);
  }
}
