/* Files that only their owner may read. Blocks on the disk. */
#ifndef FILO_CRYPTO_PRIVATE_FILE_H
#define FILO_CRYPTO_PRIVATE_FILE_H

#include <stddef.h>

#include "error.h"

/* Writes a new file of mode 0600, which appears under its name when it is whole and flushed. Where
 * the file system knows no files without a name, its draft is called path.<16 hex digits>.
 * FILO_EXISTS when there is one already: it is never replaced. */
int filo_private_file_write(const char *path, const char *text, size_t len, struct filo_error *err);

/* Reads a file of at most `room` bytes, all of it: a longer one gives room + 1 as its length, so out
 * takes that many. `what` it is, for errors: FILO_NOT_FOUND; FILO_DENIED when it cannot be read, or when
 * it begins with `head`, as such a file does, and group or others may read it (the sentence says `chmod
 * 600 path`); FILO_CORRUPT when it is no regular file. The caller cleanses `out`. */
int filo_private_file_read(const char *path, const char *what, const char *head, char *out,
                           size_t room, size_t *len, struct filo_error *err);

#endif
