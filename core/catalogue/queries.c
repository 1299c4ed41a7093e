/* Pages of rows. */
#include <stdlib.h>
#include <string.h>

#include "catalogue/internal.h"

enum { NAME_MAX_BYTES = 4096 };

/* --- From a statement to rows --- */

static char *copy(const void *bytes, size_t len) {
  char *made = malloc(len + 1);
  if (!made) return NULL;
  if (len) memcpy(made, bytes, len);
  made[len] = 0;
  return made;
}

static bool read_text(sqlite3_stmt *statement, int column, char **ret, size_t *len) {
  if (sqlite3_column_type(statement, column) == SQLITE_NULL) return true;
  *len = (size_t)sqlite3_column_bytes(statement, column);
  *ret = copy(sqlite3_column_blob(statement, column), *len);
  return *ret != NULL;
}

static void read_etag(sqlite3_stmt *statement, char etag[FILO_ETAG_MAX + 1]) {
  int len = sqlite3_column_bytes(statement, 14);
  if (len > 0 && len <= FILO_ETAG_MAX)
    memcpy(etag, sqlite3_column_blob(statement, 14), (size_t)len);
}

static bool read_object(sqlite3_stmt *statement, struct filo_row *row) {
  row->has_key_hash = sqlite3_column_bytes(statement, 3) == sizeof row->key_hash;
  if (row->has_key_hash)
    memcpy(row->key_hash, sqlite3_column_blob(statement, 3), sizeof row->key_hash);
  row->version = (uint64_t)sqlite3_column_int64(statement, 4);
  row->size = (uint64_t)sqlite3_column_int64(statement, 5);
  row->flags = (unsigned char)sqlite3_column_int(statement, 6);
  row->verified = sqlite3_column_int64(statement, 7);
  row->has_modified = sqlite3_column_type(statement, 8) != SQLITE_NULL;
  row->modified = sqlite3_column_int64(statement, 8);
  row->class = (unsigned char)sqlite3_column_int(statement, 10);
  row->generation = (uint32_t)sqlite3_column_int64(statement, 11); /* not of a list of names */
  if (sqlite3_column_bytes(statement, 12) == sizeof row->nonce)
    memcpy(row->nonce, sqlite3_column_blob(statement, 12), sizeof row->nonce);
  read_etag(statement, row->etag);
  return read_text(statement, 9, &row->name, &row->name_len) &&
         read_text(statement, 13, &row->conflict, &row->conflict_len);
}

bool filo_row_read(sqlite3_stmt *statement, const unsigned char *ns, struct filo_row *row) {
  memset(row, 0, sizeof *row);
  row->id = sqlite3_column_int64(statement, 0);
  if (!ns && sqlite3_column_bytes(statement, 15) != FILO_ID_SIZE) return false;
  memcpy(row->ns, ns ? ns : sqlite3_column_blob(statement, 15), FILO_ID_SIZE);
  row->problem = sqlite3_column_int(statement, 2);
  const void *path = sqlite3_column_text(statement, 1);
  if (path) row->path = copy(path, (size_t)sqlite3_column_bytes(statement, 1));
  return (!path || row->path) && (row->problem || read_object(statement, row));
}

/* Steps a statement that was bound. */
static int read_rows(struct filo_database *database, sqlite3_stmt *statement,
                     const unsigned char *ns, size_t most, struct filo_rows *ret,
                     struct filo_error *err) {
  int rc = SQLITE_DONE;
  *ret = (struct filo_rows){.list = malloc(most * sizeof *ret->list)};
  if (!ret->list) return filo_fail(err, FILO_NO_MEMORY, "no memory for a list");
  while (ret->count < most && (rc = sqlite3_step(statement)) == SQLITE_ROW)
    if (!filo_row_read(statement, ns, &ret->list[ret->count++])) break;
  int code = 0;
  if (rc == SQLITE_ROW && ret->count < most)
    code = filo_fail(err, FILO_CORRUPT, "a row of the catalogue makes no sense");
  else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    code = filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  if (code < 0) filo_rows_free(ret);
  return code;
}

/* --- What all have in common --- */

int filo_query_begin(struct filo_catalogue *catalogue, struct filo_error *err) {
  int rc = filo_catalogue_use(catalogue, err);
  if (rc < 0) return rc;
  if (!catalogue->readonly) {
    rc = filo_changes_apply(catalogue, err);
    return rc < 0 ? filo_catalogue_used(catalogue, rc, err) : 0;
  }
  if (!catalogue->is_private) rc = filo_beside_check(catalogue, err);
  return rc < 0 ? filo_catalogue_used(catalogue, rc, err) : 0;
}

static sqlite3_stmt *prepare(struct filo_catalogue *catalogue, enum filo_statement which,
                             const unsigned char *ns, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(&catalogue->database, which);
  if (!statement)
    filo_catalogue_used(
        catalogue, filo_database_failed(&catalogue->database, err, "cannot read the catalogue"),
        err);
  else if (ns)
    sqlite3_bind_blob(statement, 1, ns, FILO_ID_SIZE, SQLITE_STATIC);
  return statement;
}

static int finish(struct filo_catalogue *catalogue, sqlite3_stmt *statement,
                  const unsigned char *ns, size_t most, struct filo_rows *ret,
                  struct filo_error *err) {
  int rc = read_rows(&catalogue->database, statement, ns, most, ret, err);
  return filo_catalogue_used(catalogue, rc, err);
}

/* --- Names --- */

struct bounds {
  unsigned char from[NAME_MAX_BYTES + 1], to[NAME_MAX_BYTES + 1];
  size_t from_len, to_len;
};

static bool is_less(const void *a, size_t a_len, const void *b, size_t b_len) {
  size_t least = a_len < b_len ? a_len : b_len;
  int order = least ? memcmp(a, b, least) : 0;
  return order < 0 || (order == 0 && a_len < b_len);
}

/* The first name from which on, and the first beyond. */
static bool set_bounds(struct bounds *bounds, const void *prefix, size_t prefix_len,
                       const void *after, size_t after_len) {
  if (prefix_len > NAME_MAX_BYTES) return false;
  if (after_len > NAME_MAX_BYTES) after_len = NAME_MAX_BYTES; /* names after both are the same */
  if (after && is_less(after, after_len, prefix, prefix_len)) after = NULL;
  bounds->from_len = after ? after_len + 1 : prefix_len;
  if (after) {
    memcpy(bounds->from, after, after_len);
    bounds->from[after_len] = 0; /* what comes right after it */
  } else if (prefix_len) {
    memcpy(bounds->from, prefix, prefix_len);
  }
  bounds->to_len = prefix_len;
  if (prefix_len) memcpy(bounds->to, prefix, prefix_len);
  while (bounds->to_len > 0 && bounds->to[bounds->to_len - 1] == 0xff) bounds->to_len--;
  if (bounds->to_len > 0) {
    bounds->to[bounds->to_len - 1]++;
    return true;
  }
  memset(bounds->to, 0xff, sizeof bounds->to);
  bounds->to_len = sizeof bounds->to;
  return true;
}

/* Whether a row is of the same object as the one before it, of which the newer one is kept then. */
static bool join_names(struct filo_rows *rows, struct filo_row *row) {
  struct filo_row *last = rows->count > 0 ? &rows->list[rows->count - 1] : NULL;
  if (!last || last->name_len != row->name_len || memcmp(last->name, row->name, row->name_len) != 0)
    return false;
  bool newer = row->version > last->version || (row->version == last->version && row->elsewhere);
  filo_row_free(newer ? last : row);
  if (newer) *last = *row;
  return true;
}

/* Steps until there are so many, and the next one is another's. */
static int read_names(struct filo_database *database, sqlite3_stmt *statement,
                      const unsigned char *ns, size_t most, struct filo_rows *ret,
                      struct filo_error *err) {
  int rc = SQLITE_DONE, code = 0;
  bool full = false;
  *ret = (struct filo_rows){.list = malloc(most * sizeof *ret->list)};
  if (!ret->list) return filo_fail(err, FILO_NO_MEMORY, "no memory for a list");
  while (!full && code == 0 && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
    struct filo_row row;
    bool good = filo_row_read(statement, ns, &row) && row.name;
    row.elsewhere = sqlite3_column_int(statement, 15) != 0;
    if (!good)
      code = filo_fail(err, FILO_CORRUPT, "a row of the catalogue makes no sense");
    else if (join_names(ret, &row))
      continue;
    full = ret->count == most;
    if (good && !full)
      ret->list[ret->count++] = row;
    else
      filo_row_free(&row);
  }
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    code = filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  if (code < 0) filo_rows_free(ret);
  return code;
}

/* Has the database in use, with the names of a namespace. A reader beside the owner takes them as they
 * are. */
static int begin_names(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                       struct filo_error *err) {
  enum filo_names names = FILO_NAMES_READ;
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  struct filo_namespace *keys = filo_readable_keys(catalogue, ns);
  if (keys) rc = filo_names_state(&catalogue->database, ns, keys, &names, err);
  filo_namespace_unref(keys);
  bool good = names == FILO_NAMES_READ || (catalogue->readonly && names == FILO_NAMES_OF_OTHERS);
  if (rc == 0 && good) return 0;
  rc = filo_catalogue_used(catalogue, rc, err);
  return rc < 0 ? rc : filo_fail(err, FILO_BUSY, "the names of that namespace are being read");
}

int filo_catalogue_names(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                         const void *prefix, size_t prefix_len, const void *after, size_t after_len,
                         bool whole, size_t most, struct filo_rows *ret, struct filo_error *err) {
  struct bounds bounds;
  *ret = (struct filo_rows){0};
  if (!set_bounds(&bounds, prefix, prefix_len, after, after_len)) return 0; /* no name is so long */
  int rc = begin_names(catalogue, ns, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, whole ? FILO_SQL_OBJECTS : FILO_SQL_NAMES, ns, err);
  if (!statement) return FILO_BUSY;
  sqlite3_bind_blob64(statement, 2, bounds.from, bounds.from_len, SQLITE_STATIC);
  sqlite3_bind_blob64(statement, 3, bounds.to, bounds.to_len, SQLITE_STATIC);
  rc = read_names(&catalogue->database, statement, ns, most, ret, err);
  return filo_catalogue_used(catalogue, rc, err);
}

/* --- The others --- */

int filo_query_files(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                     bool tombstones, int64_t after, size_t most, struct filo_rows *ret,
                     struct filo_error *err) {
  sqlite3_stmt *statement =
      filo_statement(database, tombstones ? FILO_SQL_TOMBSTONES : FILO_SQL_FILES);
  if (!statement) return filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_bind_blob(statement, 1, ns, FILO_ID_SIZE, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, after);
  sqlite3_bind_int64(statement, 3, (int64_t)most);
  return read_rows(database, statement, ns, most, ret, err);
}

int filo_query_nameless(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                        int64_t after, size_t most, struct filo_rows *ret, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_NAMELESS);
  if (!statement) return filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_bind_blob(statement, 1, ns, FILO_ID_SIZE, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, after);
  sqlite3_bind_int64(statement, 3, (int64_t)most);
  return read_rows(database, statement, ns, most, ret, err);
}

int filo_catalogue_files(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                         bool tombstones, int64_t after, size_t most, struct filo_rows *ret,
                         struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  rc = filo_query_files(&catalogue->database, ns, tombstones, after, most, ret, err);
  return filo_catalogue_used(catalogue, rc, err);
}

int filo_catalogue_stalest(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                           int64_t verified, int64_t after, size_t most, struct filo_rows *ret,
                           struct filo_error *err) {
  int rc = begin_names(catalogue, ns, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_STALEST, ns, err);
  if (!statement) return FILO_BUSY;
  sqlite3_bind_int64(statement, 2, verified);
  sqlite3_bind_int64(statement, 3, after);
  sqlite3_bind_int64(statement, 4, (int64_t)most);
  return finish(catalogue, statement, ns, most, ret, err);
}

static void bind_age(sqlite3_stmt *statement, const struct filo_age *after, int64_t until) {
  sqlite3_bind_int64(statement, 1, after->verified);
  sqlite3_bind_int64(statement, 2, after->size);
  sqlite3_bind_int64(statement, 3, after->id);
  sqlite3_bind_int64(statement, 4, until);
}

int filo_catalogue_oldest(struct filo_catalogue *catalogue, const struct filo_age *after,
                          int64_t until, size_t most, struct filo_rows *ret,
                          struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_OLDEST, NULL, err);
  if (!statement) return FILO_BUSY;
  bind_age(statement, after, until);
  sqlite3_bind_int64(statement, 5, (int64_t)most);
  return finish(catalogue, statement, NULL, most, ret, err);
}

int filo_catalogue_older(struct filo_catalogue *catalogue, const struct filo_age *after,
                         int64_t until, uint64_t *count, uint64_t *bytes,
                         unsigned char life[FILO_LIFE_SIZE], struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_OLDER, NULL, err);
  if (!statement) return FILO_BUSY;
  bind_age(statement, after, until);
  if (sqlite3_step(statement) == SQLITE_ROW) {
    *count = (uint64_t)sqlite3_column_int64(statement, 0);
    *bytes = (uint64_t)sqlite3_column_int64(statement, 1);
    memcpy(life, catalogue->database.life, FILO_LIFE_SIZE);
  } else {
    rc = filo_database_failed(&catalogue->database, err, "cannot read the catalogue");
  }
  sqlite3_reset(statement);
  return filo_catalogue_used(catalogue, rc, err);
}

int filo_catalogue_at(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                      const char *path, struct filo_rows *ret, struct filo_error *err) {
  unsigned char place[FILO_PLACE_SIZE];
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_AT, ns, err);
  if (!statement) return FILO_BUSY;
  filo_row_place(path, place);
  sqlite3_bind_blob(statement, 2, place, sizeof place, SQLITE_STATIC);
  return finish(catalogue, statement, ns, 1, ret, err);
}

int filo_catalogue_marked(struct filo_catalogue *catalogue,
                          const unsigned char mark[FILO_MARK_SIZE], struct filo_rows *ret,
                          struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_MARKED, NULL, err);
  if (!statement) return FILO_BUSY;
  sqlite3_bind_blob(statement, 1, mark, FILO_MARK_SIZE, SQLITE_STATIC);
  return finish(catalogue, statement, NULL, 1, ret, err);
}

int filo_catalogue_outdated(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                            uint64_t below, uint32_t generation, int64_t after, size_t most,
                            struct filo_rows *ret, struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_OUTDATED, ns, err);
  if (!statement) return FILO_BUSY;
  sqlite3_bind_int64(statement, 2, (int64_t)below);
  sqlite3_bind_int64(statement, 3, generation);
  sqlite3_bind_int64(statement, 4, after);
  sqlite3_bind_int64(statement, 5, (int64_t)most);
  return finish(catalogue, statement, ns, most, ret, err);
}

int filo_catalogue_generations(struct filo_catalogue *catalogue,
                               const unsigned char ns[FILO_ID_SIZE], uint64_t below,
                               uint64_t *outdated, uint32_t *newest, struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = prepare(catalogue, FILO_SQL_GENERATIONS, ns, err);
  if (!statement) return FILO_BUSY;
  sqlite3_bind_int64(statement, 2, (int64_t)below);
  if (sqlite3_step(statement) == SQLITE_ROW) {
    *outdated = (uint64_t)sqlite3_column_int64(statement, 0);
    *newest = (uint32_t)sqlite3_column_int64(statement, 1);
  } else {
    rc = filo_database_failed(&catalogue->database, err, "cannot read the catalogue");
  }
  sqlite3_reset(statement);
  return filo_catalogue_used(catalogue, rc, err);
}

static int read_problems(struct filo_catalogue *catalogue, int64_t after, size_t most,
                         struct filo_rows *ret, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(&catalogue->database, FILO_SQL_PROBLEMS);
  if (!statement)
    return filo_database_failed(&catalogue->database, err, "cannot read the catalogue");
  sqlite3_bind_int64(statement, 1, after);
  sqlite3_bind_int64(statement, 2, (int64_t)most);
  return read_rows(&catalogue->database, statement, NULL, most, ret, err);
}

/* A folder that could not be read hides what is in it: once it can be, all is gone over again. */
static int look_at(struct filo_catalogue *catalogue, const struct filo_row *row,
                   struct filo_error *err) {
  int folder = filo_store_folder(catalogue->store, row->ns, row->path);
  if (folder == FILO_NOT_FOUND || folder == FILO_INVALID)
    return filo_row_update(catalogue, row->ns, row->path, err);
  return folder < 0 ? 0 : filo_fail(err, FILO_CORRUPT, "a folder can be read again");
}

/* What could not be read may be readable by now, or be gone. */
static int look_again(struct filo_catalogue *catalogue, const struct filo_rows *rows,
                      struct filo_error *err) {
  int rc = filo_database_run(&catalogue->database, FILO_SQL_BEGIN, err);
  for (size_t i = 0; rc == 0 && i < rows->count; i++)
    if (rows->list[i].path) rc = look_at(catalogue, &rows->list[i], err);
  if (rc == 0) rc = filo_rows_count(&catalogue->database, err);
  return rc < 0 ? rc : filo_database_run(&catalogue->database, FILO_SQL_COMMIT, err);
}

int filo_catalogue_problems(struct filo_catalogue *catalogue, int64_t after, size_t most,
                            struct filo_rows *ret, struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  rc = read_problems(catalogue, after, most, ret, err);
  if (rc == 0 && ret->count > 0 && !catalogue->readonly) {
    rc = look_again(catalogue, ret, err);
    filo_rows_free(ret);
    if (rc == 0) rc = read_problems(catalogue, after, most, ret, err);
  }
  return filo_catalogue_used(catalogue, rc, err);
}

static int read_usage(struct filo_database *database, enum filo_statement which,
                      struct filo_usage **ret, size_t *count, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, which);
  if (!statement) return filo_database_failed(database, err, "cannot read the catalogue");
  size_t room = 0;
  int step, rc = 0;
  while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
    if (*count == room) {
      struct filo_usage *more = realloc(*ret, (room = 2 * room + 16) * sizeof *more);
      if (!more) break;
      *ret = more;
    }
    struct filo_usage *usage = &(*ret)[(*count)++];
    memset(usage, 0, sizeof *usage);
    if (sqlite3_column_bytes(statement, 0) == FILO_ID_SIZE)
      memcpy(usage->id, sqlite3_column_blob(statement, 0), FILO_ID_SIZE);
    usage->objects = (uint64_t)sqlite3_column_int64(statement, 1);
    usage->deleted = (uint64_t)sqlite3_column_int64(statement, 2);
    usage->bytes = (uint64_t)sqlite3_column_int64(statement, 3);
  }
  if (step == SQLITE_ROW)
    rc = filo_fail(err, FILO_NO_MEMORY, "no memory for a list");
  else if (step != SQLITE_DONE)
    rc = filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  return rc;
}

int filo_catalogue_usage(struct filo_catalogue *catalogue, struct filo_usage *ret[FILO_ACCOUNTS],
                         size_t count[FILO_ACCOUNTS], struct filo_error *err) {
  struct filo_usage *lists[FILO_ACCOUNTS] = {0};
  size_t counts[FILO_ACCOUNTS] = {0};
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  for (int kind = 0; rc == 0 && kind < FILO_ACCOUNTS; kind++)
    rc = read_usage(&catalogue->database, FILO_SQL_USAGE_OF_NAMESPACES + kind, &lists[kind],
                    &counts[kind], err);
  rc = filo_catalogue_used(catalogue, rc, err);
  for (int kind = 0; kind < FILO_ACCOUNTS; kind++) {
    if (rc < 0) {
      free(lists[kind]);
    } else {
      ret[kind] = lists[kind];
      count[kind] = counts[kind];
    }
  }
  return rc;
}
