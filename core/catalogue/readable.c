/* Keys to namespaces, and the names that are read with them: those of what comes, as it comes; when keys
 * come, those of what lies there already, some at a time, between all else. A namespace's row tells
 * with which keys its names were read. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "catalogue/internal.h"

struct filo_readable {
  STAILQ_ENTRY(filo_readable) next;
  struct filo_namespace *keys;
};

enum { AT_ONCE = 128 };

/* --- Keys --- */

static bool is_of(const struct filo_readable *readable, const unsigned char ns[FILO_ID_SIZE]) {
  return memcmp(filo_namespace_id(readable->keys), ns, FILO_ID_SIZE) == 0;
}

/* Under the lock. */
static struct filo_readable *find(struct filo_catalogue *catalogue,
                                  const unsigned char ns[FILO_ID_SIZE]) {
  struct filo_readable *readable;
  STAILQ_FOREACH(readable, &catalogue->readables, next) {
    if (is_of(readable, ns)) return readable;
  }
  return NULL;
}

int filo_catalogue_add_keys(struct filo_catalogue *catalogue, struct filo_namespace *keys,
                            struct filo_error *err) {
  struct filo_readable *made = calloc(1, sizeof *made);
  if (!made) return filo_fail(err, FILO_NO_MEMORY, "no memory for keys");
  struct filo_namespace *before = filo_namespace_ref(keys);
  pthread_mutex_lock(&catalogue->lock);
  struct filo_readable *readable = find(catalogue, filo_namespace_id(keys));
  if (!readable) {
    STAILQ_INSERT_TAIL(&catalogue->readables, made, next);
    readable = made;
    made = NULL;
  }
  struct filo_namespace *swapped = readable->keys;
  readable->keys = before;
  catalogue->nameless = true;
  catalogue->keys_added++;
  pthread_cond_broadcast(&catalogue->turned);
  pthread_mutex_unlock(&catalogue->lock);
  filo_namespace_unref(swapped);
  free(made);
  return 0;
}

void filo_readables_free(struct filo_catalogue *catalogue) {
  for (struct filo_readable *readable; (readable = STAILQ_FIRST(&catalogue->readables));) {
    STAILQ_REMOVE_HEAD(&catalogue->readables, next);
    filo_namespace_unref(readable->keys);
    free(readable);
  }
}

struct filo_namespace *filo_readable_keys(struct filo_catalogue *catalogue,
                                          const unsigned char ns[FILO_ID_SIZE]) {
  pthread_mutex_lock(&catalogue->lock);
  struct filo_readable *readable = find(catalogue, ns);
  struct filo_namespace *keys = readable ? filo_namespace_ref(readable->keys) : NULL;
  pthread_mutex_unlock(&catalogue->lock);
  return keys;
}

struct filo_namespace *filo_readable_at(struct filo_catalogue *catalogue, unsigned index) {
  pthread_mutex_lock(&catalogue->lock);
  struct filo_readable *readable = STAILQ_FIRST(&catalogue->readables);
  for (; readable && index > 0; index--) readable = STAILQ_NEXT(readable, next);
  struct filo_namespace *keys = readable ? filo_namespace_ref(readable->keys) : NULL;
  pthread_mutex_unlock(&catalogue->lock);
  return keys;
}

bool filo_readable_wholly(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE]) {
  struct filo_namespace *keys = filo_readable_keys(catalogue, ns);
  bool wholly = keys && filo_namespace_access(keys) >= FILO_READS;
  filo_namespace_unref(keys);
  return wholly;
}

/* --- What was read with them --- */

static int cannot_read(struct filo_database *database, struct filo_error *err) {
  return filo_database_failed(database, err, "cannot read the catalogue");
}

int filo_names_state(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                     const struct filo_namespace *keys, enum filo_names *ret,
                     struct filo_error *err) {
  unsigned char print[FILO_PRINT_SIZE];
  filo_namespace_print(keys, print);
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_NAMED);
  if (!statement) return cannot_read(database, err);
  sqlite3_bind_blob(statement, 1, ns, FILO_ID_SIZE, SQLITE_STATIC);
  int rc = sqlite3_step(statement);
  *ret = FILO_NAMES_NONE;
  if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
    bool same = sqlite3_column_bytes(statement, 0) == sizeof print &&
                memcmp(sqlite3_column_blob(statement, 0), print, sizeof print) == 0;
    *ret = same ? FILO_NAMES_READ : FILO_NAMES_OF_OTHERS;
  }
  sqlite3_reset(statement);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : cannot_read(database, err);
}

/* keys: NULL: there are none any more. */
static int note_read(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                     const struct filo_namespace *keys, struct filo_error *err) {
  unsigned char print[FILO_PRINT_SIZE];
  int64_t id = filo_row_namespace(database, ns, err);
  if (id < 0) return (int)id;
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_NOTE_NAMED);
  if (!statement) return filo_database_failed(database, err, "cannot write the catalogue");
  sqlite3_bind_int64(statement, 1, id);
  if (keys) {
    filo_namespace_print(keys, print);
    sqlite3_bind_blob(statement, 2, print, sizeof print, SQLITE_STATIC);
  } else {
    sqlite3_bind_null(statement, 2);
  }
  return filo_database_run(database, FILO_SQL_NOTE_NAMED, err);
}

int filo_names_note_all(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct filo_namespace *keys;
  int rc = 0;
  for (unsigned i = 0; rc == 0 && (keys = filo_readable_at(catalogue, i)); i++) {
    rc = note_read(&catalogue->database, filo_namespace_id(keys), keys, err);
    filo_namespace_unref(keys);
  }
  return rc;
}

/* --- Reading --- */

/* Of what peers have listed, nothing is known any more, and they are asked from the beginning: with
 * other keys it may have other names. */
static int forget_lists(struct filo_database *database, const unsigned char id[FILO_ID_SIZE],
                        struct filo_error *err) {
  const enum filo_statement which[] = {FILO_SQL_FORGET_ALL_ELSEWHERE, FILO_SQL_FORGET_LISTS};
  int64_t ns = filo_row_namespace(database, id, err);
  int rc = ns < 0 ? (int)ns : 0;
  for (size_t i = 0; rc == 0 && i < sizeof which / sizeof *which; i++) {
    sqlite3_stmt *statement = filo_statement(database, which[i]);
    if (!statement) return filo_database_failed(database, err, "cannot write the catalogue");
    sqlite3_bind_int64(statement, 1, ns);
    rc = filo_database_run(database, which[i], err);
  }
  return rc;
}

static int read_rows(struct filo_catalogue *catalogue, const struct filo_rows *rows,
                     struct filo_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < rows->count; i++) {
    char path[FILO_PATH_MAX];
    rc = filo_row_path(&rows->list[i], path, err);
    if (rc == 0) rc = filo_row_update(catalogue, rows->list[i].ns, path, err);
  }
  return rc;
}

/* The next files of a namespace, within a transaction. */
static int read_some(struct filo_catalogue *catalogue, const struct filo_namespace *keys,
                     struct filo_error *err) {
  struct filo_naming *naming = &catalogue->naming;
  const unsigned char *ns = filo_namespace_id(keys);
  unsigned char print[FILO_PRINT_SIZE];
  struct filo_rows rows = {0};
  int rc = 0;
  filo_namespace_print(keys, print);
  if (memcmp(naming->print, print, sizeof print) != 0) {
    memcpy(naming->print, print, sizeof print);
    naming->after = 0;
    rc = forget_lists(&catalogue->database, ns, err);
  }
  if (rc == 0)
    rc = filo_query_nameless(&catalogue->database, ns, naming->after, AT_ONCE, &rows, err);
  if (rc == 0) rc = read_rows(catalogue, &rows, err);
  if (rc == 0) rc = filo_rows_count(&catalogue->database, err);
  if (rc == 0 && rows.count < AT_ONCE) rc = note_read(&catalogue->database, ns, keys, err);
  if (rows.count > 0) naming->after = rows.list[rows.count - 1].id;
  if (rows.count < AT_ONCE) *naming = (struct filo_naming){0};
  filo_rows_free(&rows);
  return rc;
}

/* The first keys with which names are still to be read, referenced; NULL: all were. */
static int find_unread(struct filo_catalogue *catalogue, struct filo_namespace **ret,
                       struct filo_error *err) {
  struct filo_namespace *keys;
  enum filo_names names = FILO_NAMES_READ;
  int rc = 0;
  *ret = NULL;
  for (unsigned i = 0; (keys = filo_readable_at(catalogue, i)); i++) {
    rc = filo_names_state(&catalogue->database, filo_namespace_id(keys), keys, &names, err);
    if (rc == 0 && names != FILO_NAMES_READ) {
      *ret = keys;
      return 0;
    }
    filo_namespace_unref(keys);
    if (rc < 0) return rc;
  }
  return 0;
}

/* A namespace with names, to which there are no keys any more: what comes there is without a name, so
 * that it is not one whose names were read. False: there is none. */
static bool find_lost(struct filo_catalogue *catalogue, unsigned char ns[FILO_ID_SIZE]) {
  sqlite3_stmt *statement = filo_statement(&catalogue->database, FILO_SQL_ALL_NAMED);
  bool lost = false;
  while (statement && !lost && sqlite3_step(statement) == SQLITE_ROW) {
    if (sqlite3_column_bytes(statement, 0) != FILO_ID_SIZE) continue;
    memcpy(ns, sqlite3_column_blob(statement, 0), FILO_ID_SIZE);
    struct filo_namespace *keys = filo_readable_keys(catalogue, ns);
    lost = !keys;
    filo_namespace_unref(keys);
  }
  if (statement) sqlite3_reset(statement);
  return lost;
}

int filo_names_lose(struct filo_catalogue *catalogue, struct filo_error *err) {
  unsigned char ns[FILO_ID_SIZE];
  int rc = 0;
  while (rc == 0 && find_lost(catalogue, ns)) {
    rc = forget_lists(&catalogue->database, ns, err);
    if (rc == 0) rc = note_read(&catalogue->database, ns, NULL, err);
  }
  return rc;
}

int filo_names_read(struct filo_catalogue *catalogue, bool *more, struct filo_error *err) {
  struct filo_namespace *keys;
  *more = false;
  int rc = find_unread(catalogue, &keys, err);
  if (rc < 0 || !keys) return rc;
  *more = true;
  rc = filo_database_check_room(catalogue, FILO_ROOM_TO_CHANGE, err);
  if (rc == 0) rc = filo_database_run(&catalogue->database, FILO_SQL_BEGIN, err);
  if (rc == 0) rc = read_some(catalogue, keys, err);
  if (rc == 0) rc = filo_database_run(&catalogue->database, FILO_SQL_COMMIT, err);
  filo_namespace_unref(keys);
  return rc;
}
