/* Receiving a run of chunks of a sealed object from a stream into an partial copy.
 *
 * Credit is memory: the peer may send as many bytes as there are buffers taken for this stream, in
 * the order in which the parts come (the hash list in pieces of a chunk's size, then chunks). A
 * full buffer goes to a worker, which verifies and writes it. The hash list is verified before any
 * chunk is asked for. The first bad part ends the stream. Several streams may fill one partial with
 * different chunks. Loop thread.
 */
#ifndef FILO_TRANSFER_RECEIVE_H
#define FILO_TRANSFER_RECEIVE_H

#include "transfer/partial.h"
#include "transfer/resources.h"
#include "transport/connection.h"

struct filo_receive;

struct filo_receive_options {
  uint32_t number; /* the stream that the peer named */
  bool hashes;     /* the hash list comes first */
  uint64_t first;  /* chunk */
  uint64_t count;  /* chunks; cut at the object's end */
};

/* `done` is called once: with 0 when all parts are here, or why not; unless filo_receive_free comes
 * first. */
typedef void filo_receive_fn(void *ctx, int code, const struct filo_error *err);

/* Takes a reference to the partial. */
int filo_receive_start(struct filo_resources *resources, struct filo_connection *connection,
                       struct filo_partial *partial, const struct filo_receive_options *options,
                       filo_receive_fn *done, void *ctx, struct filo_receive **ret,
                       struct filo_error *err);

uint64_t filo_receive_bytes(const struct filo_receive *receive);

/* Gives up when it is not done. */
void filo_receive_free(struct filo_receive *receive);

#endif
