#include "crypto/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/random.h"
#include "unnamed.h"

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

/* These give 0, or an errno; EEXIST when there is something at path. */

static int write_flushed(int fd, const char *text, size_t len) {
  errno = EIO; /* for a short write, which sets none */
  bool written = fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
  return written ? 0 : errno;
}

static int write_unnamed(int fd, const char *path, const char *text, size_t len) {
  int error = write_flushed(fd, text, len);
  if (error) return error;
  return filo_unnamed_name(fd, path) < 0 ? errno : 0;
}

static int write_draft(const char *draft, const char *path, const char *text, size_t len) {
  FILO_AUTO_CLOSE int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  int error = write_flushed(fd, text, len);
  if (!error && rename_new(draft, path) < 0) error = errno;
  if (error) unlink(draft);
  return error;
}

static int write_named(const char *path, const char *text, size_t len) {
  unsigned char tag[8];
  char hex[2 * sizeof tag + 1], *draft;
  if (filo_random(tag, sizeof tag, NULL) < 0) return EIO;
  filo_hex(hex, tag, sizeof tag);
  if (asprintf(&draft, "%s.%s", path, hex) < 0) return ENOMEM;
  int error = write_draft(draft, path, text, len);
  free(draft);
  return error;
}

int filo_private_file_write(const char *path, const char *text, size_t len,
                            struct filo_error *err) {
  FILO_AUTO_CLOSE int fd = filo_unnamed_open(path, 0600);
  int error = fd < 0 ? write_named(path, text, len) : write_unnamed(fd, path, text, len);
  if (error == EEXIST) return filo_fail(err, FILO_EXISTS, "%s is there already", path);
  if (error) return filo_fail_errno(err, error, "cannot write %s", path);
  return flush_folder(path, err);
}

static int check_kind(const struct stat *st, const char *path, const char *what,
                      struct filo_error *err) {
  if (S_ISREG(st->st_mode)) return 0;
  return filo_fail(err, FILO_CORRUPT, "the %s %s is no regular file: restore it from a copy", what,
                   path);
}

static int read_all(int fd, const char *path, char *out, size_t room, size_t *len,
                    struct filo_error *err) {
  ssize_t got = 1;
  for (*len = 0; got > 0 && *len <= room; *len += (size_t)got) {
    got = read(fd, out + *len, room + 1 - *len);
    if (got < 0) {
      int error = errno;
      return filo_fail_errno(err, error, "cannot read %s", path);
    }
  }
  return 0;
}

/* Of a file that is something else no mode is asked for: who follows that would shut others out of it. */
static int check_mode(const struct stat *st, const char *path, const char *what, const char *head,
                      const char *text, size_t len, struct filo_error *err) {
  bool is_private = !(st->st_mode & (S_IRWXG | S_IRWXO));
  size_t head_len = strlen(head);
  if (is_private || len < head_len || memcmp(text, head, head_len) != 0) return 0;
  return filo_fail(err, FILO_DENIED, "others may read the %s %s: run chmod 600 %s", what, path,
                   path);
}

int filo_private_file_read(const char *path, const char *what, const char *head, char *out,
                           size_t room, size_t *len, struct filo_error *err) {
  /* O_NONBLOCK: a FIFO in its place must not hang the start. */
  FILO_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s", path);
  }
  int rc = check_kind(&st, path, what, err);
  if (rc == 0) rc = read_all(fd, path, out, room, len, err);
  if (rc == 0) rc = check_mode(&st, path, what, head, out, *len, err);
  return rc;
}
