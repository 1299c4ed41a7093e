#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "store/internal.h"

void filo_draft_init(struct filo_draft *draft, struct filo_store *store) {
  memset(draft, 0, sizeof *draft);
  draft->store = store;
  draft->fd = draft->location.fd = draft->old_fd = -1;
}

void filo_draft_set_bringer(struct filo_draft *draft, const unsigned char *by) {
  draft->has_bringer = by != NULL;
  if (by) memcpy(draft->bringer, by, sizeof draft->bringer);
}

static int write_failed(const struct filo_draft *draft, int error, struct filo_error *err) {
  const char *root = draft->store->root;
  if (draft->outside) return filo_fail_errno(err, error, "cannot write %s", draft->outside);
  if (error == ENOSPC || error == EDQUOT)
    return filo_fail(err, FILO_NO_SPACE, "no space left for %s: free some on its disk", root);
  return filo_fail_errno(err, error, "cannot write %s/tmp/%s", root, draft->name);
}

int filo_draft_create(struct filo_draft *draft, const char *name, struct filo_error *err) {
  struct filo_store *store = draft->store;
  int rc = filo_store_check_writable(store, err);
  if (rc < 0) return rc;
  if (name)
    snprintf(draft->name, sizeof draft->name, "%s", name);
  else
    snprintf(draft->name, sizeof draft->name, "%016llx",
             (unsigned long long)atomic_fetch_add(&store->drafts, 1));
  draft->fd = openat(store->tmp_fd, draft->name,
                     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (name ? 0 : O_EXCL), 0600);
  if (draft->fd >= 0) return 0;
  rc = write_failed(draft, errno, err);
  draft->name[0] = 0;
  return rc;
}

int filo_draft_allocate(struct filo_draft *draft, uint64_t bytes, struct filo_error *err) {
  int failed;
  do failed = fallocate(draft->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) < 0 ? errno : 0;
  while (failed == EINTR);
  if (failed == EOPNOTSUPP || failed == ENOSYS) return 0;
  if (failed) return write_failed(draft, failed, err);
  filo_draft_keep_promise(draft, bytes);
  return 0;
}

void filo_draft_give_back(struct filo_draft *draft, uint64_t from, uint64_t to) {
  fallocate(draft->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
}

int filo_draft_write(struct filo_draft *draft, const void *bytes, size_t len, uint64_t offset,
                     struct filo_error *err) {
  const unsigned char *p = bytes;
  for (size_t done = 0; done < len;) {
    ssize_t n = pwrite(draft->fd, p + done, len - done, (off_t)(offset + done));
    if (n < 0) {
      int error = errno;
      if (error == EINTR) continue;
      return write_failed(draft, error, err);
    }
    done += (size_t)n;
  }
  filo_draft_keep_promise(draft, len);
  return 0;
}

void filo_draft_start_flush(const struct filo_draft *draft, uint64_t offset, size_t len) {
  if (draft->store->durability != FILO_DURABLE_NONE)
    sync_file_range(draft->fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

int filo_draft_write_parts(struct filo_draft *draft, const struct iovec *parts, int count,
                           struct filo_error *err) {
  ssize_t n = pwritev(draft->fd, parts, count, 0);
  if (n < 0) {
    int error = errno;
    if (error != EINTR) return write_failed(draft, error, err);
    n = 0;
  }
  filo_draft_keep_promise(draft, (uint64_t)n);
  size_t skip = (size_t)n;
  uint64_t offset = (uint64_t)n;
  for (int i = 0; i < count; i++) {
    size_t done = skip < parts[i].iov_len ? skip : parts[i].iov_len;
    skip -= done;
    size_t rest = parts[i].iov_len - done;
    int rc = filo_draft_write(draft, (const char *)parts[i].iov_base + done, rest, offset, err);
    if (rc < 0) return rc;
    offset += rest;
  }
  return 0;
}

void filo_draft_free(struct filo_draft *draft, bool keep) {
  if (draft->fd >= 0) close(draft->fd);
  filo_old_close_bucket(draft);
  if (draft->name[0] && !keep) unlinkat(draft->store->tmp_fd, draft->name, 0);
  filo_draft_keep_promise(draft, UINT64_MAX);
  draft->fd = -1;
  draft->name[0] = 0;
}
