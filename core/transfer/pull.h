/* Bytes that come by and by, in order, and lie in the memory of who gives them until who takes them has used
 * them: so that they go from a file or a peer to a socket, or from there into the store, in one
 * copy, and none is asked for before there is room. Loop thread. */
#ifndef FILO_TRANSFER_PULL_H
#define FILO_TRANSFER_PULL_H

#include <stddef.h>

#include "error.h"

struct filo_pull {
  /* Set by who gives. 1 and the next piece, valid until the next call; 0 at the end; FILO_BUSY when it is not
   * here yet; another negative code on failure (then always). `used`: how many bytes of the piece
   * before were taken. */
  int (*next)(struct filo_pull *pull, size_t used, const unsigned char **bytes, size_t *len,
              struct filo_error *err);
  /* Nobody takes any more: `changed` is not called again. */
  void (*drop)(struct filo_pull *pull);

  /* Set by who takes: called when `next` may have something new. */
  void (*changed)(void *ctx);
  void *ctx;
};

static inline void filo_pull_tell(const struct filo_pull *pull) {
  if (pull->changed) pull->changed(pull->ctx);
}

#endif
