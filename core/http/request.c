#include "http/request.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
  TEXT_FIRST = 1024,
  /* Of a body in chunks, beside its bytes: sizes, extensions, trailers. Chunks of one byte need 5 for each. */
  AROUND_MAX = 16 * 1024,
  AROUND_PER_BYTE = 16
};

/* What llhttp lets pass in the lines of a head, or of trailers. */
struct lines {
  unsigned char last; /* byte */
  bool first;         /* the request line has not ended */
  unsigned blanks;    /* in it */
  uint32_t at;        /* in the line */
};

struct filo_http_parser {
  llhttp_t llhttp;
  struct filo_http_head head;
  struct filo_http_field fields[FILO_HTTP_FIELDS_MAX];
  char *text; /* of the head; NULL while there is none */
  uint32_t used, size;
  uint64_t around, body; /* bytes: of the head, or around the body; of the body */
  bool begun, has_head, ended;
  bool trailing; /* after the last chunk */
  struct lines lines;
  unsigned hosts, codings;
  const unsigned char *piece;
  size_t piece_len;
  enum filo_http_part part; /* that a callback has come to */
  int status;               /* of a refusal */
  struct filo_error err;
};

static struct filo_http_parser *owner(llhttp_t *llhttp) {
  return (struct filo_http_parser *)llhttp;
}

/* From a callback. */
static int refuse(struct filo_http_parser *parser, int status, const char *why) {
  if (parser->status) return -1;
  parser->status = status;
  filo_fail(&parser->err, FILO_INVALID, "%s", why);
  return -1;
}

/* --- Lines --- */

static const char *check_request_line(struct lines *lines, unsigned char byte) {
  static const char protocol[] = "HTTP/";
  if (byte == '\t') return "a tab is in the request line";
  if (byte == ' ' && ++lines->blanks > 2) return "the request line has more than two blanks";
  if (byte == ' ' && lines->last == ' ') return "a blank follows another in the request line";
  if (byte == ' ' && lines->blanks == 2) lines->at = UINT32_MAX; /* 0 for what follows */
  if (lines->blanks == 2 && lines->at < sizeof protocol - 1 && byte != protocol[lines->at])
    return "the request is of another protocol";
  return NULL;
}

static const char *check_byte(struct lines *lines, unsigned char byte) {
  if ((byte == '\n') != (lines->last == '\r')) return "a line does not end with CR and LF";
  if (byte == '\r' || byte == '\n') return NULL;
  if (lines->first) return check_request_line(lines, byte);
  if (lines->at == 0 && (byte == ' ' || byte == '\t'))
    return "a header field goes on in another line";
  if (lines->at == 0 && byte == ':') return "a header field has no name";
  return NULL;
}

static int check_lines(struct filo_http_parser *parser, const unsigned char *bytes, size_t len) {
  struct lines *lines = &parser->lines;
  for (size_t i = 0; i < len; i++) {
    const char *why = check_byte(lines, bytes[i]);
    if (why) return refuse(parser, 400, why);
    if (bytes[i] == '\n' && lines->blanks > 0) lines->first = false; /* not one before it */
    lines->at = bytes[i] == '\n' ? 0 : lines->at + 1;
    lines->last = bytes[i];
  }
  return 0;
}

/* --- The text of a head --- */

static int append(struct filo_http_parser *parser, const char *bytes, size_t len) {
  if (parser->used + len > parser->size) {
    size_t size = parser->size ? parser->size : TEXT_FIRST;
    while (size < parser->used + len) size *= 2;
    char *text = realloc(parser->text, size);
    if (!text) return refuse(parser, 503, "no memory for a request");
    parser->text = text;
    parser->size = (uint32_t)size;
  }
  memcpy(parser->text + parser->used, bytes, len);
  parser->used += (uint32_t)len;
  return 0;
}

static void forget_head(struct filo_http_parser *parser) {
  free(parser->text);
  parser->text = NULL;
  parser->used = parser->size = 0;
  memset(&parser->head, 0, sizeof parser->head);
  parser->around = parser->body = 0;
  parser->hosts = parser->codings = 0;
  parser->begun = parser->has_head = parser->ended = parser->trailing = false;
  parser->lines = (struct lines){.first = true};
}

static bool span_is(const struct filo_http_parser *parser, struct filo_http_span span,
                    const char *text) {
  return span.len == strlen(text) && strncasecmp(parser->text + span.at, text, span.len) == 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static void trim(const struct filo_http_parser *parser, struct filo_http_span *span) {
  while (span->len > 0 && is_blank(parser->text[span->at])) span->at++, span->len--;
  while (span->len > 0 && is_blank(parser->text[span->at + span->len - 1])) span->len--;
}

/* --- What llhttp calls --- */

static int on_message_begin(llhttp_t *llhttp) {
  struct filo_http_parser *parser = owner(llhttp);
  memset(&parser->fields[0], 0, sizeof parser->fields[0]);
  parser->begun = true;
  return 0;
}

static int on_url(llhttp_t *llhttp, const char *bytes, size_t len) {
  struct filo_http_parser *parser = owner(llhttp);
  parser->head.target.len += (uint32_t)len;
  if (parser->head.target.len > FILO_HTTP_TARGET_MAX)
    return refuse(parser, 414, "the request target is too long");
  return append(parser, bytes, len);
}

static int on_header_field(llhttp_t *llhttp, const char *bytes, size_t len) {
  struct filo_http_parser *parser = owner(llhttp);
  if (parser->has_head) return 0; /* a trailer: nobody reads them */
  if (parser->head.count == FILO_HTTP_FIELDS_MAX)
    return refuse(parser, 431, "the request has too many header fields");
  struct filo_http_field *field = &parser->fields[parser->head.count];
  if (field->name.len == 0) field->name.at = parser->used;
  if (append(parser, bytes, len) < 0) return -1;
  char *name = parser->text + field->name.at + field->name.len;
  for (size_t i = 0; i < len; i++)
    if (name[i] >= 'A' && name[i] <= 'Z') name[i] = (char)(name[i] - 'A' + 'a');
  field->name.len += (uint32_t)len;
  return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *bytes, size_t len) {
  struct filo_http_parser *parser = owner(llhttp);
  if (parser->has_head) return 0;
  struct filo_http_field *field = &parser->fields[parser->head.count];
  if (field->value.len == 0) field->value.at = parser->used;
  field->value.len += (uint32_t)len;
  return append(parser, bytes, len);
}

static int note_field(struct filo_http_parser *parser, const struct filo_http_field *field) {
  if (span_is(parser, field->name, "host")) parser->hosts++;
  if (span_is(parser, field->name, "transfer-encoding")) {
    if (!span_is(parser, field->value, "chunked") || ++parser->codings > 1)
      return refuse(parser, 501, "no transfer coding but \"chunked\" is known here");
  }
  if (span_is(parser, field->name, "expect")) {
    if (!span_is(parser, field->value, "100-continue"))
      return refuse(parser, 417, "nothing but \"100-continue\" can be expected");
    parser->head.expects = true;
  }
  return 0;
}

static int on_header_value_complete(llhttp_t *llhttp) {
  struct filo_http_parser *parser = owner(llhttp);
  if (parser->has_head) return 0;
  struct filo_http_field *field = &parser->fields[parser->head.count];
  trim(parser, &field->value);
  if (note_field(parser, field) < 0) return -1;
  if (++parser->head.count < FILO_HTTP_FIELDS_MAX)
    memset(&parser->fields[parser->head.count], 0, sizeof *field);
  return 0;
}

static int check_head(struct filo_http_parser *parser) {
  if (parser->llhttp.http_major != 1)
    return refuse(parser, 505, "no version of HTTP but 1.1 and 1.0 is spoken here");
  if (parser->hosts > 1 || (parser->hosts == 0 && parser->head.minor > 0))
    return refuse(parser, 400, "a request has one Host field");
  if (parser->codings > 0 && parser->head.minor == 0)
    return refuse(parser, 400, "HTTP/1.0 has no transfer codings");
  if (parser->llhttp.method == HTTP_CONNECT || parser->llhttp.method == HTTP_PRI)
    return refuse(parser, 501, "this is no proxy, and does not speak HTTP/2");
  return 0;
}

static int on_headers_complete(llhttp_t *llhttp) {
  struct filo_http_parser *parser = owner(llhttp);
  struct filo_http_head *head = &parser->head;
  head->minor = llhttp->http_minor;
  if (check_head(parser) < 0) return -1;
  head->method = llhttp_method_name(llhttp->method);
  head->text = parser->text;
  head->fields = parser->fields;
  head->keep_alive = llhttp_should_keep_alive(llhttp);
  head->chunked = parser->codings > 0;
  head->has_length = llhttp->flags & F_CONTENT_LENGTH;
  head->length = head->has_length ? llhttp->content_length : 0;
  if (!head->chunked && head->length == 0) head->expects = false;
  llhttp->upgrade = 0; /* the client is answered in the protocol that it began with */
  parser->has_head = true;
  parser->part = FILO_HTTP_HEAD;
  return HPE_PAUSED;
}

static int on_body(llhttp_t *llhttp, const char *bytes, size_t len) {
  struct filo_http_parser *parser = owner(llhttp);
  if (len == 0) return 0; /* it was called without bytes */
  parser->piece = (const unsigned char *)bytes;
  parser->piece_len = len;
  parser->part = FILO_HTTP_BODY;
  return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *llhttp) {
  if (llhttp->content_length > 0) return 0;
  owner(llhttp)->trailing = true;
  owner(llhttp)->lines = (struct lines){0};
  return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp) {
  owner(llhttp)->part = FILO_HTTP_END;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* --- Life --- */

int filo_http_parser_new(struct filo_http_parser **ret, struct filo_error *err) {
  struct filo_http_parser *parser = calloc(1, sizeof *parser);
  if (!parser) return filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
  llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
  forget_head(parser);
  *ret = parser;
  return 0;
}

void filo_http_parser_free(struct filo_http_parser *parser) {
  if (!parser) return;
  free(parser->text);
  free(parser);
}

const struct filo_http_head *filo_http_parser_head(const struct filo_http_parser *parser) {
  return &parser->head;
}

bool filo_http_parser_idle(const struct filo_http_parser *parser) {
  return !parser->begun || parser->ended;
}

int filo_http_parser_status(const struct filo_http_parser *parser) {
  return parser->status;
}

/* --- Parsing --- */

/* Bytes that are none of HTTP at all, as the first ones of TLS, make no method. */
static int status_of(llhttp_errno_t code, unsigned char first) {
  switch (code) {
  case HPE_INVALID_METHOD:
    return first >= 'A' && first <= 'Z' ? 501 : 400;
  case HPE_INVALID_VERSION:
    return 505;
  default:
    return 400;
  }
}

/* Of what is no body: bounded. */
static int count_around(struct filo_http_parser *parser, size_t bytes) {
  bool in_head = !parser->has_head || parser->part == FILO_HTTP_HEAD;
  parser->around += bytes;
  if (in_head && parser->around > FILO_HTTP_HEAD_MAX)
    return refuse(parser, 431, "the head of the request is too long");
  if (!in_head && parser->around > AROUND_MAX + AROUND_PER_BYTE * parser->body)
    return refuse(parser, 400, "too much lies between the chunks of the body");
  if (parser->part == FILO_HTTP_HEAD) parser->around = 0;
  return 0;
}

static int failed(const struct filo_http_parser *parser, struct filo_error *err) {
  if (err) *err = parser->err;
  return FILO_INVALID;
}

/* Up to where a callback paused it. */
static size_t execute(struct filo_http_parser *parser, const unsigned char *bytes, size_t len) {
  const char *begin = len > 0 ? (const char *)bytes : "";
  llhttp_errno_t code = llhttp_execute(&parser->llhttp, begin, len);
  if (code == HPE_OK) return len;
  if (code == HPE_PAUSED) {
    llhttp_resume(&parser->llhttp);
    return (size_t)(llhttp_get_error_pos(&parser->llhttp) - begin);
  }
  unsigned char first = len > 0 ? bytes[0] : 0;
  refuse(parser, status_of(code, first), llhttp_get_error_reason(&parser->llhttp));
  return len;
}

int filo_http_parse(struct filo_http_parser *parser, const unsigned char *bytes, size_t len,
                    size_t *used, const unsigned char **piece, size_t *piece_len,
                    struct filo_error *err) {
  *used = 0;
  if (parser->status) return failed(parser, err);
  if (parser->ended && len == 0) return FILO_HTTP_MORE;
  if (parser->ended) forget_head(parser);
  bool in_lines = !parser->has_head || parser->trailing;
  parser->part = FILO_HTTP_MORE;
  parser->piece_len = 0;
  *used = execute(parser, bytes, len);
  if (!parser->status && in_lines) check_lines(parser, bytes, *used);
  parser->body += parser->piece_len;
  if (parser->status || count_around(parser, *used - parser->piece_len) < 0)
    return failed(parser, err);
  *piece = parser->piece;
  *piece_len = parser->piece_len;
  parser->ended = parser->part == FILO_HTTP_END;
  return (int)parser->part;
}
