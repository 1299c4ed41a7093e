#include "runtime/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int filo_notify(const char *state, struct filo_error *err) {
  const char *path = getenv("NOTIFY_SOCKET");
  if (!path) return 0;
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  if ((path[0] != '/' && path[0] != '@') || len >= sizeof to.sun_path)
    return filo_fail(err, FILO_INVALID, "NOTIFY_SOCKET is no address of a socket: %s", path);
  memcpy(to.sun_path, path, len);
  if (path[0] == '@') to.sun_path[0] = 0; /* the abstract namespace */
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  ssize_t sent = fd < 0 ? -1 : sendto(fd, state, strlen(state), 0, (struct sockaddr *)&to, size);
  int error = errno;
  if (fd >= 0) close(fd);
  return sent < 0 ? filo_fail_errno(err, error, "cannot tell %s of the state", path) : 1;
}
