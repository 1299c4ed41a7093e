/* A deposit: a new version on its way from a source into the store, sealed chunk by chunk on the
 * worker pool.
 *
 * The source is one of: bytes that the caller writes, a regular file (read by the workers
 * themselves, in parallel), a descriptor that becomes readable now and then (a pipe), or pulls. Then
 * filo_deposit_publish. `changed` is called on the loop thread whenever the caller may want to look
 * again: room to write, settled, failed.
 *
 * Loop thread only. Memory: at most one chunk buffer for each job in flight and one being filled.
 */
#ifndef FILO_TRANSFER_DEPOSIT_H
#define FILO_TRANSFER_DEPOSIT_H

#include "store/sealer.h"
#include "transfer/pull.h"
#include "transfer/resources.h"

struct filo_deposit;

typedef void filo_deposit_fn(void *ctx);

struct filo_deposit_options {
  uint64_t size; /* or FILO_SIZE_UNKNOWN */
  bool plain;    /* not encrypted */
  bool digest;   /* SHA-256 of the content too; chunks then go one after the other */
};

int filo_deposit_new(struct filo_resources *resources, struct filo_store *store,
                     const struct filo_deposit_options *options, filo_deposit_fn *changed,
                     void *ctx, struct filo_deposit **ret, struct filo_error *err);

/* Copies from bytes; returns how many were taken. Fewer than len: wait for `changed`. */
int64_t filo_deposit_write(struct filo_deposit *deposit, const unsigned char *bytes, size_t len,
                           struct filo_error *err);

/* After the last write. */
void filo_deposit_end(struct filo_deposit *deposit);

/* Reads options.size bytes of a regular file, from the offset `from` on. Takes fd. `name` is for
 * errors. */
void filo_deposit_copy(struct filo_deposit *deposit, int fd, uint64_t from, const char *name);

/* Reads a pipe, socket or terminal to its end. Takes fd. */
int filo_deposit_drain(struct filo_deposit *deposit, int fd, const char *name,
                       struct filo_error *err);

/* Takes all that is pulled, and the pull, between writes or other pulls. Under way until its end, or a failure of the
 * deposit, as which its own counts. */
void filo_deposit_pull(struct filo_deposit *deposit, struct filo_pull *pull);
bool filo_deposit_is_pulling(const struct filo_deposit *deposit);

/* Whether it was a pull that failed. */
bool filo_deposit_pull_failed(const struct filo_deposit *deposit);

/* True when nothing is under way: all is sealed, or published, or it failed. */
bool filo_deposit_settled(const struct filo_deposit *deposit);

/* 0, or the first failure. */
int filo_deposit_status(const struct filo_deposit *deposit, struct filo_error *err);

/* The descriptor that is read, which stays its own; -1 when the caller writes. */
int filo_deposit_source(const struct filo_deposit *deposit);

/* Content bytes sealed so far. */
uint64_t filo_deposit_size(const struct filo_deposit *deposit);

/* When settled, with options.digest. */
int filo_deposit_digest(struct filo_deposit *deposit, unsigned char out[32],
                        struct filo_error *err);

/* When settled and not failed: signs, and publishes at path with the store's durability; settled again
 * when that has ended. The keys, the version with its metadata, and the path are kept or copied.
 * `fresh`: where anything lies at path already, nothing is done, and it may be published anew. */
int filo_deposit_publish(struct filo_deposit *deposit, struct filo_namespace *ns,
                         const struct filo_version *version, const char *path, bool fresh,
                         struct filo_error *err);

/* When settled after publishing, and not failed: false when something lay there. */
bool filo_deposit_published(const struct filo_deposit *deposit);

/* After publishing; valid as long as the deposit. */
const unsigned char *filo_deposit_record(const struct filo_deposit *deposit, size_t *len);

/* As filo_sealer_body; after publishing. */
int64_t filo_deposit_body(const struct filo_deposit *deposit, unsigned char *out);

/* Gives it up unless published; `changed` is not called any more. What runs ends first, unseen. */
void filo_deposit_free(struct filo_deposit *deposit);

#endif
