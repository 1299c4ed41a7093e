/* Verified reading: each chunk is hashed once, before the first byte of it is believed. */
#include <openssl/crypto.h>
#include <string.h>

#include "bytes.h"
#include "crypto/chunk_hash.h"
#include "store/internal.h"

enum { BITS = 64 };

int filo_body_init(struct filo_body *body, int fd, const char *label,
                   const struct filo_record *fields, struct filo_error *err) {
  memset(body, 0, sizeof *body);
  body->fd = fd;
  body->label = label;
  body->fields = *fields;
  body->page_at = FILO_NO_PAGE;
  pthread_mutex_init(&body->lock, NULL);
  uint64_t chunks = filo_chunk_count(fields->size),
           pages = (chunks + FILO_PAGE_HASHES - 1) / FILO_PAGE_HASHES;
  if (chunks == 0) return 0;
  body->verified = calloc((chunks + BITS - 1) / BITS, sizeof *body->verified);
  body->page = malloc((pages > 1 ? FILO_PAGE_HASHES : chunks) * FILO_HASH_SIZE);
  if (pages > 1) body->digests = malloc(pages * FILO_HASH_SIZE);
  if (body->verified && body->page && (pages == 1 || body->digests)) return 0;
  filo_body_free(body);
  return filo_fail(err, FILO_NO_MEMORY, "no memory to open %s", label);
}

void filo_body_free(struct filo_body *body) {
  free(body->verified);
  free(body->page);
  free(body->digests);
  pthread_mutex_destroy(&body->lock);
  OPENSSL_cleanse(body->key, sizeof body->key);
}

void filo_body_set_key(struct filo_body *body, const unsigned char key[FILO_KEY_SIZE]) {
  memcpy(body->key, key, FILO_KEY_SIZE);
  body->has_key = true;
}

/* --- what was verified --- */

bool filo_body_has(const struct filo_body *body, uint64_t index) {
  return atomic_load(&body->verified[index / BITS]) >> index % BITS & 1;
}

void filo_body_mark(struct filo_body *body, uint64_t index) {
  atomic_fetch_or(&body->verified[index / BITS], (uint64_t)1 << index % BITS);
}

uint64_t filo_body_missing(const struct filo_body *body, uint64_t from) {
  uint64_t chunks = filo_chunk_count(body->fields.size);
  while (from < chunks && filo_body_has(body, from)) {
    bool all = from % BITS == 0 && atomic_load(&body->verified[from / BITS]) == UINT64_MAX;
    from += all ? BITS : 1;
  }
  return from < chunks ? from : chunks;
}

bool filo_body_any(const struct filo_body *body) {
  uint64_t chunks = filo_chunk_count(body->fields.size);
  for (uint64_t i = 0; i < chunks; i += BITS)
    if (atomic_load(&body->verified[i / BITS])) return true;
  return false;
}

/* Takes the hash of what was read; the mark follows what is on disk now. */
static int judge(struct filo_body *body, uint64_t index, const blake3_hasher *hasher,
                 struct filo_error *err) {
  unsigned char found[FILO_HASH_SIZE], wanted[FILO_HASH_SIZE];
  filo_chunk_hash_take(hasher, found);
  int rc = filo_hash_list_get(body, index, wanted, err);
  if (rc < 0) return rc;
  if (memcmp(found, wanted, sizeof found) == 0) {
    filo_body_mark(body, index);
    return 0;
  }
  atomic_fetch_and(&body->verified[index / BITS], ~((uint64_t)1 << index % BITS));
  return filo_fail(err, FILO_CORRUPT, "chunk %llu of %s does not match its hash",
                   (unsigned long long)index, body->label);
}

/* --- reading --- */

/* What a chunk is hashed with as it is read. */
struct hashers {
  blake3_hasher plain, keyed;
  const unsigned char *key; /* NULL: not under a key */
};

static void begin(struct hashers *hashers) {
  filo_chunk_hash_begin(&hashers->plain);
  if (hashers->key) filo_chunk_hash_begin_keyed(&hashers->keyed, hashers->key);
}

static void update(struct hashers *hashers, const unsigned char *bytes, size_t len) {
  blake3_hasher_update(&hashers->plain, bytes, len);
  if (hashers->key) blake3_hasher_update(&hashers->keyed, bytes, len);
}

/* Hashes all of the chunk as it is read, and leaves its bytes [from, from + len) in out. */
static int hash_chunk(struct filo_body *body, uint64_t index, struct hashers *hashers, size_t from,
                      unsigned char *out, size_t len, struct filo_error *err) {
  unsigned char step[FILO_STEP];
  size_t size = filo_chunk_length(body->fields.size, index), to = from + len;
  uint64_t base = index * FILO_CHUNK_SIZE;
  for (size_t at = 0, n; at < size; at += n) {
    n = size - at < FILO_STEP ? size - at : FILO_STEP;
    bool direct = at >= from && at + n <= to;
    unsigned char *target = direct ? out + (at - from) : step;
    int rc = filo_read_full(body->fd, body->label, base + at, target, n, err);
    if (rc < 0) return rc;
    update(hashers, target, n);
    size_t first = at > from ? at : from, last = at + n < to ? at + n : to;
    if (!direct && first < last) memcpy(out + (first - from), step + (first - at), last - first);
  }
  return 0;
}

static int read_once(struct filo_body *body, uint64_t index, struct hashers *hashers, size_t from,
                     unsigned char *out, size_t len, struct filo_error *err) {
  begin(hashers);
  int rc = hash_chunk(body, index, hashers, from, out, len, err);
  return rc < 0 ? rc : judge(body, index, &hashers->plain, err);
}

static int read_twice(struct filo_body *body, uint64_t index, struct hashers *hashers, size_t from,
                      unsigned char *out, size_t len, struct filo_error *err) {
  int rc = read_once(body, index, hashers, from, out, len, err);
  if (rc != FILO_CORRUPT) return rc;
  filo_forget_cached(body->fd);
  return read_once(body, index, hashers, from, out, len, err);
}

static int read_verified(struct filo_body *body, uint64_t index, size_t from, unsigned char *out,
                         size_t len, struct filo_error *err) {
  struct hashers hashers = {.key = NULL};
  return read_twice(body, index, &hashers, from, out, len, err);
}

int filo_body_verify(struct filo_body *body, uint64_t index, struct filo_error *err) {
  return read_verified(body, index, 0, NULL, 0, err);
}

int filo_body_prove(struct filo_body *body, uint64_t index, const unsigned char *key,
                    unsigned char *hash, struct filo_error *err) {
  struct hashers hashers = {.key = key};
  int rc = read_twice(body, index, &hashers, 0, NULL, 0, err);
  if (rc == 0) filo_chunk_hash_take(&hashers.keyed, hash);
  return rc;
}

static int read_sealed(struct filo_body *body, uint64_t offset, unsigned char *out, size_t len,
                       struct filo_error *err) {
  uint64_t index = offset / FILO_CHUNK_SIZE;
  if (!filo_body_has(body, index))
    return read_verified(body, index, offset % FILO_CHUNK_SIZE, out, len, err);
  if (body->fd >= 0) return filo_read_full(body->fd, body->label, offset, out, len, err);
  memcpy(out, body->content + offset, len);
  return 0;
}

static int read_piece(struct filo_body *body, struct filo_ctr *ctr, uint64_t offset,
                      unsigned char *out, size_t len, struct filo_error *err) {
  int rc = read_sealed(body, offset, out, len, err);
  if (rc == 0 && ctr) rc = filo_ctr_crypt(ctr, out, out, len, err);
  if (rc < 0) memset(out, 0, len); /* what did not verify is not handed out */
  return rc;
}

static int read_pieces(struct filo_body *body, struct filo_ctr *ctr, uint64_t offset,
                       unsigned char *out, size_t len, struct filo_error *err) {
  int rc = ctr ? filo_ctr_seek(ctr, offset, err) : 0;
  while (rc == 0 && len > 0) {
    size_t piece = FILO_CHUNK_SIZE - offset % FILO_CHUNK_SIZE;
    if (piece > len) piece = len;
    rc = read_piece(body, ctr, offset, out, piece, err);
    offset += piece;
    out += piece;
    len -= piece;
  }
  return rc;
}

static bool copy_cached(struct filo_body *body, unsigned char *out, size_t len) {
  if (!body->content) return filo_read_cached(body->fd, 0, out, len) == (ssize_t)len;
  memcpy(out, body->content, len);
  return true;
}

bool filo_body_sealed_at_once(struct filo_body *body, unsigned char *out) {
  size_t len = (size_t)body->fields.size, hash = len > 0 ? FILO_HASH_SIZE : 0;
  if (hash && filo_hash_list_get(body, 0, out, NULL) < 0) return false;
  return copy_cached(body, out + hash, len);
}

/* The only chunk of a small object. What is wrong in memory may be good in the file. */
static bool read_cached_chunk(struct filo_body *body, unsigned char *out, size_t len) {
  if (!copy_cached(body, out, len)) return false;
  if (len == 0 || filo_body_has(body, 0)) return true;
  blake3_hasher hasher;
  filo_chunk_hash_begin(&hasher);
  blake3_hasher_update(&hasher, out, len);
  if (judge(body, 0, &hasher, NULL) == 0) return true;
  body->content = NULL;
  return false;
}

int filo_body_read_at_once(struct filo_body *body, unsigned char *out, struct filo_error *err) {
  size_t len = (size_t)body->fields.size;
  bool plain = body->fields.flags & FILO_PLAIN;
  if (body->fields.size > FILO_SMALL_SIZE || (!plain && !body->has_key)) return FILO_BUSY;
  struct filo_ctr *ctr = NULL;
  int rc = read_cached_chunk(body, out, len) ? 0 : FILO_BUSY;
  if (rc == 0 && !plain) rc = filo_ctr_new(body->key, body->fields.iv, &ctr, err);
  if (rc == 0 && ctr) rc = filo_ctr_crypt(ctr, out, out, len, err);
  filo_ctr_free(ctr);
  if (rc < 0) OPENSSL_cleanse(out, len);
  return rc;
}

int64_t filo_body_read(struct filo_body *body, uint64_t offset, unsigned char *out, size_t len,
                       struct filo_error *err) {
  bool plain = body->fields.flags & FILO_PLAIN;
  if (!plain && !body->has_key)
    return filo_fail(err, FILO_INVALID, "%s is encrypted: its content key is needed to read it",
                     body->label);
  if (offset >= body->fields.size) return 0;
  if (len > body->fields.size - offset) len = (size_t)(body->fields.size - offset);
  struct filo_ctr *ctr = NULL;
  int rc = plain ? 0 : filo_ctr_new(body->key, body->fields.iv, &ctr, err);
  if (rc == 0) rc = read_pieces(body, ctr, offset, out, len, err);
  filo_ctr_free(ctr);
  return rc < 0 ? rc : (int64_t)len;
}
