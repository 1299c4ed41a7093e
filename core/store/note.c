/* Notes in the root: small files that a node keeps for itself, each replaced as a whole. What is lost
 * of one costs time, and nothing else: it is not flushed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "store/internal.h"

enum { NOTE_MAX = 64 << 10, DRAFT_NAME_MAX = 80 };

static int write_all(int fd, const unsigned char *bytes, size_t len) {
  for (size_t done = 0; done < len;) {
    ssize_t n = write(fd, bytes + done, len - done);
    if (n < 0 && errno != EINTR) return -1;
    if (n > 0) done += (size_t)n;
  }
  return 0;
}

static int write_draft(int root_fd, const char *name, const void *bytes, size_t len) {
  FILO_AUTO_CLOSE int fd =
      openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  return fd < 0 ? -1 : write_all(fd, bytes, len);
}

int filo_store_write_note(struct filo_store *store, const char *name, const void *bytes, size_t len,
                          struct filo_error *err) {
  char draft[DRAFT_NAME_MAX];
  int rc = filo_store_check_writable(store, err);
  if (rc < 0) return rc;
  snprintf(draft, sizeof draft, "%s.new", name);
  if (write_draft(store->root_fd, draft, bytes, len) == 0 &&
      renameat(store->root_fd, draft, store->root_fd, name) == 0)
    return 0;
  int error = errno;
  unlinkat(store->root_fd, draft, 0);
  return filo_fail_errno(err, error, "cannot write %s/%s", store->root, name);
}

int filo_store_read_note(const struct filo_store *store, const char *name, unsigned char **ret,
                         size_t *len, struct filo_error *err) {
  FILO_AUTO_CLOSE int fd =
      openat(store->root_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s/%s", store->root, name);
  }
  unsigned char *bytes = malloc(NOTE_MAX);
  if (!bytes) return filo_fail(err, FILO_NO_MEMORY, "no memory to read %s/%s", store->root, name);
  ssize_t n = filo_read_at(fd, 0, bytes, NOTE_MAX);
  if (n < 0) {
    int error = errno;
    free(bytes);
    return filo_fail_errno(err, error, "cannot read %s/%s", store->root, name);
  }
  *ret = bytes;
  *len = (size_t)n;
  return 0;
}
