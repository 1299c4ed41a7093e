#include "transport/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESERVE_MOST = 64, RESERVE_PART = 3 };

void filo_socket_tune(int fd) {
  const int on = 1, unsent = 256 * 1024;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

/* The system gives the lowest number that is free: so many are in use, or more. */
bool filo_socket_is_scarce(int fd) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return false;
  rlim_t part = limit.rlim_cur / RESERVE_PART;
  rlim_t reserve = part < RESERVE_MOST ? part : RESERVE_MOST;
  int next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (next < 0) return true;
  close(next);
  return (rlim_t)next >= limit.rlim_cur - reserve;
}
