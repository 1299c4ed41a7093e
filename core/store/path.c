#include "store/path.h"

#include <stdint.h>
#include <string.h>

#include "bytes.h"

enum { WIDTH_MAX = 64, DEPTH_MAX = 16, SEGMENT_MAX = 255 };

int filo_cas_check(const struct filo_cas *cas, struct filo_error *err) {
  if (cas->width < 1 || cas->width > WIDTH_MAX)
    return filo_fail(err, FILO_INVALID, "path width %u is not within 1 to %d", cas->width,
                     WIDTH_MAX);
  if (cas->depth > DEPTH_MAX)
    return filo_fail(err, FILO_INVALID, "path depth %u is not within 0 to %d", cas->depth,
                     DEPTH_MAX);
  size_t digits = 2 * filo_digest_size(cas->digest);
  if ((size_t)cas->width * cas->depth > digits)
    return filo_fail(err, FILO_INVALID,
                     "path width %u times depth %u is more than the digest's %zu digits",
                     cas->width, cas->depth, digits);
  return 0;
}

int filo_cas_path(const struct filo_cas *cas, const unsigned char key_hash[32], char *out,
                  struct filo_error *err) {
  int rc = filo_cas_check(cas, err);
  if (rc < 0) return rc;
  unsigned char digest[FILO_DIGEST_MAX];
  rc = filo_digest(cas->digest, key_hash, 32, digest, err);
  if (rc < 0) return rc;
  char hex[2 * FILO_DIGEST_MAX + 1];
  filo_hex(hex, digest, filo_digest_size(cas->digest));
  for (unsigned level = 0; level < cas->depth; level++) {
    memcpy(out, hex + (size_t)level * cas->width, cas->width);
    out += cas->width;
    *out++ = '/';
  }
  strcpy(out, hex);
  return 0;
}

static int check_segment(const char *segment, size_t len, struct filo_error *err) {
  if (len == 0)
    return filo_fail(err, FILO_INVALID, "a path must be relative, without empty segments");
  if (len > SEGMENT_MAX)
    return filo_fail(err, FILO_INVALID, "a path segment of %zu bytes is over the limit of %d", len,
                     SEGMENT_MAX);
  if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
    return filo_fail(err, FILO_INVALID, "a path must not have a segment \".\" or \"..\"");
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)segment[i] < 0x20 || segment[i] == 0x7f)
      return filo_fail(err, FILO_INVALID, "a path must not have control bytes");
  return 0;
}

int filo_path_check(const char *path, size_t len, struct filo_error *err) {
  if (len < 1 || len >= FILO_PATH_MAX)
    return filo_fail(err, FILO_INVALID, "a path of %zu bytes is not within 1 to %d", len,
                     FILO_PATH_MAX - 1);
  for (size_t start = 0; start <= len;) {
    const char *slash = memchr(path + start, '/', len - start);
    size_t end = slash ? (size_t)(slash - path) : len;
    int rc = check_segment(path + start, end - start, err);
    if (rc < 0) return rc;
    start = end + 1;
  }
  return 0;
}
