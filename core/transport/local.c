#include "transport/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"

/* --- Addresses --- */

/* A path that is too long for a socket address is reached through its folder, which stays open in
 * *folder. */
static int make_address(const char *path, struct sockaddr_un *ret, int *folder,
                        struct filo_error *err) {
  *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
  size_t len = strlen(path);
  if (len < sizeof ret->sun_path) {
    memcpy(ret->sun_path, path, len);
    return 0;
  }
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  FILO_AUTO_FREE char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
  *folder = parent ? open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  int sys_errno = errno;
  if (*folder < 0) return filo_fail_errno(err, sys_errno, "cannot reach %s", path);
  if (access("/proc/self/fd", X_OK) < 0)
    return filo_fail(err, FILO_UNSUPPORTED,
                     "the path of the socket %s is longer than %zu bytes, which takes /proc: mount "
                     "it, or use a shorter path",
                     path, sizeof ret->sun_path - 1);
  int n = snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", *folder, name);
  if ((size_t)n < sizeof ret->sun_path) return 0;
  return filo_fail(err, FILO_INVALID, "the name of the socket %s is too long", path);
}

static int open_socket(struct filo_error *err) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int sys_errno = errno;
  return fd < 0 ? filo_fail_errno(err, sys_errno, "cannot make a socket") : fd;
}

/* --- Dialling --- */

/* 0 or an errno. */
static int connect_to(int fd, const struct sockaddr_un *address) {
  return connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
}

int filo_local_dial(const char *path, int *ret_fd, struct filo_error *err) {
  struct sockaddr_un address;
  FILO_AUTO_CLOSE int folder = -1;
  int code = make_address(path, &address, &folder, err);
  if (code < 0) return code;
  int fd = open_socket(err);
  if (fd < 0) return fd;
  int sys_errno = connect_to(fd, &address);
  if (sys_errno == 0) {
    *ret_fd = fd;
    return 0;
  }
  close(fd);
  if (sys_errno == ECONNREFUSED)
    return filo_fail(err, FILO_UNREACHABLE, "nobody listens at %s", path);
  if (sys_errno == EAGAIN)
    return filo_fail(err, FILO_BUSY, "%s has no room for one more connection: try again", path);
  return filo_fail_errno(err, sys_errno, "cannot connect to %s", path);
}

/* --- Listening --- */

/* Whether path is a socket that nobody listens at any more. */
static bool is_left_over(const char *path) {
  struct stat status;
  struct filo_error err;
  FILO_AUTO_CLOSE int fd = -1;
  return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
         filo_local_dial(path, &fd, &err) == FILO_UNREACHABLE;
}

/* 0 or an errno. The mode that the socket has before it is bound is that of the file. */
static int bind_to(int fd, const struct sockaddr_un *address) {
  if (fchmod(fd, 0600) < 0) return errno;
  return bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
}

static int listen_at(int fd, const char *path, const struct sockaddr_un *address) {
  int sys_errno = bind_to(fd, address);
  if (sys_errno == EADDRINUSE && is_left_over(path) && unlink(path) == 0)
    sys_errno = bind_to(fd, address);
  if (sys_errno) return sys_errno;
  return listen(fd, SOMAXCONN) < 0 ? errno : 0;
}

int filo_local_listen(const char *path, int *ret_fd, struct filo_error *err) {
  struct sockaddr_un address;
  FILO_AUTO_CLOSE int folder = -1;
  int code = make_address(path, &address, &folder, err);
  if (code < 0) return code;
  int fd = open_socket(err);
  if (fd < 0) return fd;
  int sys_errno = listen_at(fd, path, &address);
  if (sys_errno == 0) {
    *ret_fd = fd;
    return 0;
  }
  close(fd);
  if (sys_errno == EADDRINUSE)
    return filo_fail(err, FILO_EXISTS, "cannot listen at %s: it is there already, and in use",
                     path);
  return filo_fail_errno(err, sys_errno, "cannot listen at %s", path);
}

void filo_local_remove(const char *path, dev_t device, ino_t inode) {
  struct stat status;
  if (lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode) unlink(path);
}

/* --- Passing --- */

union control {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(FILO_PASSED_MAX * sizeof(int))];
};

static bool is_local(int fd) {
  int family;
  socklen_t len = sizeof family;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_UNIX;
}

int filo_local_pass(int fd, int passed) {
  char byte = 0;
  if (!is_local(fd)) return EOPNOTSUPP; /* TCP would send the byte alone */
  union control control = {.bytes = {0}};
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = CMSG_SPACE(sizeof passed)};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof passed);
  memcpy(CMSG_DATA(header), &passed, sizeof passed);
  return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* False when they are more than may wait. */
static bool add(struct filo_passed *passed, const struct cmsghdr *header) {
  size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  bool room = true;
  for (size_t i = 0; i < count; i++) {
    int fd;
    memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
    room = passed->count < FILO_PASSED_MAX;
    if (room)
      passed->fds[passed->count++] = fd;
    else
      close(fd);
  }
  return room;
}

ssize_t filo_local_receive(int fd, void *space, size_t len, struct filo_passed *passed) {
  union control control;
  struct iovec data = {space, len};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return got;
  bool room = true;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h))
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) room = add(passed, h) && room;
  bool cut = message.msg_flags & MSG_CTRUNC;
  if (cut && passed->count < FILO_PASSED_MAX) passed->lost = true;
  if (room && (!cut || passed->lost)) return got;
  errno = EPROTO;
  return -1;
}

int filo_passed_take(struct filo_passed *passed) {
  if (passed->count == 0) return -1;
  int fd = passed->fds[0];
  memmove(passed->fds, passed->fds + 1, --passed->count * sizeof *passed->fds);
  return fd;
}

void filo_passed_close(struct filo_passed *passed) {
  while (passed->count > 0) close(passed->fds[--passed->count]);
}
