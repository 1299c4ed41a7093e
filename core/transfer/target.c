#include "transfer/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "crypto/random.h"
#include "unnamed.h"

enum { BLOCK = 4096 }; /* of a hole, at least */
enum { ALL_PERMISSIONS = 0777 };

struct filo_target {
  int fd;
  mode_t usual_mode;
  bool is_stream;
  bool is_sparse;
  bool is_named; /* the draft, which is to be renamed or removed */
  char *draft;   /* its name, now or later */
  char *real;    /* where a symbolic link leads */
  char path[];   /* as given */
};

int filo_target_new(const char *path, bool sparse, struct filo_target **ret,
                    struct filo_error *err) {
  struct filo_target *target = calloc(1, sizeof *target + strlen(path) + 1);
  if (!target) return filo_fail(err, FILO_NO_MEMORY, "no memory to save to %s", path);
  strcpy(target->path, path);
  target->fd = -1;
  target->is_sparse = sparse;
  *ret = target;
  return 0;
}

/* Not FILO_NOT_FOUND, which would be said of the object. */
static int failed(const struct filo_target *target, int sys_errno, struct filo_error *err) {
  int code = filo_fail_errno(err, sys_errno, "cannot write %s", target->path);
  if (code != FILO_NOT_FOUND) return code;
  if (err) err->code = FILO_IO;
  return FILO_IO;
}

/* --- Opening --- */

/* Not by its name, under which the file behind a redirection would be opened anew. */
static int open_stdout(struct filo_target *target, struct filo_error *err) {
  fflush(stdout); /* comes before */
  target->is_stream = true;
  target->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  return target->fd < 0 ? failed(target, errno, err) : 0;
}

static int open_stream(struct filo_target *target, struct filo_error *err) {
  target->is_stream = true;
  target->fd = open(target->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (target->fd >= 0) return 0;
  int error = errno;
  if (error != ENXIO) return failed(target, error, err);
  return filo_fail(err, FILO_IO, "cannot write %s: nobody reads from it", target->path);
}

static int name_draft(struct filo_target *target, struct filo_error *err) {
  unsigned char random[8];
  char hex[2 * sizeof random + 1];
  int code = filo_random(random, sizeof random, err);
  if (code < 0) return code;
  filo_hex(hex, random, sizeof random);
  const char *name = strrchr(target->real, '/');
  int folder = name ? (int)(name + 1 - target->real) : 0;
  if (asprintf(&target->draft, "%.*s.filo-%s", folder, target->real, hex) >= 0) return 0;
  target->draft = NULL;
  return filo_fail(err, FILO_NO_MEMORY, "no memory to save to %s", target->path);
}

/* Some file systems have no modes of files. */
static int set_mode(const struct filo_target *target, mode_t mode) {
  if (fchmod(target->fd, mode) == 0) return 0;
  return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
}

/* Nobody else reads a draft that has a name, nor what it will be when that is for few. */
static int make_private(struct filo_target *target) {
  struct stat status;
  if (fstat(target->fd, &status) < 0) return -1;
  target->usual_mode = status.st_mode & ALL_PERMISSIONS;
  return set_mode(target, S_IRUSR | S_IWUSR);
}

static int open_draft(struct filo_target *target, uint64_t size, struct filo_error *err) {
  target->real = realpath(target->path, NULL);
  if (!target->real) target->real = strdup(target->path); /* nothing is there yet */
  if (!target->real) return failed(target, ENOMEM, err);
  int code = name_draft(target, err);
  if (code < 0) return code;
  target->fd = filo_unnamed_open(target->draft, 0666);
  if (target->fd < 0) {
    target->fd = open(target->draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (target->fd < 0) return failed(target, errno, err);
    target->is_named = true;
  }
  if (make_private(target) < 0) return failed(target, errno, err);
  if (target->is_sparse)
    return ftruncate(target->fd, (off_t)size) < 0 ? failed(target, errno, err) : 0;
  /* Only makes writing cheaper: where it cannot be, or there is no room, writing will tell. */
  fallocate(target->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
  return 0;
}

int filo_target_open(struct filo_target *target, uint64_t size, struct filo_error *err) {
  struct stat status;
  if (strcmp(target->path, "/dev/stdout") == 0) return open_stdout(target, err);
  if (stat(target->path, &status) < 0 || S_ISREG(status.st_mode))
    return open_draft(target, size, err);
  if (S_ISDIR(status.st_mode)) return failed(target, EISDIR, err);
  return open_stream(target, err);
}

bool filo_target_is_stream(const struct filo_target *target) {
  return target->is_stream;
}

int filo_target_fd(const struct filo_target *target) {
  return target->fd;
}

/* --- Writing --- */

/* A pipe that is writable takes PIPE_BUF bytes without waiting, even one that was not opened here
 * and whose writes wait. */
static ssize_t write_stream(int fd, const unsigned char *bytes, size_t len) {
  struct pollfd output = {.fd = fd, .events = POLLOUT};
  if (poll(&output, 1, 0) > 0) return write(fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
  errno = EAGAIN;
  return -1;
}

/* Whether the block that the bytes start with, or all of them, are zeros. */
static bool starts_with_zeros(const unsigned char *bytes, size_t len) {
  static const unsigned char zeros[BLOCK];
  return memcmp(bytes, zeros, len < BLOCK ? len : BLOCK) == 0;
}

/* How many bytes there are, in whole blocks but for the last, that are zeros, or are none. */
static size_t count_alike(const unsigned char *bytes, size_t len, bool zeros) {
  size_t count = 0;
  while (count < len && starts_with_zeros(bytes + count, len - count) == zeros) count += BLOCK;
  return count < len ? count : len;
}

int64_t filo_target_write(struct filo_target *target, const unsigned char *bytes, size_t len,
                          uint64_t at, struct filo_error *err) {
  if (target->is_sparse && !target->is_stream) {
    bool zeros = starts_with_zeros(bytes, len);
    len = count_alike(bytes, len, zeros);
    if (zeros) return (int64_t)len; /* a hole has the same */
  }
  ssize_t n = target->is_stream ? write_stream(target->fd, bytes, len)
                                : pwrite(target->fd, bytes, len, (off_t)at);
  int error = errno;
  if (n >= 0) return n;
  if (error == EINTR) return 0;
  if (error == EAGAIN) return filo_fail(err, FILO_BUSY, "%s takes no more now", target->path);
  return failed(target, error, err);
}

/* --- The end --- */

/* The name at once where nothing lies, else that of the draft, to be renamed. */
static int name_file(struct filo_target *target) {
  if (target->is_named || filo_unnamed_name(target->fd, target->real) == 0) return 0;
  if (errno != EEXIST || filo_unnamed_name(target->fd, target->draft) < 0) return -1;
  target->is_named = true;
  return 0;
}

static int close_file(struct filo_target *target) {
  int fd = target->fd;
  target->fd = -1;
  return close(fd);
}

/* The mode is flushed with the rest. */
static int finish_file(struct filo_target *target, mode_t mode) {
  return set_mode(target, mode) < 0 || fsync(target->fd) < 0 ? -1 : name_file(target);
}

int filo_target_finish(struct filo_target *target, int mode, struct filo_error *err) {
  mode_t permissions = mode == FILO_TARGET_USUAL_MODE ? target->usual_mode : (mode_t)mode;
  if (!target->is_stream && finish_file(target, permissions) < 0) return failed(target, errno, err);
  if (close_file(target) < 0) return failed(target, errno, err);
  if (!target->is_named) return 0;
  if (rename(target->draft, target->real) < 0) return failed(target, errno, err);
  target->is_named = false;
  return 0;
}

void filo_target_free(struct filo_target *target) {
  if (!target) return;
  if (target->fd >= 0) close_file(target);
  if (target->is_named) unlink(target->draft);
  free(target->draft);
  free(target->real);
  free(target);
}
