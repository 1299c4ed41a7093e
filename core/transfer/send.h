/* Sending a sealed object, or a run of its chunks, over a stream: the hash list first if asked,
 * then ciphertext.
 *
 * Bytes are read by the workers into buffers and go from there into the connection:
 * no other copy is made. At most two buffers a stream: one is read while the other is sent. Nothing
 * is read before the receiver gave credit. Loop thread.
 */
#ifndef FILO_TRANSFER_SEND_H
#define FILO_TRANSFER_SEND_H

#include "store/object.h"
#include "transfer/resources.h"
#include "transport/connection.h"

struct filo_send;

struct filo_send_options {
  bool hashes;    /* the whole hash list first */
  uint64_t first; /* chunk */
  uint64_t count; /* chunks; cut at the object's end */
};

/* `done` is called once, with 0 or why it failed, unless filo_send_free comes first. */
typedef void filo_send_fn(void *ctx, int code, const struct filo_error *err);

/* Takes a reference to the object. */
int filo_send_start(struct filo_resources *resources, struct filo_connection *connection,
                    struct filo_object *object, const struct filo_send_options *options,
                    filo_send_fn *done, void *ctx, struct filo_send **ret, struct filo_error *err);

/* The stream's number, for the message that names it. */
uint32_t filo_send_number(const struct filo_send *send);

uint64_t filo_send_bytes(const struct filo_send *send);

/* Gives up when it is not done. */
void filo_send_free(struct filo_send *send);

#endif
