/* Whether a file has the content of an object: it is sealed in memory, and its hashes compared, so that
 * nothing of the object's own bytes is read. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "crypto/chunk_hash.h"
#include "store/internal.h"

/* Fewer than len bytes: there are no more. */
static ssize_t read_some(int fd, unsigned char *out, size_t len, uint64_t offset,
                         struct filo_error *err) {
  size_t have = 0;
  while (have < len) {
    ssize_t n = pread(fd, out + have, len - have, (off_t)(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int error = errno;
      return filo_fail_errno(err, error, "cannot read the file");
    }
    if (n == 0) break;
    have += (size_t)n;
  }
  return (ssize_t)have;
}

/* 1, or 0 where the file has ended before. */
static int hash_sealed(const struct filo_body *body, struct filo_ctr *ctr, int fd, uint64_t index,
                       blake3_hasher *hasher, unsigned char step[FILO_STEP],
                       struct filo_error *err) {
  uint64_t base = index * FILO_CHUNK_SIZE;
  size_t size = filo_chunk_length(body->fields.size, index);
  for (size_t at = 0, n; at < size; at += n) {
    n = size - at < FILO_STEP ? size - at : FILO_STEP;
    ssize_t got = read_some(fd, step, n, base + at, err);
    if (got < 0) return (int)got;
    if ((size_t)got < n) return 0;
    int rc = ctr ? filo_ctr_crypt(ctr, step, step, n, err) : 0;
    if (rc < 0) return rc;
    blake3_hasher_update(hasher, step, n);
  }
  return 1;
}

static int compare(struct filo_body *body, struct filo_ctr *ctr, int fd, uint64_t index,
                   struct filo_error *err) {
  unsigned char step[FILO_STEP], found[FILO_HASH_SIZE], wanted[FILO_HASH_SIZE];
  blake3_hasher hasher;
  filo_chunk_hash_begin(&hasher);
  int rc = hash_sealed(body, ctr, fd, index, &hasher, step, err);
  OPENSSL_cleanse(step, sizeof step);
  if (rc <= 0) return rc;
  filo_chunk_hash_take(&hasher, found);
  rc = filo_hash_list_get(body, index, wanted, err);
  return rc < 0 ? rc : memcmp(found, wanted, sizeof found) == 0;
}

int filo_body_compare(struct filo_body *body, int fd, uint64_t index, struct filo_error *err) {
  bool plain = body->fields.flags & FILO_PLAIN;
  struct filo_ctr *ctr = NULL;
  int rc = plain ? 0 : filo_ctr_new(body->key, body->fields.iv, &ctr, err);
  if (rc == 0 && ctr) rc = filo_ctr_seek(ctr, index * FILO_CHUNK_SIZE, err);
  if (rc == 0) rc = compare(body, ctr, fd, index, err);
  filo_ctr_free(ctr);
  return rc;
}
