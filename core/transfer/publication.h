/* Publishing on the pool: fits a sealer or a partial, whose publish calls back on a worker or on
 * the store's flush thread. */
#ifndef FILO_TRANSFER_PUBLICATION_H
#define FILO_TRANSFER_PUBLICATION_H

#include "runtime/pool.h"

/* Embedded in its owner, which must live until `done` was called. */
struct filo_publication {
  /* On a worker: does what precedes publishing; then calls the store's publish with
   * filo_publication_ended and itself, which may be gone from then on. A negative return ends it
   * without publishing. */
  int (*work)(struct filo_publication *publication, struct filo_error *err);
  /* On the loop thread: code and err hold the outcome. */
  void (*done)(struct filo_publication *publication);
  int code;
  struct filo_error err;
  struct filo_pool *pool;
  struct filo_job run, report;
};

void filo_publication_start(struct filo_publication *publication, struct filo_pool *pool);

/* A filo_published_fn; ctx is the publication. */
void filo_publication_ended(void *ctx, int code, const struct filo_error *err);

#endif
