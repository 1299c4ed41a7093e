/* Beside the owner of the root: its database is read as it is written, in its own process. */
#include <sys/stat.h>
#include <time.h>

#include "catalogue/internal.h"

enum { BEHIND_MS = 5000 };

static bool look(struct filo_catalogue *catalogue, struct stat *st) {
  return stat(catalogue->path, st) == 0;
}

/* What vouches for the database: the owner that has it open, or (with its note) the one that has
 * closed it. */
static int vouched(struct filo_catalogue *catalogue, char note[FILO_NOTE_DIGITS + 1],
                   struct filo_error *err) {
  note[0] = 0;
  if (filo_store_marked(catalogue->store, FILO_MARK_LISTED)) return 0;
  if (filo_store_marked(catalogue->store, FILO_MARK_LISTING))
    return filo_fail(err, FILO_BUSY, "the node makes its catalogue");
  int rc = filo_store_take_note(catalogue->store, note, err);
  if (rc < 0 || note[0]) return rc;
  return filo_fail(err, FILO_NOT_FOUND, "there is no good catalogue");
}

/* Whether all names are in it, with whatever keys; else its owner comes to read them, if it has it
 * open. */
static int check_names(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct filo_namespace *keys;
  for (unsigned i = 0; (keys = filo_readable_at(catalogue, i)); i++) {
    enum filo_names names;
    int rc = filo_names_state(&catalogue->database, filo_namespace_id(keys), keys, &names, err);
    filo_namespace_unref(keys);
    if (rc < 0) return rc;
    if (names != FILO_NAMES_NONE) continue;
    bool open = filo_store_marked(catalogue->store, FILO_MARK_LISTED);
    return filo_fail(err, open ? FILO_BUSY : FILO_NOT_FOUND, "names are missing");
  }
  return 0;
}

int filo_beside_open(struct filo_catalogue *catalogue, struct filo_error *err) {
  char note[FILO_NOTE_DIGITS + 1];
  struct stat st;
  int rc = vouched(catalogue, note, err);
  if (rc < 0) return rc;
  if (!look(catalogue, &st)) return filo_fail(err, FILO_NOT_FOUND, "there is no catalogue");
  rc = filo_database_open(catalogue, note[0] ? note : NULL, err);
  catalogue->device = st.st_dev;
  catalogue->inode = st.st_ino;
  if (rc == FILO_BUSY) return filo_fail(err, FILO_IO, "the catalogue cannot be read");
  return rc < 0 ? rc : check_names(catalogue, err);
}

/* A number that is another one after each of the owner's transactions. */
static int64_t version_of(struct filo_database *database) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_VERSION);
  int64_t version =
      statement && sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  if (statement) sqlite3_reset(statement);
  return version;
}

/* Until all is in the database that was stored before this was called: none waits, or there were as
 * many transactions as it takes for all that can wait. */
static bool wait_behind(struct filo_catalogue *catalogue) {
  const struct timespec pause = {.tv_nsec = 1000000};
  const unsigned enough = FILO_CHANGES_MOST / FILO_CHANGES_AT_ONCE + 2;
  int64_t before = 0;
  for (unsigned ms = 0, count = 0; ms < BEHIND_MS; ms++) {
    if (!filo_store_marked(catalogue->store, FILO_MARK_BEHIND)) return true;
    int64_t version = version_of(&catalogue->database);
    count += ms > 0 && version != before;
    before = version;
    if (count > enough) return true;
    nanosleep(&pause, NULL);
  }
  return false;
}

int filo_beside_check(struct filo_catalogue *catalogue, struct filo_error *err) {
  char note[FILO_NOTE_DIGITS + 1];
  struct stat st;
  bool same = vouched(catalogue, note, NULL) == 0 && look(catalogue, &st) &&
              st.st_dev == catalogue->device && st.st_ino == catalogue->inode;
  if (!same) return filo_fail(err, FILO_BUSY, "the catalogue is another one by now");
  if (wait_behind(catalogue)) return 0;
  return filo_fail(err, FILO_LOCKED, "the node does not come to its catalogue");
}
