/* Reading content: verified, decrypted, ahead of the caller and in parallel; and saving it to a
 * file.
 *
 * A reader works on a published object, or on a partial whose chunks are still coming: then it
 * reads what is here and tells when it must wait for more. Loop thread; at most three buffers.
 */
#ifndef FILO_TRANSFER_READER_H
#define FILO_TRANSFER_READER_H

#include "store/object.h"
#include "transfer/partial.h"
#include "transfer/pull.h"
#include "transfer/resources.h"

struct filo_reader;

/* Called when filo_reader_next may have something new. */
typedef void filo_reader_fn(void *ctx);

/* Content bytes [offset, end). One of object and partial is NULL; a reference to the other is
 * taken. */
int filo_reader_new(struct filo_resources *resources, struct filo_object *object,
                    struct filo_partial *partial, uint64_t offset, uint64_t end,
                    filo_reader_fn *changed, void *ctx, struct filo_reader **ret,
                    struct filo_error *err);

/* The same of a regular file. Takes fd, also on failure; `name` is for errors. */
int filo_reader_of_file(struct filo_resources *resources, int fd, const char *name, uint64_t offset,
                        uint64_t end, struct filo_reader **ret, struct filo_error *err);

/* 1 and the next piece, in order, valid until the next call; 0 at the end; FILO_BUSY when it is not
 * here yet; another negative code on failure (then always). The caller says with `used` how many
 * bytes of the piece before it took. */
int filo_reader_next(struct filo_reader *reader, size_t used, const unsigned char **bytes,
                     size_t *len, struct filo_error *err);

/* Instead of calling filo_reader_next: the same as a pull, which owns the reader. */
struct filo_pull *filo_reader_pull(struct filo_reader *reader);

/* Instead of reading: writes everything to a file, in parallel; `sparse` and `mode` are as target.h
 * says. `changed` is called when filo_reader_next gives 0 or a failure. */
int filo_reader_save(struct filo_reader *reader, const char *path, bool sparse, int mode,
                     struct filo_error *err);

/* After a failure to save: whether another source of the content may be saved instead. It is
 * reading that failed, and nothing went to a device or a pipe, which could not be taken back. */
bool filo_reader_can_be_replaced(const struct filo_reader *reader);

void filo_reader_free(struct filo_reader *reader);

#endif
