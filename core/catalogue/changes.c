/* What is reported: paths, kept in memory in their order until they are applied. There is room for so
 * many; who reports one more waits for that, which slows down what publishes too fast for the
 * database. */
#include <stdlib.h>
#include <string.h>

#include "catalogue/internal.h"

enum { MOST = FILO_CHANGES_MOST, AT_ONCE = FILO_CHANGES_AT_ONCE };

/* Under the catalogue's lock, once room was waited for. */
static void keep(struct filo_catalogue *catalogue, struct filo_change *change) {
  STAILQ_INSERT_TAIL(&catalogue->changes, change, next);
  catalogue->waiting++;
  if (catalogue->waiting == FILO_CHANGES_AT_ONCE) pthread_cond_broadcast(&catalogue->turned);
  if (catalogue->waiting > 1) return;
  if (catalogue->taken == 0) filo_store_mark(catalogue->store, FILO_MARK_BEHIND, true);
  pthread_cond_broadcast(&catalogue->turned);
}

static struct filo_change *new_change(const unsigned char ns[FILO_ID_SIZE], const char *path) {
  size_t len = strlen(path) + 1;
  struct filo_change *change = malloc(sizeof *change + len);
  if (!change) return NULL;
  memcpy(change->ns, ns, FILO_ID_SIZE);
  memcpy(change->path, path, len);
  return change;
}

/* Who opens it needs the store's lock, which is held here. */
static bool is_drained(enum filo_catalogue_state state) {
  return state == FILO_CATALOGUE_READY || state == FILO_CATALOGUE_REBUILDING;
}

void filo_changes_note(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                       const char *path) {
  struct filo_change *change = new_change(ns, path);
  pthread_mutex_lock(&catalogue->lock);
  while (catalogue->waiting >= MOST && is_drained(catalogue->state))
    pthread_cond_wait(&catalogue->drained, &catalogue->lock);
  if (catalogue->state == FILO_CATALOGUE_FAILED) {
    free(change);
  } else if (change) {
    keep(catalogue, change);
  } else {
    catalogue->lost = true;
    pthread_cond_broadcast(&catalogue->turned);
  }
  pthread_mutex_unlock(&catalogue->lock);
}

static void changed(void *ctx, const unsigned char ns[FILO_ID_SIZE], const char *path) {
  filo_changes_note(ctx, ns, path);
}

void filo_changes_observe(struct filo_catalogue *catalogue) {
  struct filo_observer observer = {changed, catalogue};
  filo_store_observe(catalogue->store, &observer);
}

void filo_changes_take(struct filo_catalogue *catalogue, struct filo_changes *ret) {
  STAILQ_INIT(ret);
  pthread_mutex_lock(&catalogue->lock);
  for (; catalogue->taken < AT_ONCE && catalogue->waiting > 0; catalogue->taken++) {
    struct filo_change *change = STAILQ_FIRST(&catalogue->changes);
    STAILQ_REMOVE_HEAD(&catalogue->changes, next);
    STAILQ_INSERT_TAIL(ret, change, next);
    catalogue->waiting--;
  }
  pthread_cond_broadcast(&catalogue->drained);
  pthread_mutex_unlock(&catalogue->lock);
}

void filo_changes_taken(struct filo_catalogue *catalogue) {
  pthread_mutex_lock(&catalogue->lock);
  catalogue->taken = 0;
  if (catalogue->waiting == 0) filo_store_mark(catalogue->store, FILO_MARK_BEHIND, false);
  pthread_mutex_unlock(&catalogue->lock);
}

void filo_changes_free(struct filo_changes *changes) {
  for (struct filo_change *change; (change = STAILQ_FIRST(changes));) {
    STAILQ_REMOVE_HEAD(changes, next);
    free(change);
  }
}

void filo_changes_drop(struct filo_catalogue *catalogue) {
  struct filo_changes changes;
  bool more;
  do {
    filo_changes_take(catalogue, &changes);
    more = !STAILQ_EMPTY(&changes);
    filo_changes_free(&changes);
    filo_changes_taken(catalogue);
  } while (more);
}

static int apply(struct filo_catalogue *catalogue, const struct filo_changes *changes,
                 struct filo_error *err) {
  const struct filo_change *change;
  int rc = filo_database_check_room(catalogue, FILO_ROOM_TO_CHANGE, err);
  if (rc == 0) rc = filo_database_run(&catalogue->database, FILO_SQL_BEGIN, err);
  STAILQ_FOREACH(change, changes, next) {
    if (rc == 0) rc = filo_row_update(catalogue, change->ns, change->path, err);
  }
  if (rc == 0) rc = filo_rows_count(&catalogue->database, err);
  if (rc == 0) rc = filo_database_run(&catalogue->database, FILO_SQL_COMMIT, err);
  return rc;
}

static unsigned count_waiting(struct filo_catalogue *catalogue) {
  pthread_mutex_lock(&catalogue->lock);
  unsigned count = catalogue->waiting;
  pthread_mutex_unlock(&catalogue->lock);
  return count;
}

int filo_changes_apply(struct filo_catalogue *catalogue, struct filo_error *err) {
  int rc = 0;
  for (unsigned left = count_waiting(catalogue); left > 0 && rc == 0;) {
    struct filo_changes changes;
    filo_changes_take(catalogue, &changes);
    unsigned taken = catalogue->taken;
    rc = apply(catalogue, &changes, err);
    filo_changes_free(&changes);
    filo_changes_taken(catalogue);
    left -= taken < left ? taken : left;
  }
  return rc;
}
