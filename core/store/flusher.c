/* Durability "group": a thread works in rounds. A round flushes the bytes of the drafts that were
 * queued meanwhile, and the folders of those that the round before has renamed; these are answered,
 * and the former renamed. So each object takes two flushes, but each flush serves two rounds of
 * objects. A large round flushes the whole file system (syncfs), which beats fsync for each file
 * several times over and has reported write-back errors since Linux 5.8; a small one does not wait
 * for other people's dirty pages. */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "store/internal.h"
#include "thread.h"

enum { LARGE_ROUND = 8 };

struct filo_flusher {
  struct filo_store *store;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct filo_draft *first, **last;
  unsigned queued;
  bool stop;
};

static void all_failed(struct filo_draft *list, int error) {
  for (struct filo_draft *d = list; d; d = d->next)
    if (d->err.code == 0 || d->err.code == FILO_EXISTS) filo_publish_sync_failed(d, error);
}

/* One object may lie in a folder that another one made: a failure is everybody's. */
static void sync_each(struct filo_draft *drafts, struct filo_draft *renamed) {
  for (struct filo_draft *d = drafts; d; d = d->next)
    if (fdatasync(d->fd) < 0) filo_publish_sync_failed(d, errno);
  int error = 0;
  for (struct filo_draft *d = renamed; d && !error; d = d->next)
    error = filo_publish_sync_folders(d);
  if (error) all_failed(renamed, error);
}

static void sync_all(struct filo_store *store, struct filo_draft *drafts,
                     struct filo_draft *renamed) {
  if (syncfs(store->root_fd) == 0) return;
  int error = errno;
  all_failed(drafts, error);
  all_failed(renamed, error);
}

/* With `large`, what syncfs will flush needs no open folder: a round is not bounded, but
 * descriptors are. */
static void place_all(struct filo_draft *drafts, bool large) {
  for (struct filo_draft *d = drafts; d; d = d->next) {
    filo_publish_rename(d);
    if (large) filo_old_close_bucket(d);
    if (large) filo_location_close(&d->location);
  }
}

static void answer_all(struct filo_draft *renamed) {
  for (struct filo_draft *d = renamed, *next; d; d = next) {
    next = d->next; /* after its answer it may be gone */
    filo_publish_settle(d);
    filo_publish_answer(d);
  }
}

/* What is queued; waits for it unless something is renamed. */
static struct filo_draft *take(struct filo_flusher *flusher, bool wait, bool *large) {
  pthread_mutex_lock(&flusher->lock);
  while (wait && !flusher->first && !flusher->stop)
    pthread_cond_wait(&flusher->wake, &flusher->lock);
  struct filo_draft *drafts = flusher->first;
  *large = flusher->queued >= LARGE_ROUND;
  flusher->first = NULL;
  flusher->last = &flusher->first;
  flusher->queued = 0;
  pthread_mutex_unlock(&flusher->lock);
  return drafts;
}

static void *run(void *arg) {
  struct filo_flusher *flusher = arg;
  struct filo_draft *renamed = NULL, *drafts;
  bool large, was_large = false;
  while ((drafts = take(flusher, !renamed, &large)) || renamed) {
    if (large || was_large)
      sync_all(flusher->store, drafts, renamed);
    else
      sync_each(drafts, renamed);
    answer_all(renamed);
    place_all(drafts, large);
    renamed = drafts;
    was_large = large;
  }
  return NULL;
}

int filo_flusher_new(struct filo_store *store, struct filo_error *err) {
  struct filo_flusher *flusher = calloc(1, sizeof *flusher);
  if (!flusher) return filo_fail(err, FILO_NO_MEMORY, "no memory for a store");
  flusher->store = store;
  flusher->last = &flusher->first;
  pthread_mutex_init(&flusher->lock, NULL);
  pthread_cond_init(&flusher->wake, NULL);
  int error = filo_thread_start(&flusher->thread, run, flusher);
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
