/* A part of a regular file as a pull, read by the workers, a buffer ahead. Loop thread. */
#ifndef FILO_TRANSFER_FILE_PULL_H
#define FILO_TRANSFER_FILE_PULL_H

#include "transfer/pull.h"
#include "transfer/resources.h"

/* Bytes [offset, end); fewer are a failure. Takes fd, also on failure; `name` is for errors. */
int filo_file_pull_new(struct filo_resources *resources, int fd, uint64_t offset, uint64_t end,
                       const char *name, struct filo_pull **ret, struct filo_error *err);

#endif
