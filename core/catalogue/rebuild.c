/* From the files to a database: some threads go over the folders together and read what lies there,
 * the catalogue's own adds the rows, at the end of a table without an index, and makes the indexes
 * once all are there. What changes meanwhile is noted by its path, and looked at afterwards, so that
 * it does not matter what a reader saw of it. Memory is bounded by what is on its way. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "catalogue/internal.h"
#include "thread.h"

enum { BATCH = 128, BATCHES_WAITING = 16, READERS_MIN = 4, READERS_MAX = 8, NICE = 5 };

struct batch {
  STAILQ_ENTRY(batch) next;
  unsigned count;
  struct filo_row rows[BATCH];
  char paths[BATCH][FILO_PATH_MAX];
};

struct rebuilding {
  struct filo_catalogue *catalogue;
  pthread_mutex_t walking;
  struct filo_walk *walk; /* under walking */
  pthread_mutex_t lock;
  pthread_cond_t filled, taken;
  STAILQ_HEAD(batches, batch) batches; /* under lock, as what follows */
  unsigned waiting, readers;
  bool over; /* no more are wanted */
  int code;  /* a reader's */
};

static bool is_stopped(struct filo_catalogue *catalogue) {
  pthread_mutex_lock(&catalogue->lock);
  bool stopped = catalogue->stopping;
  pthread_mutex_unlock(&catalogue->lock);
  return stopped;
}

/* --- Readers --- */

/* The next paths, each with what the walk has to tell of it. False at the end. */
static bool next_paths(struct rebuilding *work, struct batch *batch) {
  struct filo_walk_entry entry;
  batch->count = 0;
  pthread_mutex_lock(&work->walking);
  while (batch->count < BATCH && filo_walk_next_path(work->walk, &entry)) {
    struct filo_row *row = &batch->rows[batch->count];
    memset(row, 0, sizeof *row);
    memcpy(row->ns, entry.ns, sizeof row->ns);
    row->problem = entry.code;
    strcpy(batch->paths[batch->count++], entry.path);
  }
  pthread_mutex_unlock(&work->walking);
  return batch->count > 0;
}

/* From paths to rows; those of which nothing is left go. */
static void read_files(struct filo_catalogue *catalogue, struct batch *batch) {
  unsigned kept = 0;
  for (unsigned i = 0; i < batch->count; i++) {
    struct filo_row *row = &batch->rows[i], found;
    if (row->problem)
      found = *row; /* a folder that cannot be read */
    else if (!filo_row_examine(catalogue, row->ns, batch->paths[i], &found))
      continue;
    free(found.record); /* it is not kept, and there are many */
    found.record = NULL;
    batch->rows[kept] = found;
    if (kept != i) strcpy(batch->paths[kept], batch->paths[i]);
    kept++;
  }
  batch->count = kept;
}

static void free_batch(struct batch *batch) {
  for (unsigned i = 0; i < batch->count; i++) filo_row_free(&batch->rows[i]);
  free(batch);
}

/* Hands a batch over; false when no more are wanted. */
static bool give(struct rebuilding *work, struct batch *batch) {
  pthread_mutex_lock(&work->lock);
  while (work->waiting >= BATCHES_WAITING && !work->over)
    pthread_cond_wait(&work->taken, &work->lock);
  bool wanted = !work->over;
  if (wanted) {
    STAILQ_INSERT_TAIL(&work->batches, batch, next);
    work->waiting++;
    pthread_cond_signal(&work->filled);
  }
  pthread_mutex_unlock(&work->lock);
  if (!wanted) free_batch(batch);
  return wanted;
}

static void *read_on(void *arg) {
  struct rebuilding *work = arg;
  struct batch *batch;
  (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* the node serves meanwhile */
  while ((batch = malloc(sizeof *batch))) {
    if (!next_paths(work, batch)) {
      free(batch);
      break;
    }
    read_files(work->catalogue, batch);
    if (!give(work, batch)) break;
  }
  pthread_mutex_lock(&work->lock);
  if (!batch) work->code = FILO_NO_MEMORY;
  work->readers--;
  pthread_cond_signal(&work->filled);
  pthread_mutex_unlock(&work->lock);
  return NULL;
}

/* --- The writer --- */

/* Notes what has changed, to be looked at once all the rest is there. */
static int note_changes(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct filo_changes changes;
  const struct filo_change *change;
  int rc = 0;
  filo_changes_take(catalogue, &changes);
  STAILQ_FOREACH(change, &changes, next) {
    sqlite3_stmt *statement = filo_statement(&catalogue->database, FILO_SQL_NOTE_CHANGE);
    if (!statement) rc = filo_database_failed(&catalogue->database, err, "cannot note a change");
    if (rc < 0) break;
    sqlite3_bind_blob(statement, 1, change->ns, FILO_ID_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, change->path, -1, SQLITE_STATIC);
    rc = filo_database_run(&catalogue->database, FILO_SQL_NOTE_CHANGE, err);
    if (rc < 0) break;
  }
  filo_changes_free(&changes);
  filo_changes_taken(catalogue);
  return rc;
}

static int insert(struct filo_catalogue *catalogue, struct batch *batch, struct filo_error *err) {
  int rc = 0;
  for (unsigned i = 0; rc == 0 && i < batch->count; i++)
    rc = filo_row_insert(&catalogue->database, &batch->rows[i], batch->paths[i], err);
  atomic_fetch_add(&catalogue->done, batch->count);
  return rc;
}

/* Waits a while for the next; NULL also when none came, or at the end. */
static struct batch *take(struct rebuilding *work, bool *more) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec++; /* changes are looked for, too */
  pthread_mutex_lock(&work->lock);
  if (STAILQ_EMPTY(&work->batches) && work->readers > 0)
    pthread_cond_timedwait(&work->filled, &work->lock, &until);
  struct batch *batch = STAILQ_FIRST(&work->batches);
  if (batch) {
    STAILQ_REMOVE_HEAD(&work->batches, next);
    work->waiting--;
    pthread_cond_signal(&work->taken);
  }
  *more = batch || work->readers > 0;
  pthread_mutex_unlock(&work->lock);
  return batch;
}

static int fill(struct rebuilding *work, struct filo_error *err) {
  struct filo_catalogue *catalogue = work->catalogue;
  bool more = true;
  int rc = 0;
  while (rc == 0 && more) {
    struct batch *batch = take(work, &more);
    rc = filo_database_run(&catalogue->database, FILO_SQL_BEGIN, err);
    if (rc == 0 && batch) rc = insert(catalogue, batch, err);
    if (rc == 0) rc = note_changes(catalogue, err);
    if (rc == 0) rc = filo_database_run(&catalogue->database, FILO_SQL_COMMIT, err);
    if (batch) free_batch(batch);
    if (rc == 0 && is_stopped(catalogue)) rc = filo_fail(err, FILO_CANCELLED, "it is being closed");
    if (rc == 0 && !catalogue->readonly)
      rc = filo_database_check_room(catalogue, FILO_ROOM_TO_CHANGE, err);
  }
  return rc;
}

/* Twice as many as there are cores: they wait for the disk. */
static int start_readers(struct rebuilding *work, pthread_t threads[READERS_MAX],
                         struct filo_error *err) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned wanted = 2 * (unsigned)(cores < 1 ? 1 : cores > READERS_MAX ? READERS_MAX : cores);
  if (wanted < READERS_MIN) wanted = READERS_MIN;
  if (wanted > READERS_MAX) wanted = READERS_MAX;
  unsigned count = 0;
  int failed = 0;
  work->readers = wanted;
  while (count < wanted && !failed) {
    failed = filo_thread_start(&threads[count], read_on, work);
    if (!failed) count++;
  }
  pthread_mutex_lock(&work->lock);
  work->readers -= wanted - count;
  pthread_mutex_unlock(&work->lock);
  return count > 0 ? (int)count : filo_fail_errno(err, failed, "cannot start a thread");
}

static void stop_readers(struct rebuilding *work, const pthread_t *threads, int count) {
  pthread_mutex_lock(&work->lock);
  work->over = true;
  pthread_cond_broadcast(&work->taken);
  pthread_mutex_unlock(&work->lock);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  for (struct batch *batch; (batch = STAILQ_FIRST(&work->batches));) {
    STAILQ_REMOVE_HEAD(&work->batches, next);
    free_batch(batch);
  }
}

static int go_over_files(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct rebuilding work = {.catalogue = catalogue};
  pthread_t threads[READERS_MAX];
  int rc = filo_walk_new(catalogue->store, NULL, &work.walk, err);
  if (rc < 0) return rc;
  STAILQ_INIT(&work.batches);
  pthread_mutex_init(&work.walking, NULL);
  pthread_mutex_init(&work.lock, NULL);
  pthread_cond_init(&work.filled, NULL);
  pthread_cond_init(&work.taken, NULL);
  int count = start_readers(&work, threads, err);
  rc = count < 0 ? count : fill(&work, err);
  stop_readers(&work, threads, count);
  if (rc == 0 && work.code < 0) rc = filo_fail(err, work.code, "no memory to read the objects");
  pthread_cond_destroy(&work.taken);
  pthread_cond_destroy(&work.filled);
  pthread_mutex_destroy(&work.lock);
  pthread_mutex_destroy(&work.walking);
  filo_walk_free(work.walk);
  return rc;
}

/* --- What has changed meanwhile --- */

struct path {
  unsigned char ns[FILO_ID_SIZE];
  char path[FILO_PATH_MAX];
};

enum { CHANGES_AT_ONCE = 256 };

/* How many were noted, and are no more. */
static int take_noted(struct filo_database *database, struct path *list, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_NEXT_CHANGES);
  int count = 0, rc = statement ? SQLITE_ROW : SQLITE_ERROR;
  while (rc == SQLITE_ROW && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
    const char *path = (const char *)sqlite3_column_text(statement, 1);
    if (!path || sqlite3_column_bytes(statement, 0) != FILO_ID_SIZE) continue;
    memcpy(list[count].ns, sqlite3_column_blob(statement, 0), FILO_ID_SIZE);
    snprintf(list[count++].path, FILO_PATH_MAX, "%s", path);
  }
  if (rc != SQLITE_DONE) return filo_database_failed(database, err, "cannot read the changes");
  sqlite3_reset(statement);
  return count;
}

static int apply_some(struct filo_catalogue *catalogue, struct path *list, struct filo_error *err) {
  int rc = filo_database_run(&catalogue->database, FILO_SQL_BEGIN, err);
  int count = rc < 0 ? rc : take_noted(&catalogue->database, list, err);
  for (int i = 0; i < count && rc == 0; i++)
    rc = filo_row_update(catalogue, list[i].ns, list[i].path, err);
  if (count < 0) rc = count;
  if (rc == 0) rc = filo_rows_count(&catalogue->database, err);
  if (rc == 0) rc = filo_database_run(&catalogue->database, FILO_SQL_COMMIT, err);
  return rc < 0 ? rc : count;
}

static int apply_noted(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct path *list = calloc(CHANGES_AT_ONCE, sizeof *list);
  if (!list) return filo_fail(err, FILO_NO_MEMORY, "no memory for a catalogue");
  int count;
  do {
    count = apply_some(catalogue, list, err);
  } while (count > 0);
  free(list);
  return count;
}

/* All names were read as their files were, unless keys came meanwhile. */
static int note_names(struct filo_catalogue *catalogue, unsigned keys_added,
                      struct filo_error *err) {
  pthread_mutex_lock(&catalogue->lock);
  bool same = catalogue->keys_added == keys_added;
  catalogue->nameless = true; /* whether all was read is looked at */
  pthread_mutex_unlock(&catalogue->lock);
  return same ? filo_names_note_all(catalogue, err) : 0;
}

int filo_rebuild(struct filo_catalogue *catalogue, struct filo_error *err) {
  atomic_store(&catalogue->done, 0);
  pthread_mutex_lock(&catalogue->lock);
  catalogue->asked = catalogue->lost = false;
  unsigned keys_added = catalogue->keys_added;
  pthread_mutex_unlock(&catalogue->lock);
  int rc = 0;
  if (!catalogue->readonly) {
    filo_database_put_by(catalogue);
    rc = filo_database_check_room(catalogue, FILO_ROOM_TO_BUILD, err);
  }
  if (rc == 0) rc = filo_database_create(catalogue, err);
  if (rc == 0) rc = go_over_files(catalogue, err);
  filo_rows_forget(&catalogue->database); /* all are counted now */
  if (rc == 0) rc = filo_database_index(catalogue, err);
  if (rc == 0) rc = filo_database_finish(catalogue, err);
  if (rc == 0) rc = note_names(catalogue, keys_added, err);
  if (rc == 0 && !catalogue->readonly) filo_elsewhere_take_over(catalogue);
#ifdef __GLIBC__
  malloc_trim(0); /* what was on its way is the system's again */
#endif
  if (rc == 0) rc = apply_noted(catalogue, err);
  if (rc == 0 && !catalogue->readonly) rc = filo_changes_apply(catalogue, err);
  return rc;
}
