#include "s3/frames.h"

#include <string.h>
#include <strings.h>

#include "bytes.h"

#define SIGNED_CHUNK ";chunk-signature="
#define SIGNED_TRAILERS "x-amz-trailer-signature"

static const uint64_t CHUNK_MAX = UINT64_C(1) << 62;

/* --- Lines --- */

/* 1: it is whole, with its LF; 0: more is wanted. */
static int read_line(struct filo_s3_frames *frames, const unsigned char *bytes, size_t len,
                     size_t max, size_t *used, struct filo_error *err) {
  const unsigned char *end = memchr(bytes, '\n', len);
  size_t n = end ? (size_t)(end - bytes) + 1 : len;
  if (n > max - frames->line_len)
    return filo_fail(err, FILO_INVALID, "the lines of aws-chunked beside its data are too long");
  memcpy(frames->line + frames->line_len, bytes, n);
  frames->line_len += n;
  *used = n;
  return end ? 1 : 0;
}

static bool is_empty(const struct filo_s3_frames *frames) {
  return frames->line_len == 2 && memcmp(frames->line, "\r\n", 2) == 0;
}

/* --- The line before a chunk --- */

static size_t count_digits(const char *text, size_t len) {
  size_t count = 0;
  while (count < len && filo_hex_digit(text[count]) >= 0) count++;
  return count;
}

static bool read_signature(struct filo_s3_signature *signature, const char *text, size_t len) {
  signature->is_there = len == 2 * sizeof signature->bytes &&
                        filo_unhex(signature->bytes, text, sizeof signature->bytes) == 0;
  return signature->is_there;
}

static bool read_size(struct filo_s3_frames *frames, size_t digits) {
  uint64_t size = 0;
  for (size_t i = 0; i < digits && i < 16; i++)
    size = size << 4 | (uint64_t)filo_hex_digit(frames->line[i]);
  frames->left = size;
  return digits > 0 && digits <= 16 && size <= CHUNK_MAX;
}

static int read_header(struct filo_s3_frames *frames, struct filo_error *err) {
  static const size_t name_len = sizeof SIGNED_CHUNK - 1;
  const char *line = frames->line;
  size_t len = frames->line_len, digits = count_digits(line, len);
  bool good = len >= 2 && line[len - 2] == '\r' && read_size(frames, digits);
  frames->chunk.is_there = false;
  if (good && digits != len - 2)
    good = len - 2 - digits > name_len && memcmp(line + digits, SIGNED_CHUNK, name_len) == 0 &&
           read_signature(&frames->chunk, line + digits + name_len, len - 2 - digits - name_len);
  if (good) return FILO_S3_CHUNK;
  return filo_fail(err, FILO_INVALID, "a chunk of aws-chunked begins with no size and signature");
}

/* --- Trailers --- */

static bool is_name(const char *text, size_t len) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_letter && !(c >= '0' && c <= '9') && (c == 0 || !strchr(others, c))) return false;
  }
  return len > 0;
}

static bool is_value(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] != '\t' && !(text[i] >= ' ' && text[i] <= '~')) return false;
  return true;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool is_known(const struct filo_s3_frames *frames, const char *name, size_t len) {
  const char *at = frames->text, *end = at + frames->text_len;
  while (at < end) {
    if ((size_t)(end - at) > len && at[len] == ':' && strncasecmp(at, name, len) == 0) return true;
    at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
  }
  return false;
}

/* What is kept is no longer than what came. */
static void keep(struct filo_s3_frames *frames, const char *name, size_t name_len,
                 const char *value, size_t value_len) {
  char *to = frames->text + frames->text_len;
  for (size_t i = 0; i < name_len; i++)
    to[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
  to[name_len] = ':';
  memcpy(to + name_len + 1, value, value_len);
  to[name_len + 1 + value_len] = '\n';
  frames->text_len += name_len + value_len + 2;
}

static bool read_trailer(struct filo_s3_frames *frames, size_t len) {
  const char *name = frames->line, *colon = memchr(name, ':', len);
  if (!colon || frames->trailers.is_there) return false;
  size_t name_len = (size_t)(colon - name);
  const char *value = colon + 1, *end = name + len;
  while (value < end && is_blank(*value)) value++;
  while (value < end && is_blank(end[-1])) end--;
  size_t value_len = (size_t)(end - value);
  if (!is_name(name, name_len) || !is_value(value, value_len)) return false;
  if (name_len == sizeof SIGNED_TRAILERS - 1 && strncasecmp(name, SIGNED_TRAILERS, name_len) == 0)
    return read_signature(&frames->trailers, value, value_len);
  if (is_known(frames, name, name_len)) return false;
  keep(frames, name, name_len, value, value_len);
  return true;
}

static int end_line_of_trailers(struct filo_s3_frames *frames, struct filo_error *err) {
  size_t len = frames->line_len;
  bool was_bare = frames->bare;
  frames->trailers_came += len;
  frames->bare = len < 2 || frames->line[len - 2] != '\r';
  if (is_empty(frames)) {
    if (!was_bare) frames->state = FILO_S3_ENDED;
    return was_bare ? FILO_S3_MORE : FILO_S3_END;
  }
  if (read_trailer(frames, len - (frames->bare ? 1 : 2))) return FILO_S3_MORE;
  return filo_fail(err, FILO_INVALID,
                   "a trailer of aws-chunked is no name and value, or comes twice");
}

/* --- All of it --- */

static int header(struct filo_s3_frames *frames, struct filo_error *err) {
  int rc = read_header(frames, err);
  frames->state = frames->left > 0 ? FILO_S3_IN_DATA : FILO_S3_IN_TRAILERS;
  return rc;
}

static int behind_data(struct filo_s3_frames *frames, struct filo_error *err) {
  if (!is_empty(frames))
    return filo_fail(err, FILO_INVALID, "a chunk of aws-chunked is longer than it said");
  frames->state = FILO_S3_IN_HEADER;
  return FILO_S3_CHUNK_END;
}

static int data(struct filo_s3_frames *frames, const unsigned char *bytes, size_t len, size_t *used,
                const unsigned char **piece, size_t *piece_len) {
  size_t n = len < frames->left ? len : (size_t)frames->left;
  if (n == 0) return FILO_S3_MORE;
  *piece = bytes;
  *piece_len = *used = n;
  frames->left -= n;
  if (frames->left == 0) frames->state = FILO_S3_BEHIND_DATA;
  return FILO_S3_DATA;
}

static size_t line_max(const struct filo_s3_frames *frames) {
  if (frames->state == FILO_S3_BEHIND_DATA) return 2;
  if (frames->state == FILO_S3_IN_HEADER) return FILO_S3_HEADER_MAX;
  return FILO_S3_TRAILERS_MAX - frames->trailers_came;
}

int filo_s3_frames_parse(struct filo_s3_frames *frames, const unsigned char *bytes, size_t len,
                         size_t *used, const unsigned char **piece, size_t *piece_len,
                         struct filo_error *err) {
  *used = 0;
  if (len == 0) return FILO_S3_MORE;
  if (frames->state == FILO_S3_ENDED)
    return filo_fail(err, FILO_INVALID, "there are bytes behind the end of aws-chunked");
  if (frames->state == FILO_S3_IN_DATA) return data(frames, bytes, len, used, piece, piece_len);
  int rc = read_line(frames, bytes, len, line_max(frames), used, err);
  if (rc <= 0) return rc;
  if (frames->state == FILO_S3_IN_HEADER)
    rc = header(frames, err);
  else if (frames->state == FILO_S3_BEHIND_DATA)
    rc = behind_data(frames, err);
  else
    rc = end_line_of_trailers(frames, err);
  frames->line_len = 0;
  return rc;
}
