#include "transport/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "transport/internal.h"
#include "transport/socket.h"

enum { CANDIDATES = 16 };

struct filo_dial {
  filo_dial_fn *done;
  void *ctx;
  struct event_base *base;
  struct filo_name_wait name;
  struct sockaddr_storage candidates[CANDIDATES];
  unsigned count, next;
  int fd;
  struct event connected, timer;
  double deadline;
  struct filo_error failure; /* of the last one tried */
  struct filo_address to;
};

static void on_connected(evutil_socket_t fd, short what, void *arg);

static void hang_up(struct filo_dial *dial) {
  if (dial->fd < 0) return;
  event_del(&dial->connected);
  close(dial->fd);
  dial->fd = -1;
}

void filo_dial_stop(struct filo_dial *dial) {
  if (!dial) return;
  hang_up(dial);
  event_del(&dial->timer);
  filo_resolver_forget(&dial->name);
  free(dial);
}

static void finish(struct filo_dial *dial, int fd) {
  filo_dial_fn *done = dial->done;
  void *ctx = dial->ctx;
  struct filo_error why = dial->failure;
  filo_dial_stop(dial);
  done(ctx, fd, &why);
}

static void set_timer(struct filo_dial *dial, double seconds) {
  struct timeval delay = filo_delay(seconds);
  event_add(&dial->timer, &delay);
}

static socklen_t length(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* 0 when it connects or will, else an errno. */
static int connect_to(struct filo_dial *dial, const struct sockaddr_storage *address) {
  int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  if (connect(fd, (const struct sockaddr *)address, length(address)) < 0 && errno != EINPROGRESS) {
    int sys_errno = errno;
    close(fd);
    return sys_errno;
  }
  dial->fd = fd;
  event_assign(&dial->connected, dial->base, fd, EV_WRITE, on_connected, dial);
  event_add(&dial->connected, NULL);
  return 0;
}

static void try_next(struct filo_dial *dial) {
  double left = dial->deadline - filo_connection_clock();
  while (dial->next < dial->count && left > 0) {
    const struct sockaddr_storage *address = &dial->candidates[dial->next++];
    char text[FILO_ADDRESS_MAX];
    filo_address_format((const struct sockaddr *)address, text);
    int sys_errno = connect_to(dial, address);
    if (sys_errno == 0) {
      filo_fail(&dial->failure, FILO_TIMEOUT, "%s does not answer", text);
      set_timer(dial, left / (dial->count - dial->next + 1));
      return;
    }
    filo_fail_errno(&dial->failure, sys_errno, "cannot connect to %s", text);
  }
  finish(dial, -1);
}

static void on_connected(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct filo_dial *dial = arg;
  int sys_errno = 0;
  socklen_t len = sizeof sys_errno;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys_errno, &len) < 0) sys_errno = errno;
  if (sys_errno == 0) {
    dial->fd = -1;
    finish(dial, fd);
  } else {
    char text[FILO_ADDRESS_MAX];
    filo_address_format((struct sockaddr *)&dial->candidates[dial->next - 1], text);
    filo_fail_errno(&dial->failure, sys_errno, "cannot connect to %s", text);
    hang_up(dial);
    try_next(dial);
  }
}

/* The time of one address is over, or of the look-up: then there is none. */
static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  hang_up(arg);
  try_next(arg);
}

/* --- From a name to addresses --- */

static void add_candidates(struct filo_dial *dial, const struct addrinfo *found) {
  for (; found && dial->count < CANDIDATES; found = found->ai_next) {
    if (found->ai_family != AF_INET && found->ai_family != AF_INET6) continue;
    struct sockaddr_storage *address = &dial->candidates[dial->count++];
    memcpy(address, found->ai_addr, found->ai_addrlen);
    ((struct sockaddr_in *)address)->sin_port = htons(dial->to.port); /* or an IPv6 address's */
  }
}

static void on_found(void *ctx, const struct addrinfo *found, const struct filo_error *why) {
  struct filo_dial *dial = ctx;
  dial->failure = *why;
  add_candidates(dial, found);
  try_next(dial);
}

static bool add_numeric(struct filo_dial *dial, const char *host) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(host, NULL, &hints, &found) != 0) return false;
  add_candidates(dial, found);
  freeaddrinfo(found);
  return true;
}

/* Finds addresses, now or later. */
static int find(struct filo_dial *dial, struct filo_resolver *resolver, double seconds,
                struct filo_error *err) {
  if (strcasecmp(dial->to.host, "localhost") == 0) {
    add_numeric(dial, "127.0.0.1");
    add_numeric(dial, "::1");
  } else if (!add_numeric(dial, dial->to.host)) {
    filo_fail(&dial->failure, FILO_TIMEOUT, "the name servers did not answer for %s",
              dial->to.host);
    set_timer(dial, seconds);
    return filo_resolver_ask(resolver, dial->to.host, &dial->name, err);
  }
  set_timer(dial, 0);
  return 0;
}

int filo_dial_start(struct event_base *base, struct filo_resolver *resolver,
                    const struct filo_address *to, double seconds, filo_dial_fn *done, void *ctx,
                    struct filo_dial **ret, struct filo_error *err) {
  if (!to->host[0] || to->port == 0)
    return filo_fail(err, FILO_INVALID, "an address to connect to needs a host and a port");
  struct filo_dial *dial = calloc(1, sizeof *dial);
  if (!dial) return filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
  dial->base = base;
  dial->done = done;
  dial->ctx = ctx;
  dial->fd = -1;
  dial->to = *to;
  dial->deadline = filo_connection_clock() + seconds;
  filo_fail(&dial->failure, FILO_TIMEOUT, "there was no time to connect to %s:%u", to->host,
            to->port);
  event_assign(&dial->timer, base, -1, 0, on_timer, dial);
  dial->name = (struct filo_name_wait){.done = on_found, .ctx = dial};
  int rc = find(dial, resolver, seconds, err);
  if (rc < 0)
    filo_dial_stop(dial);
  else
    *ret = dial;
  return rc;
}
