/* The list of hashes of an open file: read once and checked against the root. One page of it stays in
 * memory; of the others a digest, so that they can be read again later and believed. A list of one
 * page (objects up to 1 GiB) is never read again. */
#include <string.h>

#include "bytes.h"
#include "crypto/chunk_hash.h"
#include "store/internal.h"

enum { PAGE_SIZE = FILO_PAGE_HASHES * FILO_HASH_SIZE };

static size_t page_length(const struct filo_body *body, uint64_t page) {
  uint64_t rest = filo_chunk_count(body->fields.size) - page * FILO_PAGE_HASHES;
  return (rest < FILO_PAGE_HASHES ? (size_t)rest : FILO_PAGE_HASHES) * FILO_HASH_SIZE;
}

static int read_page(struct filo_body *body, uint64_t page, struct filo_error *err) {
  uint64_t offset = body->fields.size + page * PAGE_SIZE;
  return filo_read_full(body->fd, body->label, offset, body->page, page_length(body, page), err);
}

static int load_page(struct filo_body *body, uint64_t page, const unsigned char *list,
                     blake3_hasher *root, struct filo_error *err) {
  size_t len = page_length(body, page);
  int rc = 0;
  if (list)
    memcpy(body->page, list + page * PAGE_SIZE, len);
  else
    rc = read_page(body, page, err);
  if (rc < 0) return rc;
  blake3_hasher_update(root, body->page, len);
  if (body->digests) filo_chunk_hash(body->page, len, body->digests + page * FILO_HASH_SIZE);
  body->page_at = page;
  return 0;
}

int filo_hash_list_load(struct filo_body *body, const unsigned char *list, struct filo_error *err) {
  uint64_t chunks = filo_chunk_count(body->fields.size);
  blake3_hasher root;
  filo_chunk_hash_begin_root(&root);
  for (uint64_t page = 0; page * FILO_PAGE_HASHES < chunks; page++) {
    int rc = load_page(body, page, list, &root, err);
    if (rc < 0) return rc;
  }
  unsigned char found[FILO_HASH_SIZE];
  filo_chunk_hash_take(&root, found);
  if (memcmp(found, body->fields.root, sizeof found) == 0) return 0;
  return filo_fail(err, FILO_CORRUPT, "the chunk hashes of %s do not match its record",
                   body->label);
}

static int turn_once(struct filo_body *body, uint64_t page, struct filo_error *err) {
  unsigned char digest[FILO_HASH_SIZE];
  int rc = read_page(body, page, err);
  if (rc < 0) return rc;
  filo_chunk_hash(body->page, page_length(body, page), digest);
  if (memcmp(digest, body->digests + page * FILO_HASH_SIZE, sizeof digest) != 0)
    return filo_fail(err, FILO_CORRUPT, "the chunk hashes of %s changed on disk", body->label);
  body->page_at = page;
  return 0;
}

static int turn_to(struct filo_body *body, uint64_t page, struct filo_error *err) {
  if (page == body->page_at) return 0;
  body->page_at = FILO_NO_PAGE;
  int rc = turn_once(body, page, err);
  if (rc != FILO_CORRUPT) return rc;
  filo_forget_cached(body->fd);
  return turn_once(body, page, err);
}

int filo_hash_list_get(struct filo_body *body, uint64_t index, unsigned char out[FILO_HASH_SIZE],
                       struct filo_error *err) {
  pthread_mutex_lock(&body->lock);
  int rc = turn_to(body, index / FILO_PAGE_HASHES, err);
  if (rc == 0) memcpy(out, body->page + index % FILO_PAGE_HASHES * FILO_HASH_SIZE, FILO_HASH_SIZE);
  pthread_mutex_unlock(&body->lock);
  return rc;
}
