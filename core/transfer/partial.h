/* A copy on its way in: its file, shared by the streams that fill it and those who read or
 * wait. Loop thread. */
#ifndef FILO_TRANSFER_PARTIAL_H
#define FILO_TRANSFER_PARTIAL_H

#include "store/partial_file.h"
#include "transfer/publication.h"

/* Somebody who wants to know of each chunk that lands, and of a failure. */
struct filo_partial_watch {
  void (*changed)(struct filo_partial_watch *watch);
  struct filo_partial_watch *next, **back; /* the partial's */
};

struct filo_partial {
  struct filo_partial_file *file;
  unsigned refs;
  int code; /* below 0: no more chunks will come */
  struct filo_error err;
  struct filo_partial_watch *watches;
  void (*published)(void *ctx, int code, const struct filo_error *err);
  void *ctx;
  bool publishing;
  struct filo_publication publication;
};

/* Takes the file; one reference. */
int filo_partial_new(struct filo_partial_file *file, struct filo_partial **ret,
                     struct filo_error *err);
struct filo_partial *filo_partial_ref(struct filo_partial *partial);
void filo_partial_unref(struct filo_partial *partial);

/* The watch stays the caller's and must be removed before it goes. */
void filo_partial_watch(struct filo_partial *partial, struct filo_partial_watch *watch);
void filo_partial_unwatch(struct filo_partial_watch *watch);

/* Tells all who watch that a chunk has landed. */
void filo_partial_landed(struct filo_partial *partial);

/* No more chunks will come: readers get this failure after what is here. */
void filo_partial_fail(struct filo_partial *partial, int code, const char *message);

/* Publishes; `published` is called once. Not twice at a time. */
void filo_partial_publish(struct filo_partial *partial, struct filo_pool *pool);

#endif
