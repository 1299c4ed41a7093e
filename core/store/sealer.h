/* Writing a new version: plaintext chunks in, a published sealed object out.
 *
 * Chunks may be given in any order and from several threads at once. Each is encrypted, hashed and
 * written in cache-sized steps. Hashes go where they stay in the file when the size is known
 * beforehand, else to an unlinked side file, so that memory does not grow with the object. A sealer
 * that is freed unpublished leaves nothing.
 */
#ifndef FILO_STORE_SEALER_H
#define FILO_STORE_SEALER_H

#include "store/store.h"

struct filo_sealer;

#define FILO_SIZE_UNKNOWN UINT64_MAX

/* Content whose size is known, and no more than this, stays in memory until it is finished. */
enum { FILO_SMALL_SIZE = 64 << 10 };

/* size: content bytes, or FILO_SIZE_UNKNOWN. Checks room and refuses early. With plain, nothing is
 * encrypted. */
int filo_sealer_new(struct filo_store *store, uint64_t size, bool plain, struct filo_sealer **ret,
                    struct filo_error *err);

/* Chunk `index` from memory; buf is encrypted in place. Every chunk but the last has
 * FILO_CHUNK_SIZE bytes. */
int filo_sealer_chunk(struct filo_sealer *sealer, uint64_t index, unsigned char *buf, size_t len,
                      struct filo_error *err);

/* Chunk `index` from a file at from + index * FILO_CHUNK_SIZE with pread; FILO_IO "changed while
 * being stored" when it is shorter than `len`. `name` is for errors. */
int filo_sealer_copy_chunk(struct filo_sealer *sealer, uint64_t index, int fd, uint64_t from,
                           const char *name, size_t len, struct filo_error *err);

/* What the owner says of a new version of an object, beside its content. */
struct filo_version {
  unsigned char key_hash[32];
  uint64_t number; /* larger than those before it */
  uint32_t generation;
  unsigned char class;
  const void *meta; /* sealed; copied by whoever keeps it */
  size_t meta_len;
};

/* After all chunks: writes hashes, record and footer. size: the content's, now known. */
int filo_sealer_finish(struct filo_sealer *sealer, const struct filo_namespace *ns,
                       const struct filo_version *version, uint64_t size, struct filo_error *err);

/* The finished record; valid as long as the sealer. */
const unsigned char *filo_sealer_record(const struct filo_sealer *sealer, size_t *len);

/* The body of a small object whose size was known: its hash, then its ciphertext, which are in
 * memory still. Writes both when out is there; returns their length. -1 of any other object. Valid
 * as long as the sealer. */
int64_t filo_sealer_body(const struct filo_sealer *sealer, unsigned char *out);

/* Called once publishing ended, on the calling thread or on the store's flush thread: hand over, do
 * not work. */
typedef void filo_published_fn(void *ctx, int code, const struct filo_error *err);

/* Makes the finished object visible at path with the store's durability, then calls fn exactly
 * once. FILO_EXISTS when a version at least as new is there, FILO_INVALID when another key's object
 * lies at this path (the path transform maps two keys to one path). The sealer must live until fn
 * is called. */
void filo_sealer_publish(struct filo_sealer *sealer, const char *path, filo_published_fn *fn,
                         void *ctx);

/* A tombstone in one call: an object of size 0 with the flag set, finished but not published. */
int filo_sealer_tombstone(struct filo_store *store, const struct filo_namespace *ns,
                          const struct filo_version *version, struct filo_sealer **ret,
                          struct filo_error *err);

void filo_sealer_free(struct filo_sealer *sealer);

#endif
