#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "store/internal.h"

static struct filo_store *new_store(const struct filo_store_options *options) {
  struct filo_store *store = calloc(1, sizeof *store);
  if (!store) return NULL;
  atomic_init(&store->refs, 1);
  store->root_fd = store->lock_fd = store->tmp_fd = store->bad_fd = store->objects_fd = -1;
  for (int i = 0; i < FILO_OLD_KINDS; i++) {
    store->old[i].fd = -1;
    pthread_mutex_init(&store->old[i].lock, NULL);
  }
  store->durability = options->durability;
  store->reserve = options->reserve;
  store->readonly = options->readonly;
  pthread_mutex_init(&store->names, NULL);
  pthread_mutex_init(&store->space, NULL);
  filo_parts_init(&store->parts);
  store->root = strdup(options->root);
  if (store->root) return store;
  filo_store_close(store);
  return NULL;
}

int filo_store_open(const struct filo_store_options *options, struct filo_store **ret,
                    struct filo_error *err) {
  if (!options->root || !*options->root)
    return filo_fail(err, FILO_INVALID, "a store needs a root folder");
  struct filo_store *store = new_store(options);
  if (!store) return filo_fail(err, FILO_NO_MEMORY, "no memory for a store");
  memcpy(store->owner, options->owner, sizeof store->owner);
  int rc = filo_root_open(store, err);
  if (rc == 0) rc = filo_packed_open(store, err);
  if (rc == 0 && !store->readonly) rc = filo_root_sweep(store, err);
  if (rc == 0 && !store->readonly && store->durability == FILO_DURABLE_GROUP)
    rc = filo_flusher_new(store, err);
  if (rc < 0) {
    filo_store_close(store);
    return rc;
  }
  *ret = store;
  return 0;
}

struct filo_store *filo_store_ref(struct filo_store *store) {
  atomic_fetch_add_explicit(&store->refs, 1, memory_order_relaxed);
  return store;
}

void filo_store_close(struct filo_store *store) {
  if (!store) return;
  unsigned before = atomic_fetch_sub_explicit(&store->refs, 1, memory_order_acq_rel);
  if (before == 2 && store->idle) store->idle(store->idle_ctx);
  if (before > 1) return;
  filo_flusher_free(store->flusher);
  filo_root_close(store);
  filo_packed_close(store);
  const int fds[] = {store->tmp_fd, store->bad_fd, store->objects_fd, store->root_fd,
                     store->lock_fd};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) filo_close_fd(&fds[i]);
  pthread_mutex_destroy(&store->names);
  pthread_mutex_destroy(&store->space);
  for (int i = 0; i < FILO_OLD_KINDS; i++) {
    filo_close_fd(&store->old[i].fd);
    pthread_mutex_destroy(&store->old[i].lock);
  }
  free(store->keeping);
  filo_parts_free(&store->parts);
  free(store->root);
  free(store);
}

const char *filo_store_root(const struct filo_store *store) {
  return store->root;
}

bool filo_store_is_readonly(const struct filo_store *store) {
  return store->readonly;
}

bool filo_store_in_use(const struct filo_store *store) {
  return atomic_load_explicit(&store->refs, memory_order_acquire) > 1;
}

void filo_store_on_idle(struct filo_store *store, void (*idle)(void *ctx), void *ctx) {
  store->idle = idle;
  store->idle_ctx = ctx;
}

int filo_store_check_writable(const struct filo_store *store, struct filo_error *err) {
  if (!store->readonly) return 0;
  return filo_fail(err, FILO_DENIED, "the root %s is open for reading only", store->root);
}
