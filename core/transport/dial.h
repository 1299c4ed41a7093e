/* From an address to a connected socket.
 *
 * A host name is looked up (resolver.h); then its addresses are tried in turn, each for
 * its share of the time that is left, so that one that swallows everything does not use up the
 * others' time. Loop thread only.
 */
#ifndef FILO_TRANSPORT_DIAL_H
#define FILO_TRANSPORT_DIAL_H

#include <event2/event.h>

#include "transport/address.h"
#include "transport/resolver.h"

struct filo_dial;

/* The last thing that a dial does: fd is the caller's, non-blocking; or -1, with why. The dial is
 * gone already. Never called from within filo_dial_start. */
typedef void filo_dial_fn(void *ctx, int fd, const struct filo_error *why);

/* Fails at once only for what can never work, or when too many names are being looked up. */
int filo_dial_start(struct event_base *base, struct filo_resolver *resolver,
                    const struct filo_address *to, double seconds, filo_dial_fn *done, void *ctx,
                    struct filo_dial **ret, struct filo_error *err);

/* Gives up: done is not called. NULL is allowed. */
void filo_dial_stop(struct filo_dial *dial);

#endif
