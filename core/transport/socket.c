#include "transport/socket.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

struct timeval filo_delay(double seconds) {
  if (!(seconds > 0)) seconds = 0;
  if (seconds > 1e9) seconds = 1e9;
  struct timeval delay = {.tv_sec = (time_t)seconds};
  delay.tv_usec = (suseconds_t)((seconds - (double)delay.tv_sec) * 1e6);
  return delay;
}

void filo_socket_remote(int fd, char out[FILO_ADDRESS_MAX]) {
  struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
  struct ucred creds;
  socklen_t len = sizeof address, creds_len = sizeof creds;
  out[0] = 0;
  if (getpeername(fd, (struct sockaddr *)&address, &len) < 0) return;
  if (address.ss_family != AF_UNIX)
    filo_address_format((struct sockaddr *)&address, out);
  else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &creds_len) == 0)
    snprintf(out, FILO_ADDRESS_MAX, "process %ld", (long)creds.pid);
}

enum { RESERVE_MOST = 64, RESERVE_PART = 3, COUNTED = 1024 };

void filo_socket_tune(int fd) {
  const int on = 1, unsent = 256 * 1024;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

uint64_t filo_socket_acknowledged(int fd, bool *more) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  *more = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
  return info.tcpi_bytes_acked;
}

/* How many of the first `limit` descriptors are free. */
static rlim_t count_free(rlim_t limit) {
  struct pollfd all[COUNTED];
  for (rlim_t i = 0; i < limit; i++) all[i] = (struct pollfd){.fd = (int)i};
  if (poll(all, limit, 0) < 0) return limit;
  rlim_t count = 0;
  for (rlim_t i = 0; i < limit; i++) count += (all[i].revents & POLLNVAL) != 0;
  return count;
}

/* Where there are many, the bounds on connections of peers/door.lua and crowd.lua leave enough. */
bool filo_socket_is_scarce(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > COUNTED) return false;
  rlim_t part = limit.rlim_cur / RESERVE_PART;
  return count_free(limit.rlim_cur) < (part < RESERVE_MOST ? part : RESERVE_MOST);
}
