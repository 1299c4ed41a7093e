/* Names of hosts, looked up by getaddrinfo: as every other program on the machine does it, with
 * hosts, name servers and whatever else nsswitch.conf says, as these files are now. (libevent's own
 * resolver reads them once, and a machine that moves to another network finds no name any more.)
 *
 * getaddrinfo waits, for half a minute and more where no name server answers. So each look-up has a
 * thread of its own, and none of the pool's workers, which disks need; who asks for a name that is
 * being looked up shares in what is found. A thread cannot be stopped: one that nobody waits for any
 * more comes to its end by itself, and is not waited for when the process ends.
 *
 * Loop thread.
 */
#ifndef FILO_TRANSPORT_RESOLVER_H
#define FILO_TRANSPORT_RESOLVER_H

#include <event2/event.h>
#include <netdb.h>

#include "error.h"

enum { FILO_LOOK_UPS_MAX = 64 }; /* of different names at once */

struct filo_resolver;

int filo_resolver_new(struct event_base *base, struct filo_resolver **ret, struct filo_error *err);

/* Who still waits is not told. NULL is allowed. */
void filo_resolver_free(struct filo_resolver *resolver);

/* found: stream addresses with port 0, which stay the resolver's; NULL, with why. Never called from
 * within filo_resolver_ask. */
typedef void filo_resolver_fn(void *ctx, const struct addrinfo *found,
                              const struct filo_error *why);

/* Whoever waits for a name. Its own: `done` and `ctx`. */
struct filo_name_wait {
  filo_resolver_fn *done;
  void *ctx;
  struct filo_look_up *of; /* NULL: it does not wait */
  struct filo_name_wait *next;
};

/* The wait stays where it is until it is done or forgotten. FILO_BUSY: too much is under way. */
int filo_resolver_ask(struct filo_resolver *resolver, const char *name, struct filo_name_wait *wait,
                      struct filo_error *err);
void filo_resolver_forget(struct filo_name_wait *wait);

#endif
