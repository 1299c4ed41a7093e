/* A small object whose size is known costs no system call until it is finished, and then one to
 * create its file and one to write it. Any other is written as it comes, FILO_STEP bytes at a time,
 * so that what was just read is still in the cache when it is encrypted, hashed and written. */
#include "store/sealer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "crypto/chunk_hash.h"
#include "crypto/random.h"
#include "store/internal.h"

enum { RECORD_ROOM = 4096 };

static const uint64_t no_chunk = UINT64_MAX;

struct filo_sealer {
  struct filo_draft draft;
  uint64_t size; /* or FILO_SIZE_UNKNOWN */
  bool small, finished;
  unsigned char key[FILO_KEY_SIZE];
  unsigned char *ciphertext;           /* of a small object */
  unsigned char hash[FILO_HASH_SIZE];  /* of a small object's only chunk */
  int hashes_fd;                       /* the side file, when the size is unknown */
  atomic_uint_least64_t chunks, bytes; /* done */
  atomic_uint_least64_t short_chunk;   /* the one that is not full: must turn out to be the last */
  unsigned char *record;
  size_t record_len;
};

/* --- a new one --- */

static int open_side_file(struct filo_sealer *sealer, struct filo_error *err) {
  int tmp_fd = sealer->draft.store->tmp_fd;
  sealer->hashes_fd = openat(tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (sealer->hashes_fd >= 0) return 0;
  /* Not every file system has O_TMPFILE. */
  struct filo_draft side;
  filo_draft_init(&side, sealer->draft.store);
  int rc = filo_draft_create(&side, NULL, err);
  if (rc < 0) return rc;
  unlinkat(tmp_fd, side.name, 0);
  sealer->hashes_fd = side.fd;
  return 0;
}

static int prepare(struct filo_sealer *sealer, struct filo_error *err) {
  unsigned char random[FILO_KEY_SIZE + FILO_IV_SIZE];
  int rc = filo_random(random, sizeof random, err);
  if (rc < 0) return rc;
  memcpy(sealer->key, random, FILO_KEY_SIZE);
  memcpy(sealer->draft.fields.iv, random + FILO_KEY_SIZE, FILO_IV_SIZE);
  OPENSSL_cleanse(random, sizeof random);
  if (!sealer->small) {
    rc = filo_draft_create(&sealer->draft, NULL, err);
    if (rc == 0 && sealer->size == FILO_SIZE_UNKNOWN) rc = open_side_file(sealer, err);
    return rc;
  }
  sealer->ciphertext = malloc(sealer->size + 1);
  return sealer->ciphertext ? 0 : filo_fail(err, FILO_NO_MEMORY, "no memory to store an object");
}

static int new_sealer(struct filo_store *store, uint64_t size, unsigned char flags,
                      struct filo_sealer **ret, struct filo_error *err) {
  struct filo_sealer *sealer = calloc(1, sizeof *sealer);
  if (!sealer) return filo_fail(err, FILO_NO_MEMORY, "no memory to store an object");
  filo_draft_init(&sealer->draft, filo_store_ref(store));
  sealer->draft.fields.flags = flags;
  sealer->size = size;
  sealer->small = size <= FILO_SMALL_SIZE;
  sealer->hashes_fd = -1;
  sealer->short_chunk = no_chunk;
  uint64_t known = size == FILO_SIZE_UNKNOWN ? 0 : size + FILO_HASH_SIZE * filo_chunk_count(size);
  /* A tombstone may use the reserve: deleting is what one does on a full disk. What gives way, does. */
  if (flags & FILO_TOMBSTONE && filo_store_room(store, RECORD_ROOM, NULL) == FILO_NO_SPACE)
    filo_old_yield(store, RECORD_ROOM);
  int rc =
      flags & FILO_TOMBSTONE ? 0 : filo_draft_promise(&sealer->draft, known + RECORD_ROOM, err);
  if (rc == 0) rc = prepare(sealer, err);
  if (rc < 0) {
    filo_sealer_free(sealer);
    return rc;
  }
  *ret = sealer;
  return 0;
}

int filo_sealer_new(struct filo_store *store, uint64_t size, bool plain, struct filo_sealer **ret,
                    struct filo_error *err) {
  if (size > FILO_SIZE_MAX && size != FILO_SIZE_UNKNOWN)
    return filo_fail(err, FILO_TOO_LARGE, "an object has at most 2^48 bytes");
  return new_sealer(store, size, plain ? FILO_PLAIN : 0, ret, err);
}

void filo_sealer_free(struct filo_sealer *sealer) {
  if (!sealer) return;
  struct filo_store *store = sealer->draft.store;
  filo_draft_free(&sealer->draft, false);
  filo_close_fd(&sealer->hashes_fd);
  OPENSSL_cleanse(sealer->key, sizeof sealer->key);
  free(sealer->ciphertext);
  free(sealer->record);
  free(sealer);
  filo_store_close(store);
}

/* --- chunks --- */

static int check_chunk(struct filo_sealer *sealer, uint64_t index, size_t len,
                       struct filo_error *err) {
  if (sealer->finished) return filo_fail(err, FILO_INVALID, "the object is finished already");
  if (sealer->size != FILO_SIZE_UNKNOWN) {
    if (len == filo_chunk_length(sealer->size, index)) return 0;
    return filo_fail(err, FILO_INVALID, "chunk %llu of an object of %llu bytes cannot have %zu",
                     (unsigned long long)index, (unsigned long long)sealer->size, len);
  }
  if (len > FILO_CHUNK_SIZE) return filo_fail(err, FILO_INVALID, "a chunk has at most 1 MiB");
  if (index >= FILO_SIZE_MAX / FILO_CHUNK_SIZE)
    return filo_fail(err, FILO_TOO_LARGE, "an object has at most 2^48 bytes");
  uint64_t none = no_chunk;
  if (len < FILO_CHUNK_SIZE && !atomic_compare_exchange_strong(&sealer->short_chunk, &none, index))
    return filo_fail(err, FILO_INVALID, "only the last chunk may have less than 1 MiB");
  return filo_draft_promise(&sealer->draft, len + FILO_HASH_SIZE, err);
}

static int read_source(int fd, const char *name, uint64_t offset, unsigned char *out, size_t len,
                       struct filo_error *err) {
  ssize_t n = filo_read_at(fd, offset, out, len);
  if (n < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s", name);
  }
  if ((size_t)n == len) return 0;
  return filo_fail(err, FILO_IO, "%s changed while being stored: it became shorter", name);
}

/* One chunk on its way: from `buf`, or (when that is NULL) from fd, whose content starts at `from`. */
struct passage {
  uint64_t index, from;
  size_t len;
  unsigned char *buf;
  int fd;
  const char *name;
  struct filo_ctr *ctr; /* NULL when plain */
  blake3_hasher hasher;
};

static int put_step(struct filo_sealer *sealer, uint64_t offset, const unsigned char *bytes,
                    size_t len, struct filo_error *err) {
  if (!sealer->small) return filo_draft_write(&sealer->draft, bytes, len, offset, err);
  memcpy(sealer->ciphertext + offset, bytes, len);
  return 0;
}

static int pass_steps(struct filo_sealer *sealer, struct passage *pass, struct filo_error *err) {
  unsigned char step[FILO_STEP];
  for (size_t at = 0, n; at < pass->len; at += n) {
    n = pass->len - at < FILO_STEP ? pass->len - at : FILO_STEP;
    unsigned char *bytes = pass->buf ? pass->buf + at : step;
    uint64_t offset = pass->index * FILO_CHUNK_SIZE + at;
    int rc = pass->buf ? 0 : read_source(pass->fd, pass->name, pass->from + offset, bytes, n, err);
    if (rc == 0 && pass->ctr) rc = filo_ctr_crypt(pass->ctr, bytes, bytes, n, err);
    if (rc == 0) rc = put_step(sealer, offset, bytes, n, err);
    if (rc < 0) return rc;
    blake3_hasher_update(&pass->hasher, bytes, n);
  }
  return 0;
}

static int put_hash(struct filo_sealer *sealer, const struct passage *pass,
                    struct filo_error *err) {
  unsigned char hash[FILO_HASH_SIZE];
  filo_chunk_hash_take(&pass->hasher, hash);
  uint64_t offset = FILO_HASH_SIZE * pass->index;
  if (sealer->small) {
    memcpy(sealer->hash, hash, sizeof hash);
    return 0;
  }
  if (sealer->size != FILO_SIZE_UNKNOWN)
    return filo_draft_write(&sealer->draft, hash, sizeof hash, sealer->size + offset, err);
  errno = ENOSPC; /* for a short write, which sets none */
  if (pwrite(sealer->hashes_fd, hash, sizeof hash, (off_t)offset) == sizeof hash) return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot write to %s/tmp", sealer->draft.store->root);
}

/* With the first chunk, since this may take a while: workers seal, but do not make sealers. And what
 * comes behind the hashes once it is known: of a file with as little as one block that was not taken
 * so, ext4 writes all when it is renamed over another. */
static int allocate(struct filo_sealer *sealer, size_t behind, struct filo_error *err) {
  if (sealer->small || sealer->size == FILO_SIZE_UNKNOWN) return 0;
  uint64_t hashes = FILO_HASH_SIZE * filo_chunk_count(sealer->size);
  return filo_draft_allocate(&sealer->draft, sealer->size + hashes + behind, err);
}

static int pass_chunk(struct filo_sealer *sealer, struct passage *pass, struct filo_error *err) {
  bool plain = sealer->draft.fields.flags & FILO_PLAIN;
  int rc = pass->index == 0 ? allocate(sealer, 0, err) : 0;
  filo_chunk_hash_begin(&pass->hasher);
  if (rc == 0 && !plain) rc = filo_ctr_new(sealer->key, sealer->draft.fields.iv, &pass->ctr, err);
  if (rc == 0 && !plain) rc = filo_ctr_seek(pass->ctr, pass->index * FILO_CHUNK_SIZE, err);
  if (rc == 0) rc = pass_steps(sealer, pass, err);
  if (rc == 0) rc = put_hash(sealer, pass, err);
  filo_ctr_free(pass->ctr);
  if (rc < 0) return rc;
  if (!sealer->small)
    filo_draft_start_flush(&sealer->draft, pass->index * FILO_CHUNK_SIZE, pass->len);
  atomic_fetch_add(&sealer->chunks, 1);
  atomic_fetch_add(&sealer->bytes, pass->len);
  return 0;
}

int filo_sealer_chunk(struct filo_sealer *sealer, uint64_t index, unsigned char *buf, size_t len,
                      struct filo_error *err) {
  struct passage pass = {.index = index, .len = len, .buf = buf};
  int rc = check_chunk(sealer, index, len, err);
  return rc < 0 || len == 0 ? rc : pass_chunk(sealer, &pass, err);
}

int filo_sealer_copy_chunk(struct filo_sealer *sealer, uint64_t index, int fd, uint64_t from,
                           const char *name, size_t len, struct filo_error *err) {
  struct passage pass = {.index = index, .from = from, .len = len, .fd = fd, .name = name};
  int rc = check_chunk(sealer, index, len, err);
  return rc < 0 || len == 0 ? rc : pass_chunk(sealer, &pass, err);
}

/* --- the end --- */

static int check_complete(const struct filo_sealer *sealer, uint64_t size, struct filo_error *err) {
  if (sealer->finished) return filo_fail(err, FILO_INVALID, "the object is finished already");
  uint64_t count = filo_chunk_count(size), partial = atomic_load(&sealer->short_chunk);
  bool whole = atomic_load(&sealer->chunks) == count && atomic_load(&sealer->bytes) == size &&
               (partial == no_chunk || partial == count - 1) &&
               (sealer->size == FILO_SIZE_UNKNOWN || sealer->size == size);
  if (whole) return 0;
  return filo_fail(err, FILO_INVALID, "%llu bytes in %llu chunks are no object of %llu bytes",
                   (unsigned long long)atomic_load(&sealer->bytes),
                   (unsigned long long)atomic_load(&sealer->chunks), (unsigned long long)size);
}

static int next_hashes(struct filo_sealer *sealer, uint64_t size, uint64_t offset,
                       unsigned char *page, size_t len, struct filo_error *err) {
  uint64_t at = size + offset;
  if (sealer->small) {
    memcpy(page, sealer->hash, len);
    return 0;
  }
  char label[PATH_MAX];
  snprintf(label, sizeof label, "%s/tmp/%s", sealer->draft.store->root, sealer->draft.name);
  if (sealer->size != FILO_SIZE_UNKNOWN)
    return filo_read_full(sealer->draft.fd, label, at, page, len, err);
  int rc = filo_read_full(sealer->hashes_fd, label, offset, page, len, err);
  return rc < 0 ? rc : filo_draft_write(&sealer->draft, page, len, at, err);
}

/* Streams over the hashes; those of the side file are moved to where they stay. */
static int take_root(struct filo_sealer *sealer, uint64_t size, struct filo_error *err) {
  unsigned char page[8192];
  uint64_t total = FILO_HASH_SIZE * filo_chunk_count(size);
  blake3_hasher root;
  filo_chunk_hash_begin_root(&root);
  for (uint64_t at = 0; at < total; at += sizeof page) {
    size_t len = total - at < sizeof page ? (size_t)(total - at) : sizeof page;
    int rc = next_hashes(sealer, size, at, page, len, err);
    if (rc < 0) return rc;
    blake3_hasher_update(&root, page, len);
  }
  filo_chunk_hash_take(&root, sealer->draft.fields.root);
  return 0;
}

static int write_small(struct filo_sealer *sealer, unsigned char *footer, struct filo_error *err) {
  struct filo_record *fields = &sealer->draft.fields;
  const struct iovec parts[] = {
      {sealer->ciphertext, fields->size},
      {sealer->hash, fields->size ? FILO_HASH_SIZE : 0},
      {sealer->record, sealer->record_len},
      {footer, FILO_FOOTER_SIZE},
  };
  int rc = filo_draft_create(&sealer->draft, NULL, err);
  if (rc == 0)
    rc = filo_draft_write_parts(&sealer->draft, parts, sizeof parts / sizeof *parts, err);
  return rc;
}

static int write_end(struct filo_sealer *sealer, struct filo_error *err) {
  const struct filo_record *fields = &sealer->draft.fields;
  unsigned char footer[FILO_FOOTER_SIZE];
  filo_footer_put(footer, sealer->record_len);
  if (sealer->small) return write_small(sealer, footer, err);
  uint64_t end = fields->size + FILO_HASH_SIZE * filo_chunk_count(fields->size);
  int rc = allocate(sealer, sealer->record_len + sizeof footer, err);
  if (rc == 0) rc = filo_draft_write(&sealer->draft, sealer->record, sealer->record_len, end, err);
  end += sealer->record_len;
  return rc < 0 ? rc : filo_draft_write(&sealer->draft, footer, sizeof footer, end, err);
}

static int make_record(struct filo_sealer *sealer, const struct filo_namespace *ns,
                       const struct filo_version *version, struct filo_error *err) {
  int rc = take_root(sealer, sealer->draft.fields.size, err);
  if (rc < 0) return rc;
  rc = filo_record_build(ns, &sealer->draft.fields, sealer->key, version->meta, version->meta_len,
                         &sealer->record, &sealer->record_len, err);
  return rc < 0 ? rc
                : filo_record_peek(sealer->record, sealer->record_len, &sealer->draft.fields, err);
}

int filo_sealer_finish(struct filo_sealer *sealer, const struct filo_namespace *ns,
                       const struct filo_version *version, uint64_t size, struct filo_error *err) {
  int rc = check_complete(sealer, size, err);
  if (rc < 0) return rc;
  struct filo_record *fields = &sealer->draft.fields;
  fields->size = size;
  fields->version = version->number;
  fields->generation = version->generation;
  fields->class = version->class;
  memcpy(fields->key_hash, version->key_hash, sizeof fields->key_hash);
  memcpy(fields->ns, filo_namespace_id(ns), sizeof fields->ns);
  sealer->finished = true; /* whatever comes: what failed half-way is not finished twice */
  rc = make_record(sealer, ns, version, err);
  if (rc == 0) rc = write_end(sealer, err);
  if (rc < 0) {
    free(sealer->record);
    sealer->record = NULL;
  }
  return rc;
}

const unsigned char *filo_sealer_record(const struct filo_sealer *sealer, size_t *len) {
  *len = sealer->record_len;
  return sealer->record;
}

int64_t filo_sealer_body(const struct filo_sealer *sealer, unsigned char *out) {
  if (!sealer->small) return -1;
  size_t size = sealer->draft.fields.size, hash = size ? FILO_HASH_SIZE : 0;
  if (out) memcpy(out, sealer->hash, hash);
  if (out) memcpy(out + hash, sealer->ciphertext, size);
  return (int64_t)(hash + size);
}

void filo_sealer_publish(struct filo_sealer *sealer, const char *path, filo_published_fn *fn,
                         void *ctx) {
  if (sealer->record) {
    filo_draft_publish(&sealer->draft, path, fn, ctx);
    return;
  }
  struct filo_error err;
  fn(ctx, filo_fail(&err, FILO_INVALID, "an object must be finished to be published"), &err);
}

int filo_sealer_tombstone(struct filo_store *store, const struct filo_namespace *ns,
                          const struct filo_version *version, struct filo_sealer **ret,
                          struct filo_error *err) {
  struct filo_sealer *sealer;
  int rc = new_sealer(store, 0, FILO_TOMBSTONE, &sealer, err);
  if (rc < 0) return rc;
  rc = filo_sealer_finish(sealer, ns, version, 0, err);
  if (rc < 0) {
    filo_sealer_free(sealer);
    return rc;
  }
  *ret = sealer;
  return 0;
}
