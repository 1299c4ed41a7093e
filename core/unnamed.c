#include "unnamed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

enum { LINK_SIZE = sizeof "/proc/self/fd/" + 3 * sizeof(int) };

static void name_of(int fd, char link[LINK_SIZE]) {
  snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
}

int filo_unnamed_open(const char *path, mode_t mode) {
  const char *slash = strrchr(path, '/');
  FILO_AUTO_FREE char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  int fd = folder ? open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, mode) : -1;
  char link[LINK_SIZE];
  name_of(fd, link);
  if (fd < 0 || faccessat(AT_FDCWD, link, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return fd;
  close(fd);
  return -1;
}

int filo_unnamed_name(int fd, const char *path) {
  char link[LINK_SIZE];
  name_of(fd, link);
  return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}
