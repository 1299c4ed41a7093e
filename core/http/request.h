/* Requests of HTTP/1.1, from bytes to heads and pieces of bodies (RFC 9112), by llhttp in its strict mode, and
 * stricter still: what two programs may read differently is refused, so that nothing is smuggled past one
 * of them. Touches neither sockets nor Lua; one thread at a time.
 */
#ifndef FILO_HTTP_REQUEST_H
#define FILO_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
  FILO_HTTP_HEAD_MAX = 64 * 1024,   /* bytes of a head, as it came */
  FILO_HTTP_TARGET_MAX = 16 * 1024, /* of them of the request target */
  FILO_HTTP_FIELDS_MAX = 128        /* header fields */
};

/* A part of a head's text. */
struct filo_http_span {
  uint32_t at, len;
};

struct filo_http_field {
  struct filo_http_span name,
      value; /* the name in lower case; the value without blanks around it */
};

/* What came before the body. */
struct filo_http_head {
  const char *method;
  const char *text;
  struct filo_http_span target;
  const struct filo_http_field *fields;
  unsigned count;
  unsigned minor;  /* 0 or 1 of HTTP/1 */
  bool keep_alive; /* the client allows another request on the connection */
  bool expects;    /* it waits for "100 Continue" before it sends the body */
  bool has_length; /* of the body, as it was announced; else it comes in chunks, or there is none */
  bool chunked;
  uint64_t length;
};

enum filo_http_part {
  FILO_HTTP_MORE, /* nothing yet: once all bytes are used, others are wanted. Parts may come without bytes, too */
  FILO_HTTP_HEAD, /* the head is whole */
  FILO_HTTP_BODY, /* a piece of the body */
  FILO_HTTP_END   /* of the request */
};

struct filo_http_parser;

int filo_http_parser_new(struct filo_http_parser **ret, struct filo_error *err);
void filo_http_parser_free(struct filo_http_parser *parser);

/* Takes bytes from the front, *used of them, up to the next part, and says which that is. A piece of the body lies in
 * these bytes, and is among the used ones. FILO_INVALID for what is no request, from then on always: then
 * filo_http_parser_status. */
int filo_http_parse(struct filo_http_parser *parser, const unsigned char *bytes, size_t len,
                    size_t *used, const unsigned char **piece, size_t *piece_len,
                    struct filo_error *err);

/* Since FILO_HTTP_HEAD, until filo_http_parse is called after FILO_HTTP_END. */
const struct filo_http_head *filo_http_parser_head(const struct filo_http_parser *parser);

/* Whether nothing of a next request has come. */
bool filo_http_parser_idle(const struct filo_http_parser *parser);

/* What to answer to what was refused: 400, 413, 414, 417, 431, 501, 505. */
int filo_http_parser_status(const struct filo_http_parser *parser);

#endif
