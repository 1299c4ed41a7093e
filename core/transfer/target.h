/* The file that content is saved to. A regular file, or a name where nothing is yet, is written as
 * a draft on its disk, which takes the name when it is whole and flushed: a power cut, too, leaves
 * the old file or the new one. The draft has no name, so that nothing is left of it when the process
 * is killed; where the file system knows no such files it is called `.filo-` and 16 hex digits, and
 * only its owner may read it. Anything else (a device, a pipe, a terminal) is written to as it is, in
 * order.
 *
 * All but filo_target_new touch the disk: workers only.
 */
#ifndef FILO_TRANSFER_TARGET_H
#define FILO_TRANSFER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct filo_target;

/* The mode of a file that umask(2) and the folder leave. */
enum { FILO_TARGET_USUAL_MODE = -1 };

/* `sparse`: blocks of zeros in a regular file become holes, where nothing is written. */
int filo_target_new(const char *path, bool sparse, struct filo_target **ret,
                    struct filo_error *err);

/* `size`: bytes that will come; of a sparse one it has to be known. */
int filo_target_open(struct filo_target *target, uint64_t size, struct filo_error *err);

/* After opening: writes must follow one another, and cannot be taken back. */
bool filo_target_is_stream(const struct filo_target *target);

/* After opening: for waiting until a stream takes more. */
int filo_target_fd(const struct filo_target *target);

/* How many bytes were written, which may be fewer; FILO_BUSY when a stream takes none now. Of a
 * regular file, several threads may write different places at once. */
int64_t filo_target_write(struct filo_target *target, const unsigned char *bytes, size_t len,
                          uint64_t at, struct filo_error *err);

/* After the last write: it gets its name. `mode`: permission bits of a regular file, which it has
 * before that, or FILO_TARGET_USUAL_MODE. */
int filo_target_finish(struct filo_target *target, int mode, struct filo_error *err);

/* Leaves nothing of what was not finished. */
void filo_target_free(struct filo_target *target);

#endif
