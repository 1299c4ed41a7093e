/* Private to packed.c and packing.c: the database of packed deletions. */
#ifndef FILO_STORE_PACKED_H
#define FILO_STORE_PACKED_H

#include "store/internal.h"

/* The file of a tombstone, and what stands in its attribute. */
struct filo_packable {
  const char *path; /* borrowed */
  unsigned char *file;
  size_t len;
  struct filo_packed_about about;
};

/* Adds those that have a file, durably, with one transaction. FILO_BUSY while objects are moved. */
int filo_packed_add(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                    const struct filo_packable *list, size_t count, struct filo_error *err);

/* Once after a database was put by: FILO_CORRUPT, and what is to be said of that. */
int filo_packed_tell_loss(struct filo_store *store, struct filo_error *err);

#endif
