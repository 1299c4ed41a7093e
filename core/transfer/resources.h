/* What the connections and transfers of one process share: the loop's pool of workers, the buffers,
 * the resolver of names. Loop thread. */
#ifndef FILO_TRANSFER_RESOURCES_H
#define FILO_TRANSFER_RESOURCES_H

#include "runtime/loop.h"
#include "transfer/buffers.h"
#include "transport/resolver.h"

/* Buffers of 1 MiB that may be in use before transfers stop working ahead. */
enum { FILO_BUFFERS = 12 };

/* Seconds without progress after which a transfer over the network is given up. */
#define FILO_STALL_SECONDS 30

struct filo_resources {
  struct event_base *base;
  struct filo_pool *pool;
  struct filo_buffers *buffers;
  struct filo_resolver *resolver;
};

int filo_resources_new(struct filo_loop *loop, struct filo_resources **ret, struct filo_error *err);
void filo_resources_free(struct filo_resources *resources);

#endif
