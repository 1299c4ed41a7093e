/* A draft: a new version on its way from a source into the store, sealed chunk by chunk on the
 * worker pool.
 *
 * The source is one of: bytes that the caller writes, a regular file (read by the workers
 * themselves, in parallel), or a descriptor that becomes readable now and then (a pipe). Then
 * filo_draft_publish. `changed` is called on the loop thread whenever the caller may want to look
 * again: room to write, settled, failed.
 *
 * Loop thread only. Memory: at most one chunk buffer for each job in flight and one being filled.
 */
#ifndef FILO_TRANSFER_DRAFT_H
#define FILO_TRANSFER_DRAFT_H

#include "store/sealer.h"
#include "transfer/desk.h"

struct filo_draft;

typedef void filo_draft_fn(void *ctx);

struct filo_draft_options {
  uint64_t size; /* or FILO_SIZE_UNKNOWN */
  bool plain;    /* not encrypted */
  bool digest;   /* SHA-256 of the content too; chunks then go one after the other */
};

int filo_draft_new(struct filo_desk *desk, struct filo_store *store,
                   const struct filo_draft_options *options, filo_draft_fn *changed, void *ctx,
                   struct filo_draft **ret, struct filo_error *err);

/* Copies from bytes; returns how many were taken. Fewer than len: wait for `changed`. */
int64_t filo_draft_write(struct filo_draft *draft, const unsigned char *bytes, size_t len,
                         struct filo_error *err);

/* After the last write. */
void filo_draft_end(struct filo_draft *draft);

/* Reads a regular file of options.size bytes. Takes fd. `name` is for errors. */
void filo_draft_copy(struct filo_draft *draft, int fd, const char *name);

/* Reads a pipe, socket or terminal to its end. Takes fd. */
int filo_draft_drain(struct filo_draft *draft, int fd, const char *name, struct filo_error *err);

/* True when nothing is under way: all is sealed, or published, or it failed. */
bool filo_draft_settled(const struct filo_draft *draft);

/* 0, or the first failure. */
int filo_draft_status(const struct filo_draft *draft, struct filo_error *err);

/* Content bytes sealed so far. */
uint64_t filo_draft_size(const struct filo_draft *draft);

/* When settled, with options.digest. */
int filo_draft_digest(struct filo_draft *draft, unsigned char out[32], struct filo_error *err);

struct filo_draft_place {
  struct filo_identity *identity; /* a reference is taken */
  unsigned char key_hash[32];
  uint64_t version;
  const void *meta; /* copied */
  size_t meta_len;
  const char *path; /* copied */
};

/* When settled and not failed: signs, and publishes with the store's durability; settled again when
 * that has ended. */
int filo_draft_publish(struct filo_draft *draft, const struct filo_draft_place *place,
                       struct filo_error *err);

/* After publishing; valid as long as the draft. */
const unsigned char *filo_draft_record(const struct filo_draft *draft, size_t *len);

/* Gives it up unless published; `changed` is not called any more. What runs ends first, unseen. */
void filo_draft_free(struct filo_draft *draft);

#endif
