/* The life of a catalogue: opening, READY, thrown away, rebuilt, closed. */
#include "catalogue/catalogue.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "catalogue/internal.h"

enum {
  RETRY_SECONDS = 60,
  RETRY_DOUBLINGS = 6,
  BESIDE_MS = 20,
  BESIDE_TURNS = 10 * 60 * 50,
  LINGER_MS = 10,
  GIVE_WAY_MS = 1
};

/* --- States; under the lock --- */

static void turn(struct filo_catalogue *catalogue, enum filo_catalogue_state state) {
  bool ready = state == FILO_CATALOGUE_READY, building = state == FILO_CATALOGUE_REBUILDING;
  catalogue->state = state;
  catalogue->stale = false;
  catalogue->waited = 0;
  filo_store_mark(catalogue->store, FILO_MARK_LISTING, building);
  filo_store_mark(catalogue->store, FILO_MARK_LISTED, ready);
  pthread_cond_broadcast(&catalogue->turned);
  pthread_cond_broadcast(&catalogue->drained);
}

/* What the database failed with decides what is done about it. */
static void give_up(struct filo_catalogue *catalogue, const struct filo_error *why) {
  bool damaged = why->code == FILO_CORRUPT || why->code == FILO_LOCKED;
  catalogue->problem = *why;
  turn(catalogue, damaged ? FILO_CATALOGUE_REBUILDING : FILO_CATALOGUE_FAILED);
}

int filo_catalogue_use(struct filo_catalogue *catalogue, struct filo_error *err) {
  pthread_mutex_lock(&catalogue->lock);
  while (catalogue->in_use && catalogue->state == FILO_CATALOGUE_READY)
    pthread_cond_wait(&catalogue->turned, &catalogue->lock);
  enum filo_catalogue_state state = catalogue->stale ? FILO_CATALOGUE_OPENING : catalogue->state;
  bool stopping = catalogue->stopping;
  if (state == FILO_CATALOGUE_READY && !stopping) catalogue->in_use = true;
  struct filo_error problem = catalogue->problem;
  pthread_mutex_unlock(&catalogue->lock);
  if (stopping) return filo_fail(err, FILO_CLOSED, "the catalogue is closed");
  if (state == FILO_CATALOGUE_READY) return 0;
  if (state == FILO_CATALOGUE_FAILED)
    return filo_fail(err, FILO_UNSUPPORTED, "%s", problem.message);
  return filo_fail(err, FILO_BUSY, "the catalogue is being made");
}

int filo_catalogue_used(struct filo_catalogue *catalogue, int code, struct filo_error *err) {
  pthread_mutex_lock(&catalogue->lock);
  catalogue->in_use = false;
  if (code == 0) {
    pthread_cond_broadcast(&catalogue->turned);
  } else if (code == FILO_BUSY) {
    turn(catalogue, FILO_CATALOGUE_OPENING);
  } else {
    give_up(catalogue, err);
  }
  pthread_mutex_unlock(&catalogue->lock);
  return code == 0 ? 0 : filo_fail(err, FILO_BUSY, "the catalogue is made again");
}

void filo_catalogue_refresh(struct filo_catalogue *catalogue) {
  pthread_mutex_lock(&catalogue->lock);
  if (catalogue->state == FILO_CATALOGUE_READY && catalogue->is_private && catalogue->asked) {
    catalogue->stale = true;
    pthread_cond_broadcast(&catalogue->turned);
  }
  catalogue->asked = true;
  pthread_mutex_unlock(&catalogue->lock);
}

enum filo_catalogue_state filo_catalogue_state(struct filo_catalogue *catalogue, uint64_t *done,
                                               struct filo_error *err) {
  pthread_mutex_lock(&catalogue->lock);
  enum filo_catalogue_state state = catalogue->stale ? FILO_CATALOGUE_OPENING : catalogue->state;
  if (state == FILO_CATALOGUE_FAILED) *err = catalogue->problem;
  pthread_mutex_unlock(&catalogue->lock);
  *done = atomic_load(&catalogue->done);
  return state;
}

/* --- What the thread does --- */

/* Waits with the lock, at most so long. */
static void wait_turned(struct filo_catalogue *catalogue, unsigned ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_cond_timedwait(&catalogue->turned, &catalogue->lock, &until);
}

/* The database as it was left, in order, by the last owner of the root. */
static int open_left(struct filo_catalogue *catalogue, struct filo_error *err) {
  char note[FILO_NOTE_DIGITS + 1];
  int rc = filo_store_take_note(catalogue->store, note, err);
  if (rc < 0) return rc;
  if (!note[0]) return filo_fail(err, FILO_NOT_FOUND, "no catalogue was left");
  rc = filo_database_open(catalogue, note, err);
  return rc < 0 ? rc : filo_names_lose(catalogue, err);
}

/* What OPENING turns into. */
static void begin(struct filo_catalogue *catalogue) {
  struct filo_error err;
  filo_database_close(&catalogue->database);
  catalogue->is_private = false;
  int rc = catalogue->readonly ? filo_beside_open(catalogue, &err) : open_left(catalogue, &err);
  pthread_mutex_lock(&catalogue->lock);
  if (rc == 0)
    turn(catalogue, FILO_CATALOGUE_READY);
  else if (rc == FILO_BUSY && !catalogue->stopping && catalogue->waited++ < BESIDE_TURNS)
    wait_turned(catalogue, BESIDE_MS);
  else
    turn(catalogue, FILO_CATALOGUE_REBUILDING);
  pthread_mutex_unlock(&catalogue->lock);
}

static void rebuild(struct filo_catalogue *catalogue) {
  struct filo_error err;
  filo_database_close(&catalogue->database);
  catalogue->is_private = catalogue->readonly;
  int rc = filo_rebuild(catalogue, &err);
  if (rc < 0) filo_database_close(&catalogue->database);
  if (rc < 0 && !catalogue->readonly) filo_database_remove(catalogue);
  pthread_mutex_lock(&catalogue->lock);
  catalogue->failures = rc < 0 ? catalogue->failures + 1 : 0;
  if (rc < 0) {
    catalogue->problem = err;
    turn(catalogue, FILO_CATALOGUE_FAILED);
  } else {
    turn(catalogue, FILO_CATALOGUE_READY);
  }
  pthread_mutex_unlock(&catalogue->lock);
}

/* With the lock. */
static void apply(struct filo_catalogue *catalogue) {
  struct filo_error err;
  catalogue->in_use = true;
  pthread_mutex_unlock(&catalogue->lock);
  int rc = filo_changes_apply(catalogue, &err);
  filo_catalogue_used(catalogue, rc, &err);
  pthread_mutex_lock(&catalogue->lock);
}

/* With the lock. */
static void read_names(struct filo_catalogue *catalogue) {
  struct filo_error err;
  bool more;
  unsigned keys_added = catalogue->keys_added;
  catalogue->in_use = true;
  pthread_mutex_unlock(&catalogue->lock);
  int rc = filo_names_read(catalogue, &more, &err);
  filo_catalogue_used(catalogue, rc, &err);
  pthread_mutex_lock(&catalogue->lock);
  catalogue->nameless = more || catalogue->keys_added != keys_added;
  if (catalogue->nameless) wait_turned(catalogue, GIVE_WAY_MS); /* to queries */
}

/* With the lock: until there is something to do for who is READY. */
static void attend(struct filo_catalogue *catalogue) {
  if (catalogue->stale && !catalogue->in_use) {
    turn(catalogue, FILO_CATALOGUE_OPENING);
  } else if (catalogue->lost && !catalogue->in_use) {
    catalogue->lost = false;
    turn(catalogue, FILO_CATALOGUE_REBUILDING);
  } else if (catalogue->waiting > 0 && !catalogue->in_use) {
    /* Several in one transaction cost little more than one; a query does not wait for that. */
    if (catalogue->waiting < FILO_CHANGES_AT_ONCE) wait_turned(catalogue, LINGER_MS);
    if (catalogue->waiting > 0 && !catalogue->in_use && catalogue->state == FILO_CATALOGUE_READY)
      apply(catalogue);
  } else if (catalogue->nameless && !catalogue->readonly && !catalogue->in_use) {
    read_names(catalogue);
  } else {
    pthread_cond_wait(&catalogue->turned, &catalogue->lock);
  }
}

/* With the lock: nothing is kept on the disk meanwhile, nor noted. */
static void rest(struct filo_catalogue *catalogue) {
  unsigned doublings =
      catalogue->failures < RETRY_DOUBLINGS ? catalogue->failures : RETRY_DOUBLINGS;
  pthread_mutex_unlock(&catalogue->lock);
  filo_database_close(&catalogue->database);
  if (!catalogue->readonly) {
    filo_database_remove(catalogue);
    filo_database_remove_put_by(catalogue);
  }
  filo_changes_drop(catalogue);
  pthread_mutex_lock(&catalogue->lock);
  struct timespec now, until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  now = until;
  until.tv_sec += RETRY_SECONDS << doublings;
  /* It may have been told to stop meanwhile. */
  while (!catalogue->stopping && now.tv_sec < until.tv_sec) {
    pthread_cond_timedwait(&catalogue->turned, &catalogue->lock, &until);
    clock_gettime(CLOCK_MONOTONIC, &now);
  }
  if (!catalogue->stopping) turn(catalogue, FILO_CATALOGUE_REBUILDING);
}

static void *run(void *arg) {
  struct filo_catalogue *catalogue = arg;
  pthread_setname_np(pthread_self(), "catalogue");
  pthread_mutex_lock(&catalogue->lock);
  /* What was left in order is opened even for a moment, to be closed so again. */
  while (!catalogue->stopping || catalogue->state == FILO_CATALOGUE_OPENING) {
    enum filo_catalogue_state state = catalogue->state;
    if (state == FILO_CATALOGUE_READY) {
      attend(catalogue);
    } else if (state == FILO_CATALOGUE_FAILED) {
      rest(catalogue);
    } else {
      pthread_mutex_unlock(&catalogue->lock);
      if (state == FILO_CATALOGUE_OPENING)
        begin(catalogue);
      else
        rebuild(catalogue);
      pthread_mutex_lock(&catalogue->lock);
    }
  }
  pthread_mutex_unlock(&catalogue->lock);
  return NULL;
}

/* --- Opening and closing --- */

static struct filo_catalogue *new_catalogue(struct filo_store *store) {
  struct filo_catalogue *catalogue = calloc(1, sizeof *catalogue);
  if (!catalogue) return NULL;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&catalogue->lock, NULL);
  pthread_cond_init(&catalogue->turned, &monotonic);
  pthread_cond_init(&catalogue->drained, NULL);
  pthread_condattr_destroy(&monotonic);
  STAILQ_INIT(&catalogue->changes);
  STAILQ_INIT(&catalogue->readables);
  catalogue->store = filo_store_ref(store);
  catalogue->readonly = filo_store_is_readonly(store);
  return catalogue;
}

static int prepare(struct filo_catalogue *catalogue, struct filo_error *err) {
  FILO_AUTO_FREE char *whole = realpath(filo_store_root(catalogue->store), NULL);
  const char *root = whole ? whole : filo_store_root(catalogue->store);
  FILO_AUTO_FREE char *temporary = NULL;
  if (asprintf(&catalogue->path, "%s/catalogue", root) < 0) catalogue->path = NULL;
  if (asprintf(&temporary, "%s/tmp", root) < 0) temporary = NULL;
  if (!catalogue->path || !temporary)
    return filo_fail(err, FILO_NO_MEMORY, "no memory for a catalogue");
  int rc = filo_pages_new(temporary, &catalogue->pages, err);
  return rc < 0 ? rc : filo_pages_new(NULL, &catalogue->private_pages, err);
}

static int start(struct filo_catalogue *catalogue, struct filo_error *err) {
  sigset_t all, before; /* signals belong to the loop thread */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&catalogue->thread, NULL, run, catalogue);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  catalogue->has_thread = !failed;
  return failed ? filo_fail_errno(err, failed, "cannot start a thread for the catalogue") : 0;
}

int filo_catalogue_open(struct filo_store *store, struct filo_namespace *const *keys, size_t count,
                        struct filo_catalogue **ret, struct filo_error *err) {
  struct filo_catalogue *catalogue = new_catalogue(store);
  if (!catalogue) return filo_fail(err, FILO_NO_MEMORY, "no memory for a catalogue");
  int rc = prepare(catalogue, err);
  for (size_t i = 0; rc == 0 && i < count; i++)
    rc = filo_catalogue_add_keys(catalogue, keys[i], err);
  if (rc == 0) filo_changes_observe(catalogue);
  if (rc == 0) rc = start(catalogue, err);
  if (rc < 0) {
    filo_catalogue_close(catalogue);
    filo_catalogue_free(catalogue);
    return rc;
  }
  *ret = catalogue;
  return 0;
}

static void close_in_order(struct filo_catalogue *catalogue) {
  unsigned char random[FILO_NOTE_DIGITS / 2];
  char note[FILO_NOTE_DIGITS + 1];
  struct filo_error err;
  if (filo_changes_apply(catalogue, &err) < 0 || catalogue->lost ||
      RAND_bytes(random, sizeof random) != 1)
    return;
  filo_hex(note, random, sizeof random);
  if (filo_database_close_in_order(catalogue, note, &err) == 0)
    filo_store_leave_note(catalogue->store, note);
}

void filo_catalogue_close(struct filo_catalogue *catalogue) {
  filo_store_observe(catalogue->store, NULL); /* first: who reports may wait for room */
  pthread_mutex_lock(&catalogue->lock);
  catalogue->stopping = true;
  pthread_cond_broadcast(&catalogue->turned);
  pthread_mutex_unlock(&catalogue->lock);
  if (catalogue->has_thread) pthread_join(catalogue->thread, NULL);
  catalogue->has_thread = false;
  pthread_mutex_lock(&catalogue->lock);
  while (catalogue->in_use) pthread_cond_wait(&catalogue->turned, &catalogue->lock);
  pthread_mutex_unlock(&catalogue->lock);
  bool good = catalogue->state == FILO_CATALOGUE_READY && !catalogue->readonly;
  if (good) close_in_order(catalogue);
  filo_database_close(&catalogue->database);
  if (!good && !catalogue->readonly) filo_database_remove(catalogue);
  pthread_mutex_lock(&catalogue->lock);
  turn(catalogue, FILO_CATALOGUE_FAILED);
  pthread_mutex_unlock(&catalogue->lock);
  filo_changes_drop(catalogue);
}

void filo_catalogue_free(struct filo_catalogue *catalogue) {
  filo_pages_free(catalogue->pages);
  filo_pages_free(catalogue->private_pages);
  filo_readables_free(catalogue);
  filo_store_close(catalogue->store);
  pthread_mutex_destroy(&catalogue->lock);
  pthread_cond_destroy(&catalogue->turned);
  pthread_cond_destroy(&catalogue->drained);
  free(catalogue->path);
  free(catalogue);
}
