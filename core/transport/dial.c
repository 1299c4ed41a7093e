/* A host name is looked up by the loop's resolver; then its addresses are tried in turn, each for
 * its share of the time that is left, so that one that swallows everything does not use up the
 * others' time. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "transport/internal.h"

enum { CANDIDATES = 16 };

struct filo_dial {
  struct filo_connection *connection; /* NULL: it has gone, only the look-up is still under way */
  struct evdns_getaddrinfo_request *lookup;
  struct sockaddr_storage candidates[CANDIDATES];
  unsigned count, next;
  int fd;
  struct event connected;
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

void filo_dial_stop(struct filo_connection *c) {
  struct filo_dial *dial = c->dial;
  if (!dial) return;
  c->dial = NULL;
  hang_up(dial);
  dial->connection = NULL;
  if (dial->lookup)
    evdns_getaddrinfo_cancel(dial->lookup); /* its callback frees */
  else
    free(dial);
}

static socklen_t length(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* 0 when it connects or will, else an errno. */
static int connect_to(struct filo_dial *dial, const struct sockaddr_storage *address) {
  struct filo_connection *c = dial->connection;
  int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  if (connect(fd, (const struct sockaddr *)address, length(address)) < 0 && errno != EINPROGRESS) {
    int sys_errno = errno;
    close(fd);
    return sys_errno;
  }
  dial->fd = fd;
  event_assign(&dial->connected, c->options.base, fd, EV_WRITE, on_connected, c);
  event_add(&dial->connected, NULL);
  return 0;
}

static void try_next(struct filo_connection *c) {
  struct filo_dial *dial = c->dial;
  double left = dial->deadline - filo_connection_clock();
  while (dial->next < dial->count && left > 0) {
    const struct sockaddr_storage *address = &dial->candidates[dial->next++];
    char text[FILO_ADDRESS_MAX];
    filo_address_format((const struct sockaddr *)address, text);
    int sys_errno = connect_to(dial, address);
    if (sys_errno == 0) {
      filo_fail(&dial->failure, FILO_TIMEOUT, "%s does not answer", text);
      filo_connection_set_timer(c, left / (dial->count - dial->next + 1));
      return;
    }
    filo_fail_errno(&dial->failure, sys_errno, "cannot connect to %s", text);
  }
  filo_connection_end(c, &dial->failure);
}

static void on_connected(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct filo_connection *c = filo_connection_ref(arg);
  struct filo_dial *dial = c->dial;
  int sys_errno = 0;
  socklen_t len = sizeof sys_errno;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys_errno, &len) < 0) sys_errno = errno;
  if (sys_errno == 0) {
    struct filo_error err;
    dial->fd = -1;
    filo_dial_stop(c);
    if (filo_connection_connected(c, fd, &err) < 0) filo_connection_end(c, &err);
  } else {
    char text[FILO_ADDRESS_MAX];
    filo_address_format((struct sockaddr *)&dial->candidates[dial->next - 1], text);
    filo_fail_errno(&dial->failure, sys_errno, "cannot connect to %s", text);
    hang_up(dial);
    try_next(c);
  }
  filo_connection_unref(c);
}

void filo_dial_timeout(struct filo_connection *c) {
  hang_up(c->dial);
  try_next(c); /* while it is looked up, there is none: the end */
}

/* --- From a name to addresses --- */

static void add_candidates(struct filo_dial *dial, const struct addrinfo *found) {
  for (; found && dial->count < CANDIDATES; found = found->ai_next)
    if (found->ai_family == AF_INET || found->ai_family == AF_INET6)
      memcpy(&dial->candidates[dial->count++], found->ai_addr, found->ai_addrlen);
}

static void on_found(int result, struct evutil_addrinfo *found, void *arg) {
  struct filo_dial *dial = arg;
  struct filo_connection *c = dial->connection;
  dial->lookup = NULL;
  if (c) {
    if (result == 0) add_candidates(dial, found);
    filo_fail(&dial->failure, FILO_UNREACHABLE, "cannot look up %s: %s", dial->to.host,
              result ? evutil_gai_strerror(result) : "it has no address");
    filo_connection_set_timer(c, 0); /* this may be within filo_dial_start */
  } else {
    free(dial);
  }
  if (found) evutil_freeaddrinfo(found);
}

static bool add_numeric(struct filo_dial *dial, const char *host) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                 .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  char port[8];
  snprintf(port, sizeof port, "%u", dial->to.port);
  if (getaddrinfo(host, port, &hints, &found) != 0) return false;
  add_candidates(dial, found);
  freeaddrinfo(found);
  return true;
}

static int look_up(struct filo_dial *dial, struct filo_error *err) {
  struct filo_connection *c = dial->connection;
  const struct evutil_addrinfo hints = {.ai_flags = EVUTIL_AI_NUMERICSERV,
                                        .ai_family = AF_UNSPEC,
                                        .ai_socktype = SOCK_STREAM,
                                        .ai_protocol = IPPROTO_TCP};
  char port[8];
  if (!c->options.dns)
    return filo_fail(err, FILO_UNREACHABLE,
                     "cannot look up %s: there is no name server; write a numeric address",
                     dial->to.host);
  snprintf(port, sizeof port, "%u", dial->to.port);
  filo_fail(&dial->failure, FILO_TIMEOUT, "the name servers did not answer for %s", dial->to.host);
  filo_connection_set_timer(c, c->options.dial_timeout);
  dial->lookup = evdns_getaddrinfo(c->options.dns, dial->to.host, port, &hints, on_found, dial);
  return 0;
}

int filo_dial_start(struct filo_connection *c, const struct filo_address *to,
                    struct filo_error *err) {
  if (!to->host[0] || to->port == 0)
    return filo_fail(err, FILO_INVALID, "an address to connect to needs a host and a port");
  struct filo_dial *dial = calloc(1, sizeof *dial);
  if (!dial) return filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
  c->dial = dial;
  dial->connection = c;
  dial->fd = -1;
  dial->to = *to;
  dial->deadline = filo_connection_clock() + c->options.dial_timeout;
  bool here = strcasecmp(to->host, "localhost") == 0;
  if (!here && !add_numeric(dial, to->host)) return look_up(dial, err);
  if (here) {
    add_numeric(dial, "127.0.0.1");
    add_numeric(dial, "::1");
  }
  filo_connection_set_timer(c, 0);
  return 0;
}
