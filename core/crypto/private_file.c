#include "crypto/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/random.h"

static int flush_folder(const char *path, struct filo_error *err) {
  const char *slash = strrchr(path, '/');
  FILO_AUTO_FREE char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  if (!folder) return filo_fail(err, FILO_NO_MEMORY, "no memory to save %s", path);
  FILO_AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot flush the folder of %s", path);
  }
  return 0;
}

/* Some file systems know no RENAME_NOREPLACE; a hard link does not replace either. */
static int rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (link(from, to) < 0) return -1;
  unlink(from);
  return 0;
}

static int write_flushed(const char *path, const char *text, size_t len, struct filo_error *err) {
  FILO_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot create %s", path);
  }
  errno = EIO; /* for a short write, which sets none */
  if (fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0) return 0;
  int error = errno;
  unlink(path);
  return filo_fail_errno(err, error, "cannot write %s", path);
}

int filo_private_file_write(const char *path, const char *text, size_t len,
                            struct filo_error *err) {
  unsigned char tag[8];
  char hex[2 * sizeof tag + 1], *temporary;
  int rc = filo_random(tag, sizeof tag, err);
  if (rc < 0) return rc;
  filo_hex(hex, tag, sizeof tag);
  if (asprintf(&temporary, "%s.%s", path, hex) < 0)
    return filo_fail(err, FILO_NO_MEMORY, "no memory to save %s", path);
  rc = write_flushed(temporary, text, len, err);
  if (rc == 0 && rename_new(temporary, path) < 0) {
    int error = errno;
    unlink(temporary);
    rc = error == EEXIST ? filo_fail(err, FILO_EXISTS, "%s is there already", path)
                         : filo_fail_errno(err, error, "cannot create %s", path);
  }
  free(temporary);
  return rc < 0 ? rc : flush_folder(path, err);
}
