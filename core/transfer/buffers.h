/* Chunk buffers that all transfers of a process share.
 *
 * A transfer may always have one buffer, so that none can stop another for want of memory; more
 * than one, to work ahead, only while fewer than `limit` are in use. So memory is bounded by the
 * limit and the number of transfers, which is bounded above this layer. The buffer that was used
 * last is handed out first: its memory is warm. What lies unused for a few seconds goes back to the
 * system. Loop thread; a worker may use the bytes of a buffer that its job holds.
 */
#ifndef FILO_TRANSFER_BUFFERS_H
#define FILO_TRANSFER_BUFFERS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct filo_buffer {
  struct filo_buffer *next; /* the pool's */
  unsigned char *bytes;     /* FILO_CHUNK_SIZE of them */
};

struct filo_buffers;

int filo_buffers_new(struct event_base *base, unsigned limit, struct filo_buffers **ret,
                     struct filo_error *err);

/* `first`: the transfer has none yet. NULL when the limit is reached, or when the system has no
 * memory. */
struct filo_buffer *filo_buffers_take(struct filo_buffers *buffers, bool first);

void filo_buffers_give(struct filo_buffers *buffers, struct filo_buffer *buffer);

/* Every buffer must have been given back. */
void filo_buffers_free(struct filo_buffers *buffers);

#endif
