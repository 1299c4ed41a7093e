/* One connection of a client of HTTP/1.1 to a server: requests come one after the other, and what is answered
 * goes the same way. It waits for nobody: what is not possible yet is FILO_BUSY, and `changed` tells when to
 * look again.
 *
 * Memory: what has come and is not used, at most 64 KiB; nothing while it is idle. Bytes of a body are
 * read when there is room for them only, so that a client is held up by who takes them. Loop thread; reference
 * counted.
 */
#ifndef FILO_HTTP_CONNECTION_H
#define FILO_HTTP_CONNECTION_H

#include <event2/event.h>

#include "http/request.h"
#include "transfer/pull.h"
#include "transport/link.h"

/* Seconds. */
struct filo_http_times {
  double idle;  /* until the first byte of a request: then the connection ends, as in order */
  double head;  /* from there until its head is whole; until TLS has said hello */
  double stall; /* in which the client has sent nothing of a body, or taken nothing of an answer */
};

struct filo_http;

typedef void filo_http_fn(void *ctx);

/* Takes fd, also on failure. tls NULL: none. */
int filo_http_new(struct event_base *base, int fd, struct filo_tls *tls,
                  const struct filo_http_times *times, filo_http_fn *changed, void *ctx,
                  struct filo_http **ret, struct filo_error *err);

struct filo_http *filo_http_ref(struct filo_http *http);
void filo_http_unref(struct filo_http *http);

/* When the answer before is written and the body before has ended: 1 and the head of the next request, which
 * holds until its body has ended; 0 when the client has ended, or has been idle for too long. FILO_INVALID: it
 * is none; then filo_http_status says what to answer. FILO_TIMEOUT, FILO_UNREACHABLE. */
int filo_http_request(struct filo_http *http, const struct filo_http_head **head,
                      struct filo_error *err);
int filo_http_status(const struct filo_http *http);

/* Nobody waits any more for what FILO_BUSY was said of, a request or some of a body: it may take its time. */
void filo_http_give_up(struct filo_http *http);

/* The request's body, as the `next` of a pull. Or that pull, which holds a reference until it is dropped, and is told
 * as the owner is. One of them at a time. */
int filo_http_read(struct filo_http *http, size_t used, const unsigned char **bytes, size_t *len,
                   struct filo_error *err);
struct filo_pull *filo_http_body(struct filo_http *http);
void filo_http_skip(struct filo_http *http, size_t used); /* of the last piece */
bool filo_http_is_taken(const struct filo_http *http);

/* Copies from bytes; returns how many were taken. Fewer than len: wait for `changed`. */
int64_t filo_http_write(struct filo_http *http, const unsigned char *bytes, size_t len,
                        struct filo_error *err);

/* 0 when all that was written is with the system. */
int filo_http_flush(struct filo_http *http, struct filo_error *err);

/* Sends all that is pulled; takes the pull. Nothing else may be written until filo_http_sent gives 0, or why it
 * failed: *broken tells whether it is the connection that did. */
void filo_http_send(struct filo_http *http, struct filo_pull *pull);
int filo_http_sent(const struct filo_http *http, bool *broken, struct filo_error *err);

/* Bytes that the client was sent. */
uint64_t filo_http_went(const struct filo_http *http);

/* Seconds since it gave or took a byte. */
double filo_http_still(const struct filo_http *http);

/* `changed` is not called any more. What was written still goes out, for 2 seconds, unless abrupt, or something is
 * being sent: then the connection is reset, and the client sees that the answer is not whole. Who takes the body gets FILO_CLOSED. */
void filo_http_close(struct filo_http *http, bool abrupt);

#endif
