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

/* The lines of a head, or of trailers: what llhttp lets pass, and where they end. */
struct lines {
  bool begun;          /* the request line has */
  bool in_fields;      /* it has ended */
  unsigned char first; /* byte of it */
  unsigned char last;  /* byte */
  unsigned blanks;     /* in it */
  uint32_t at;         /* in the line, or since the last of these blanks */
};

struct filo_http_parser {
  llhttp_t llhttp;
  struct filo_http_head head;
  struct filo_http_field fields[FILO_HTTP_FIELDS_MAX + 1]; /* the last for what is too much */
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

struct complaint {
  int status; /* 0: there is none */
  const char *why;
};

static struct complaint check_request_line(const struct lines *lines, unsigned char byte) {
  static const unsigned char protocol[] = "HTTP/";
  if (byte == '\t') return (struct complaint){400, "a tab is in the request line"};
  if (byte == ' ' && lines->blanks == 2)
    return (struct complaint){400, "the request line has more than two blanks"};
  if (lines->blanks == 1 && byte != ' ' && lines->at == FILO_HTTP_TARGET_MAX)
    return (struct complaint){414, "the request target is too long"};
  if (lines->blanks == 2 && lines->at < sizeof protocol - 1 && byte != protocol[lines->at])
    return (struct complaint){400, "the request is of another protocol"};
  return (struct complaint){0};
}

static struct complaint check_byte(const struct lines *lines, unsigned char byte) {
  if ((byte == '\n') != (lines->last == '\r'))
    return (struct complaint){400, "a line does not end with CR and LF"};
  if (byte == '\r' || byte == '\n') return (struct complaint){0};
  if (!lines->in_fields) return check_request_line(lines, byte);
  if (lines->at == 0 && (byte == ' ' || byte == '\t'))
    return (struct complaint){400, "a header field goes on in another line"};
  if (lines->at == 0 && byte == ':') return (struct complaint){400, "a header field has no name"};
  return (struct complaint){0};
}

/* True when the byte ends them all. */
static bool note_byte(struct lines *lines, unsigned char byte) {
  lines->last = byte;
  if (byte == '\r') return false;
  if (byte == '\n') {
    bool was_empty = lines->in_fields && lines->at == 0;
    lines->in_fields |= lines->begun; /* empty lines before a request are none of it */
    lines->at = 0;
    return was_empty;
  }
  if (!lines->begun) lines->first = byte;
  lines->begun = true;
  bool parts = byte == ' ' && !lines->in_fields;
  if (parts) lines->blanks++;
  lines->at = parts ? 0 : lines->at + 1;
  return false;
}

/* How many bytes belong to the lines, up to their end or to what is wrong. */
static size_t count_good(struct lines *lines, const unsigned char *bytes, size_t len,
                         struct complaint *ret) {
  for (size_t i = 0; i < len; i++) {
    *ret = check_byte(lines, bytes[i]);
    if (ret->status) return i;
    if (note_byte(lines, bytes[i])) return i + 1;
  }
  return len;
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
  parser->lines = (struct lines){0};
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
  return append(parser, bytes, len);
}

static int on_header_field(llhttp_t *llhttp, const char *bytes, size_t len) {
  struct filo_http_parser *parser = owner(llhttp);
  if (parser->has_head) return 0; /* a trailer: nobody reads them */
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
  if (parser->head.count == FILO_HTTP_FIELDS_MAX)
    return refuse(parser, 431, "the request has too many header fields");
  memset(&parser->fields[++parser->head.count], 0, sizeof *field);
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
  if ((parser->llhttp.flags & F_CONTENT_LENGTH) && parser->llhttp.content_length > INT64_MAX)
    return refuse(parser, 413, "the body is longer than anything is");
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
  if (head->minor == 0) head->expects = false;
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
  owner(llhttp)->lines = (struct lines){.begun = true, .in_fields = true};
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
  refuse(parser, status_of(code, parser->lines.first), llhttp_get_error_reason(&parser->llhttp));
  return len;
}

/* Head and trailers are gone through here before, as far as they are good. */
static size_t parse_lines(struct filo_http_parser *parser, const unsigned char *bytes, size_t len) {
  struct complaint complaint = {0};
  size_t good = count_good(&parser->lines, bytes, len, &complaint);
  size_t used = execute(parser, bytes, good);
  if (complaint.status && used == good) refuse(parser, complaint.status, complaint.why);
  return used;
}

/* What is no body is bounded. */
static void count_around(struct filo_http_parser *parser, size_t bytes, bool in_head) {
  parser->around += bytes;
  if (in_head && parser->around > FILO_HTTP_HEAD_MAX)
    refuse(parser, 431, "the head of the request is too long");
  if (!in_head && parser->around > AROUND_MAX + AROUND_PER_BYTE * parser->body)
    refuse(parser, 400, "too much lies between the chunks of the body");
  if (parser->part == FILO_HTTP_HEAD) parser->around = 0;
  parser->body += parser->piece_len;
}

int filo_http_parse(struct filo_http_parser *parser, const unsigned char *bytes, size_t len,
                    size_t *used, const unsigned char **piece, size_t *piece_len,
                    struct filo_error *err) {
  *used = 0;
  if (parser->status) return failed(parser, err);
  if (parser->ended && len == 0) return FILO_HTTP_MORE;
  if (parser->ended) forget_head(parser);
  bool in_head = !parser->has_head;
  if (in_head && len > FILO_HTTP_HEAD_MAX + 1 - parser->around)
    len = FILO_HTTP_HEAD_MAX + 1 - parser->around;
  parser->part = FILO_HTTP_MORE;
  parser->piece_len = 0;
  *used =
      in_head || parser->trailing ? parse_lines(parser, bytes, len) : execute(parser, bytes, len);
  if (!parser->status) count_around(parser, *used - parser->piece_len, in_head);
  if (parser->status) return failed(parser, err);
  *piece = parser->piece;
  *piece_len = parser->piece_len;
  parser->ended = parser->part == FILO_HTTP_END;
  return (int)parser->part;
}
