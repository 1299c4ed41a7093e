/* What the files of a connection share: nobody else includes this.
 *
 *     connection   life, the first bytes and the last ones, time limits
 *     incoming     what the client sends: requests, bodies
 *     outgoing     what it is sent
 */
#ifndef FILO_HTTP_INTERNAL_H
#define FILO_HTTP_INTERNAL_H

#include <event2/event_struct.h>

#include "http/connection.h"

enum {
  FILO_HTTP_IN_SIZE = 64 * 1024,
  FILO_HTTP_TURN_BUDGET = 256 * 1024 /* read or written in one go, before others get their turn */
};

enum filo_http_state {
  FILO_HTTP_HANDSHAKE,
  FILO_HTTP_OPEN,
  FILO_HTTP_PARTING, /* the owner has closed it: what was written goes out */
  FILO_HTTP_CLOSED
};

struct filo_http {
  unsigned refs;
  enum filo_http_state state;
  struct filo_link *link; /* NULL: closed */
  struct event readable, writable, read_timer, write_timer;
  struct filo_http_times times;
  filo_http_fn *changed; /* NULL: the owner has closed it */
  void *ctx;

  unsigned char *in; /* FILO_HTTP_IN_SIZE of them; NULL while there are none */
  size_t start, end;
  bool ended, full;    /* no more comes; it is not read for now */
  bool awaiting, late; /* a request is waited for, and has not come in time */
  uint64_t bytes_out;
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

#define FILO_HTTP_SENT_NOTHING "the client has sent nothing for too long"

/* connection.c */
void filo_http_tell_owner(const struct filo_http *http);
void filo_http_tell_all(const struct filo_http *http); /* who takes the body, too */
/* Ends it: all get this error from now on. */
void filo_http_fail(struct filo_http *http, int code, const struct filo_error *err);
int filo_http_failure(const struct filo_http *http, struct filo_error *err);
void filo_http_arm(struct event *timer, double seconds);

/* incoming.c: when the socket is readable; and memory of FILO_HTTP_IN_SIZE bytes that is no longer used. */
void filo_http_read_open(struct filo_http *http);
void filo_http_init_body(struct filo_http *http);
void filo_http_give_memory(unsigned char *memory);

/* outgoing.c: when it is writable; and giving up what is being sent. */
void filo_http_write_open(struct filo_http *http);
void filo_http_drop_out(struct filo_http *http);

#endif
