#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "transport/connection.h"
#include "transport/internal.h"
#include "transport/local.h"
#include "transport/socket.h"

enum {
  SOCKETS = 16,
  PORT_TRIES = 20, /* for one that is free at all addresses */
  BATCH = 64       /* accepted at once, before others get their turn */
};

struct filo_listener {
  struct filo_listener_handler handler;
  void *ctx;
  unsigned count;
  int fds[SOCKETS];
  struct event events[SOCKETS];
  struct event rest; /* ends a pause */
  bool busy, gone;   /* in a callback; freed from within it */
  char address[FILO_ADDRESS_MAX];
  char *path; /* of a Unix socket */
  dev_t device;
  ino_t inode;
};

/* --- Sockets --- */

static int listen_failed(int sys_errno, const char *text, struct filo_error *err) {
  const char *colon = strrchr(text, ':');
  if (sys_errno == EADDRINUSE)
    return filo_fail(err, FILO_EXISTS,
                     "port %s is in use (%s): choose another, or 0 for one that is free", colon + 1,
                     text);
  if (sys_errno == EADDRNOTAVAIL)
    return filo_fail(err, FILO_INVALID, "cannot listen on %s: it is no address of this machine",
                     text);
  return filo_fail_errno(err, sys_errno, "cannot listen on %s", text);
}

/* A listening socket, or a negative errno. */
static int open_socket(const struct sockaddr *address, socklen_t len) {
  const int on = 1;
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd, address, len) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  int sys_errno = errno;
  close(fd);
  return -sys_errno;
}

/* A socket address of either family, whose port lies in the same place (checked below). */
union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "the port of an address lies elsewhere");

static void set_port(struct sockaddr *address, uint16_t port) {
  ((struct sockaddr_in *)address)->sin_port = htons(port);
}

static union address get_name(int fd) {
  union address address = {.v6 = {0}};
  socklen_t len = sizeof address;
  getsockname(fd, &address.any, &len);
  return address;
}

static void close_all(struct filo_listener *listener) {
  while (listener->count > 0) close(listener->fds[--listener->count]);
}

/* One socket for each address, on one port. 0, or an errno with the address that it happened to. */
static int open_all(struct filo_listener *listener, const struct addrinfo *list, uint16_t port,
                    char failed[FILO_ADDRESS_MAX]) {
  int sys_errno = EADDRNOTAVAIL;
  for (; list && listener->count < SOCKETS; list = list->ai_next) {
    set_port(list->ai_addr, port);
    int fd = open_socket(list->ai_addr, list->ai_addrlen);
    if (fd == -EAFNOSUPPORT) continue; /* a machine without IPv6 */
    filo_address_format(list->ai_addr, failed);
    if (fd < 0) {
      sys_errno = -fd;
      close_all(listener);
      return sys_errno;
    }
    if (port == 0) port = ntohs(get_name(fd).v4.sin_port);
    listener->fds[listener->count++] = fd;
  }
  return listener->count > 0 ? 0 : sys_errno;
}

static int find_addresses(const struct filo_address *at, struct addrinfo **ret,
                          struct filo_error *err) {
  const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                 .ai_socktype = SOCK_STREAM};
  int rc = getaddrinfo(at->host[0] ? at->host : NULL, "0", &hints, ret);
  if (rc != 0 && strcasecmp(at->host, "localhost") == 0) /* where there is no /etc/hosts */
    rc = getaddrinfo("127.0.0.1", "0", &hints, ret);
  if (rc == 0) return 0;
  return filo_fail(err, FILO_INVALID, "cannot listen on %s: %s", at->host, gai_strerror(rc));
}

static int open_sockets(struct filo_listener *listener, const struct filo_address *at,
                        struct filo_error *err) {
  struct addrinfo *list;
  char failed[FILO_ADDRESS_MAX] = "";
  int rc = find_addresses(at, &list, err);
  if (rc < 0) return rc;
  int sys_errno, tries = at->port ? 1 : PORT_TRIES;
  do sys_errno = open_all(listener, list, at->port, failed);
  while (sys_errno == EADDRINUSE && --tries > 0);
  freeaddrinfo(list);
  return sys_errno ? listen_failed(sys_errno, failed, err) : 0;
}

/* --- Accepting --- */

static void destroy(struct filo_listener *listener) {
  event_del(&listener->rest);
  for (unsigned i = 0; i < listener->count; i++) event_del(&listener->events[i]);
  close_all(listener);
  if (listener->path) filo_local_remove(listener->path, listener->device, listener->inode);
  free(listener->path);
  free(listener);
}

static void pause_accepting(struct filo_listener *listener) {
  const struct timeval moment = {.tv_usec = 100000};
  for (unsigned i = 0; i < listener->count; i++) event_del(&listener->events[i]);
  event_add(&listener->rest, &moment);
}

static void on_rested(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct filo_listener *listener = arg;
  for (unsigned i = 0; i < listener->count; i++) event_add(&listener->events[i], NULL);
}

static bool is_shortage(int sys_errno) {
  return sys_errno == EMFILE || sys_errno == ENFILE || sys_errno == ENOBUFS || sys_errno == ENOMEM;
}

static void on_acceptable(evutil_socket_t socket_fd, short what, void *arg) {
  (void)what;
  struct filo_listener *listener = arg;
  listener->busy = true;
  for (int i = 0; i < BATCH && !listener->gone; i++) {
    int fd = accept4(socket_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int sys_errno = errno;
    if (fd >= 0) {
      bool scarce = !listener->path && filo_socket_is_scarce();
      filo_socket_tune(fd);
      listener->handler.accepted(listener->ctx, fd, scarce);
      if (scarce) break;
      continue;
    }
    if (is_shortage(sys_errno)) pause_accepting(listener);
    if (is_shortage(sys_errno)) listener->handler.starved(listener->ctx, sys_errno);
    if (is_shortage(sys_errno) || sys_errno == EAGAIN) break;
    /* Anything else happened to the one connection that was next. */
  }
  listener->busy = false;
  if (listener->gone) destroy(listener);
}

/* --- Life --- */

static int make(const struct filo_listener_handler *handler, void *ctx, struct filo_listener **ret,
                struct filo_error *err) {
  *ret = calloc(1, sizeof **ret);
  if (!*ret) return filo_fail(err, FILO_NO_MEMORY, "no memory for a listener");
  (*ret)->handler = *handler;
  (*ret)->ctx = ctx;
  return 0;
}

static void start(struct filo_listener *listener, struct event_base *base) {
  event_assign(&listener->rest, base, -1, 0, on_rested, listener);
  for (unsigned i = 0; i < listener->count; i++) {
    event_assign(&listener->events[i], base, listener->fds[i], EV_READ | EV_PERSIST, on_acceptable,
                 listener);
    event_add(&listener->events[i], NULL);
  }
}

int filo_listener_new(struct event_base *base, const struct filo_address *at,
                      const struct filo_listener_handler *handler, void *ctx,
                      struct filo_listener **ret, struct filo_error *err) {
  struct filo_listener *listener;
  int rc = make(handler, ctx, &listener, err);
  if (rc < 0) return rc;
  rc = open_sockets(listener, at, err);
  if (rc < 0) {
    free(listener);
    return rc;
  }
  union address name = get_name(listener->fds[0]);
  filo_address_format(&name.any, listener->address);
  start(listener, base);
  *ret = listener;
  return 0;
}

static int open_local(struct filo_listener *listener, const char *path, struct filo_error *err) {
  struct stat status;
  listener->path = strdup(path);
  if (!listener->path) return filo_fail(err, FILO_NO_MEMORY, "no memory for a listener");
  int rc = filo_local_listen(path, &listener->fds[0], err);
  if (rc < 0) return rc;
  listener->count = 1;
  if (lstat(path, &status) < 0) return 0; /* removed already */
  listener->device = status.st_dev;
  listener->inode = status.st_ino;
  return 0;
}

int filo_listener_new_local(struct event_base *base, const char *path,
                            const struct filo_listener_handler *handler, void *ctx,
                            struct filo_listener **ret, struct filo_error *err) {
  struct filo_listener *listener;
  int rc = make(handler, ctx, &listener, err);
  if (rc < 0) return rc;
  rc = open_local(listener, path, err);
  if (rc < 0) {
    free(listener->path);
    free(listener);
    return rc;
  }
  start(listener, base);
  *ret = listener;
  return 0;
}

const char *filo_listener_address(const struct filo_listener *listener) {
  return listener->path ? listener->path : listener->address;
}

void filo_listener_free(struct filo_listener *listener) {
  if (!listener || listener->gone) return;
  listener->gone = true;
  if (!listener->busy) destroy(listener);
}
