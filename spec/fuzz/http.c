/* Requests of HTTP: heads, bodies of a known length, bodies in chunks. Byte 0 starts the splits, the rest is what
 * comes. However that is cut, the same requests are seen, and the same complaint. */
#include "http/request.h"

#include <string.h>

#include "fuzz.h"

struct outcome {
  unsigned char *bytes; /* heads and bodies, with a mark before each part */
  size_t len, size;
  int status;
};

static void append(struct outcome *to, const void *bytes, size_t len) {
  if (to->len + len > to->size) {
    to->size = 2 * (to->len + len);
    to->bytes = realloc(to->bytes, to->size);
    MUST(to->bytes);
  }
  if (len > 0) memcpy(to->bytes + to->len, bytes, len);
  to->len += len;
}

static bool is_line(const struct filo_http_head *head, struct filo_http_span span) {
  for (uint32_t i = 0; i < span.len; i++)
    if (strchr("\r\n", head->text[span.at + i])) return false; /* a NUL, too */
  return true;
}

static void add_span(struct outcome *to, const struct filo_http_head *head,
                     struct filo_http_span span) {
  MUST(is_line(head, span));
  append(to, &span.len, sizeof span.len);
  append(to, head->text + span.at, span.len);
}

static void add_head(struct outcome *to, const struct filo_http_head *head) {
  MUST(head->count <= FILO_HTTP_FIELDS_MAX && head->minor <= 1);
  MUST(head->target.len > 0 && head->target.len <= FILO_HTTP_TARGET_MAX);
  MUST(!(head->chunked && head->has_length));
  append(to, "H", 1);
  append(to, head->method, strlen(head->method));
  add_span(to, head, head->target);
  for (unsigned i = 0; i < head->count; i++) {
    MUST(head->fields[i].name.len > 0);
    add_span(to, head, head->fields[i].name);
    add_span(to, head, head->fields[i].value);
  }
}

/* A copy of its own: a byte beyond it is noticed. */
static void parse_piece(struct filo_http_parser *parser, const uint8_t *piece, size_t len,
                        struct outcome *to) {
  unsigned char *bytes = malloc(len ? len : 1);
  MUST(bytes);
  memcpy(bytes, piece, len);
  int rc = 0;
  for (size_t at = 0; rc >= 0;) {
    size_t used = 0, body_len = 0;
    const unsigned char *body = NULL;
    struct filo_error err;
    rc = filo_http_parse(parser, bytes + at, len - at, &used, &body, &body_len, &err);
    MUST(used <= len - at);
    if (rc < 0) to->status = filo_http_parser_status(parser);
    if (rc < 0) MUST(err.message[0] && to->status >= 400);
    if (rc == FILO_HTTP_HEAD) add_head(to, filo_http_parser_head(parser));
    if (rc == FILO_HTTP_BODY) {
      MUST(body_len > 0 && body >= bytes + at && body + body_len <= bytes + at + used);
      append(to, body, body_len);
    }
    if (rc == FILO_HTTP_END) append(to, "E", 1);
    at += used;
    if (rc == FILO_HTTP_MORE && at == len) break;
  }
  free(bytes);
}

/* Cuts what comes into pieces of `step` bytes, or of lengths that follow from the seed when step is 0. */
static struct outcome parse(const uint8_t *wire, size_t len, size_t step, uint32_t seed) {
  struct outcome outcome = {0};
  struct filo_http_parser *parser;
  struct filo_error err;
  MUST(filo_http_parser_new(&parser, &err) == 0);
  for (size_t at = 0; at < len && !outcome.status;) {
    seed = seed * 1103515245 + 12345;
    size_t n = step ? step : 1 + (seed >> 16) % 40;
    if (n > len - at) n = len - at;
    parse_piece(parser, wire + at, n, &outcome);
    at += n;
  }
  filo_http_parser_free(parser);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  if (len < 1) return 0;
  const uint8_t *wire = bytes + 1;
  len--;
  struct outcome whole = parse(wire, len, len ? len : 1, bytes[0]);
  for (size_t step = 0; step <= 2; step++) {
    struct outcome split = parse(wire, len, step, bytes[0]);
    MUST(split.status == whole.status);
    MUST(split.len == whole.len);
    MUST(whole.len == 0 || memcmp(split.bytes, whole.bytes, whole.len) == 0);
    free(split.bytes);
  }
  free(whole.bytes);
  return 0;
}
