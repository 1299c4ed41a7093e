/* Durability "group": a thread takes all that is queued as one batch, and the batch pays for two
 * flushes instead of two for each object. A large batch flushes the whole file system (syncfs),
 * which beats fsync for each file several times over and has reported write-back errors since
 * Linux 5.8; a small one does not wait for other people's dirty pages. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "bytes.h"
#include "store/internal.h"

enum { LARGE_BATCH = 8 };

struct filo_flusher {
  struct filo_store *store;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct filo_draft *first, **last;
  unsigned queued;
  bool stop;
};

static void all_failed(struct filo_draft *batch, int error) {
  for (struct filo_draft *d = batch; d; d = d->next)
    if (d->err.code == 0 || d->err.code == FILO_EXISTS) filo_publish_sync_failed(d, error);
}

static void sync_files(struct filo_store *store, struct filo_draft *batch, bool large) {
  if (large) {
    if (syncfs(store->root_fd) < 0) all_failed(batch, errno);
    return;
  }
  for (struct filo_draft *d = batch; d; d = d->next)
    if (fdatasync(d->fd) < 0) filo_publish_sync_failed(d, errno);
}

/* One object of the batch may lie in a folder that another one made: a failure is everybody's. */
static void sync_folders(struct filo_store *store, struct filo_draft *batch, bool large) {
  int error = large && syncfs(store->root_fd) < 0 ? errno : 0;
  for (struct filo_draft *d = batch; d && !large && !error; d = d->next)
    error = filo_publish_sync_folders(d);
  if (error) all_failed(batch, error);
}

static void publish_batch(struct filo_store *store, struct filo_draft *batch, bool large) {
  sync_files(store, batch, large);
  for (struct filo_draft *d = batch; d; d = d->next) {
    filo_publish_place(d);
    if (large) filo_publish_settle(d); /* a batch is not bounded, but descriptors are */
  }
  sync_folders(store, batch, large);
  for (struct filo_draft *d = batch, *next; d; d = next) {
    next = d->next; /* after its answer it may be gone */
    filo_publish_settle(d);
    filo_publish_answer(d);
  }
}

static struct filo_draft *take(struct filo_flusher *flusher, bool *large) {
  pthread_mutex_lock(&flusher->lock);
  while (!flusher->first && !flusher->stop) pthread_cond_wait(&flusher->wake, &flusher->lock);
  struct filo_draft *batch = flusher->first;
  *large = flusher->queued >= LARGE_BATCH;
  flusher->first = NULL;
  flusher->last = &flusher->first;
  flusher->queued = 0;
  pthread_mutex_unlock(&flusher->lock);
  return batch;
}

static void *run(void *arg) {
  struct filo_flusher *flusher = arg;
  bool large;
  for (struct filo_draft *batch; (batch = take(flusher, &large));)
    publish_batch(flusher->store, batch, large);
  return NULL;
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static int start(struct filo_flusher *flusher) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&flusher->thread, NULL, run, flusher);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

int filo_flusher_new(struct filo_store *store, struct filo_error *err) {
  struct filo_flusher *flusher = calloc(1, sizeof *flusher);
  if (!flusher) return filo_fail(err, FILO_NO_MEMORY, "no memory for a store");
  flusher->store = store;
  flusher->last = &flusher->first;
  pthread_mutex_init(&flusher->lock, NULL);
  pthread_cond_init(&flusher->wake, NULL);
  int error = start(flusher);
  if (error) {
    pthread_mutex_destroy(&flusher->lock);
    pthread_cond_destroy(&flusher->wake);
    free(flusher);
    return filo_fail_errno(err, error, "cannot start the flush thread");
  }
  store->flusher = flusher;
  return 0;
}

void filo_flusher_add(struct filo_flusher *flusher, struct filo_draft *draft) {
  draft->next = NULL;
  pthread_mutex_lock(&flusher->lock);
  *flusher->last = draft;
  flusher->last = &draft->next;
  flusher->queued++;
  pthread_cond_signal(&flusher->wake);
  pthread_mutex_unlock(&flusher->lock);
}

void filo_flusher_free(struct filo_flusher *flusher) {
  if (!flusher) return;
  pthread_mutex_lock(&flusher->lock);
  flusher->stop = true;
  pthread_cond_signal(&flusher->wake);
  pthread_mutex_unlock(&flusher->lock);
  pthread_join(flusher->thread, NULL);
  pthread_mutex_destroy(&flusher->lock);
  pthread_cond_destroy(&flusher->wake);
  free(flusher);
}
