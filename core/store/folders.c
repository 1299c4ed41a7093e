#include "store/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A symlink instead of a folder is reported by O_DIRECTORY | O_NOFOLLOW as "not a folder". */
static int step_into(int fd, const char *name) {
  int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (next >= 0 || errno != ENOTDIR) return next;
  struct stat st;
  bool link = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
  errno = link ? ELOOP : ENOTDIR;
  return -1;
}

/* Another process may make it at the same time. */
static int make_step(int fd, const char *name, mode_t mode, unsigned *made) {
  if (mkdirat(fd, name, mode) == 0)
    ++*made;
  else if (errno != EEXIST)
    return -1;
  return step_into(fd, name);
}

int filo_folders_open(int fd, char *path, mode_t mode, unsigned *made) {
  int at = fd;
  for (char *name = path; name;) {
    char *slash = strchr(name, '/');
    if (slash) *slash = 0;
    int next = step_into(at, name);
    if (next < 0 && errno == ENOENT && made) next = make_step(at, name, mode, made);
    int error = errno;
    if (at != fd) close(at);
    if (slash) *slash = '/';
    errno = error;
    if (next < 0) return -1;
    at = next;
    name = slash ? slash + 1 : NULL;
  }
  return at;
}
