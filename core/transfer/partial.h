/* A copy on its way in: an incoming file, shared by the streams that fill it and those who read or
 * wait. Loop thread. */
#ifndef FILO_TRANSFER_PARTIAL_H
#define FILO_TRANSFER_PARTIAL_H

#include "store/incoming.h"
#include "transfer/publication.h"

struct filo_partial {
  struct filo_incoming *incoming;
  unsigned refs;
  bool keep;                  /* for resuming, when the last reference goes */
  void (*changed)(void *ctx); /* one more chunk is here; may be NULL */
  void (*published)(void *ctx, int code, const struct filo_error *err);
  void *ctx;
  bool publishing;
  struct filo_publication publication;
};

/* Takes the incoming; one reference. */
int filo_partial_new(struct filo_incoming *incoming, struct filo_partial **ret,
                     struct filo_error *err);
struct filo_partial *filo_partial_ref(struct filo_partial *partial);
void filo_partial_unref(struct filo_partial *partial);

/* Publishes; `published` is called once. Not twice at a time. */
void filo_partial_publish(struct filo_partial *partial, struct filo_pool *pool);

#endif
