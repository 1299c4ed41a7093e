/* Path transforms: where in the store an object lies. Pure functions; any thread.
 *
 * A content-addressed path is the hex digest of the key hash, cut into `depth` folders of `width`
 * digits and the whole digest as the file name. The default (SHA-1, width 2, depth 2) gives
 * "ab/cd/abcd..."; {SHA-1, 5, 8} is the prototype's layout. */
#ifndef FILO_STORE_PATH_H
#define FILO_STORE_PATH_H

#include <stddef.h>

#include "crypto/digest.h"
#include "error.h"

enum { FILO_PATH_MAX = 512 };

struct filo_cas {
  enum filo_digest digest;
  unsigned width; /* 1 to 64 */
  unsigned depth; /* 0 to 16; width * depth is at most the digest's hex digits */
};

/* FILO_INVALID, with the limits, when the options do not fit the digest. */
int filo_cas_check(const struct filo_cas *cas, struct filo_error *err);

/* out takes FILO_PATH_MAX bytes. */
int filo_cas_path(const struct filo_cas *cas, const unsigned char key_hash[32], char *out,
                  struct filo_error *err);

/* What a caller's own transform returned: relative, 1 to FILO_PATH_MAX - 1 bytes, no empty, "." or
 * ".." segment, no NUL or control byte, no segment over 255 bytes. FILO_INVALID says which rule it
 * broke. */
int filo_path_check(const char *path, size_t len, struct filo_error *err);

#endif
