/* Free space: what is beyond the reserve, and what of it is promised to drafts. */
#include <errno.h>
#include <sys/statvfs.h>

#include "store/internal.h"

/* Beyond the reserve, promised or not; and what gives way. */
static int measure(const struct filo_store *store, uint64_t gives_way, uint64_t *free_bytes,
                   uint64_t *total_bytes, struct filo_error *err) {
  struct statvfs st;
  if (fstatvfs(store->root_fd, &st) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot measure the free space of %s", store->root);
  }
  uint64_t available = (uint64_t)st.f_bavail * st.f_frsize + gives_way;
  *free_bytes = available > store->reserve ? available - store->reserve : 0;
  *total_bytes = (uint64_t)st.f_blocks * st.f_frsize;
  return 0;
}

int filo_store_space(struct filo_store *store, uint64_t *free_bytes, uint64_t *total_bytes,
                     struct filo_error *err) {
  uint64_t promised = atomic_load(&store->promised), count, trash, versions;
  filo_old_usage(store, FILO_TRASH, &count, &trash);
  filo_old_usage(store, FILO_VERSIONS, &count, &versions);
  int rc = measure(store, trash + versions, free_bytes, total_bytes, err);
  if (rc == 0) *free_bytes -= promised < *free_bytes ? promised : *free_bytes;
  return rc;
}

bool filo_store_would_have(struct filo_store *store, uint64_t bytes, uint64_t gives_way) {
  uint64_t free_bytes, total, promised = atomic_load(&store->promised);
  return measure(store, gives_way, &free_bytes, &total, NULL) == 0 && promised <= free_bytes &&
         bytes <= free_bytes - promised;
}

int filo_store_room(struct filo_store *store, uint64_t bytes, struct filo_error *err) {
  uint64_t free_bytes, total;
  int rc = measure(store, 0, &free_bytes, &total, err);
  if (rc < 0) return rc;
  uint64_t promised = atomic_load(&store->promised);
  if (promised <= free_bytes && bytes <= free_bytes - promised) return 0;
  return filo_fail(err, FILO_NO_SPACE,
                   "no room for %llu bytes more in %s: %llu are free beyond the reserve of %llu, "
                   "and %llu of these are promised; free some on its disk",
                   (unsigned long long)bytes, store->root, (unsigned long long)free_bytes,
                   (unsigned long long)store->reserve, (unsigned long long)promised);
}

int filo_draft_promise(struct filo_draft *draft, uint64_t bytes, struct filo_error *err) {
  struct filo_store *store = draft->store;
  pthread_mutex_lock(&store->space);
  int rc;
  do rc = filo_store_room(store, bytes, err);
  while (rc == FILO_NO_SPACE && (filo_parts_yield(store) || filo_old_yield(store, bytes)));
  if (rc == 0) {
    atomic_fetch_add(&store->promised, bytes);
    atomic_fetch_add(&draft->promised, bytes);
  }
  pthread_mutex_unlock(&store->space);
  return rc;
}

void filo_draft_keep_promise(struct filo_draft *draft, uint64_t bytes) {
  uint64_t left = atomic_load(&draft->promised), kept;
  do kept = left < bytes ? left : bytes;
  while (!atomic_compare_exchange_weak(&draft->promised, &left, left - kept));
  atomic_fetch_sub(&draft->store->promised, kept);
}
