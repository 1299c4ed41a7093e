/* Rows: what is known of a file, from the file to the database. */
#include <blake3.h>
#include <string.h>

#include "bytes.h"
#include "catalogue/internal.h"
#include "store/path.h"

/* --- From the file --- */

static const struct filo_cas standard = {FILO_SHA1, 2, 1};

static bool is_default_path(const unsigned char key_hash[32], const char *path) {
  char usual[FILO_PATH_MAX];
  return filo_cas_path(&standard, key_hash, usual, NULL) == 0 && strcmp(usual, path) == 0;
}

static void describe_object(struct filo_catalogue *catalogue, const struct filo_walk_entry *entry,
                            struct filo_row *row) {
  row->has_key_hash = true;
  memcpy(row->key_hash, entry->fields.key_hash, sizeof row->key_hash);
  row->version = entry->fields.version;
  row->size = entry->fields.size;
  row->flags = entry->fields.flags;
  row->class = entry->fields.class;
  row->generation = entry->fields.generation;
  memcpy(row->nonce, entry->fields.nonce, sizeof row->nonce);
  row->verified = entry->verified;
  row->has_bringer = entry->has_bringer;
  memcpy(row->bringer, entry->bringer, sizeof row->bringer);
  if (row->flags & FILO_TOMBSTONE) return;
  struct filo_namespace *keys = filo_readable_keys(catalogue, row->ns);
  if (keys) filo_catalogue_describe(keys, entry->record, entry->record_len, row);
  filo_namespace_unref(keys);
}

bool filo_row_examine(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                      const char *path, struct filo_row *ret) {
  struct filo_walk_entry entry;
  filo_store_examine(catalogue->store, ns, path, &entry);
  if (entry.code == FILO_NOT_FOUND) return false;
  memset(ret, 0, sizeof *ret);
  memcpy(ret->ns, ns, FILO_ID_SIZE);
  ret->problem = entry.code;
  if (entry.code == 0) describe_object(catalogue, &entry, ret);
  ret->record = entry.record;
  ret->record_len = entry.record_len;
  return true;
}

void filo_row_free(struct filo_row *row) {
  free(row->name);
  free(row->conflict);
  free(row->path);
  free(row->record);
  row->name = row->conflict = row->path = NULL;
  row->record = NULL;
}

void filo_rows_free(struct filo_rows *rows) {
  for (size_t i = 0; i < rows->count; i++) filo_row_free(&rows->list[i]);
  free(rows->list);
  *rows = (struct filo_rows){0};
}

int filo_row_path(const struct filo_row *row, char ret[FILO_PATH_MAX], struct filo_error *err) {
  if (!row->path) return filo_cas_path(&standard, row->key_hash, ret, err);
  strcpy(ret, row->path);
  return 0;
}

/* The row anew; false when nothing is there. */
static bool read_again(struct filo_catalogue *catalogue, struct filo_row *row, char *path) {
  struct filo_row found;
  if (!filo_row_examine(catalogue, row->ns, path, &found)) return false;
  found.id = row->id;
  found.path = strdup(path);
  filo_row_free(row);
  *row = found;
  return true;
}

int filo_catalogue_read(struct filo_catalogue *catalogue, struct filo_rows *rows,
                        struct filo_error *err) {
  size_t kept = 0;
  int rc = 0;
  for (size_t i = 0; i < rows->count; i++) {
    struct filo_row *row = &rows->list[i];
    char path[FILO_PATH_MAX];
    if (row->elsewhere) {
      rows->list[kept++] = *row;
      continue;
    }
    rc = filo_row_path(row, path, err);
    if (rc < 0) break;
    if (read_again(catalogue, row, path))
      rows->list[kept++] = *row;
    else
      filo_row_free(row);
  }
  if (rc == 0) rows->count = kept;
  return rc;
}

/* --- Accounts: namespaces, and who brings copies --- */

static int write_counts(struct filo_database *database, enum filo_account kind,
                        struct filo_error *err) {
  struct filo_counted *last = &database->last[kind];
  if (last->id == 0 || (!last->objects && !last->deleted && !last->bytes)) return 0;
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_COUNT_NAMESPACE + kind);
  if (!statement) return filo_database_failed(database, err, "cannot count in the catalogue");
  const int64_t values[] = {last->id, last->objects, last->deleted, last->bytes};
  for (int i = 0; i < 4; i++) sqlite3_bind_int64(statement, i + 1, values[i]);
  last->objects = last->deleted = last->bytes = 0;
  return filo_database_run(database, FILO_SQL_COUNT_NAMESPACE + kind, err);
}

int filo_rows_count(struct filo_database *database, struct filo_error *err) {
  int rc = write_counts(database, FILO_OF_NAMESPACE, err);
  return rc < 0 ? rc : write_counts(database, FILO_OF_BRINGER, err);
}

void filo_rows_forget(struct filo_database *database) {
  memset(database->last, 0, sizeof database->last);
}

static int64_t find_account(struct filo_database *database, enum filo_account kind,
                            const unsigned char whose[FILO_ID_SIZE], struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_FIND_NAMESPACE + kind);
  if (!statement) return filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_bind_blob(statement, 1, whose, FILO_ID_SIZE, SQLITE_STATIC);
  int rc = sqlite3_step(statement);
  int64_t id = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    id = filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  return id;
}

static int64_t add_account(struct filo_database *database, enum filo_account kind,
                           const unsigned char whose[FILO_ID_SIZE], struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_ADD_NAMESPACE + kind);
  if (!statement) return filo_database_failed(database, err, "cannot write the catalogue");
  sqlite3_bind_blob(statement, 1, whose, FILO_ID_SIZE, SQLITE_STATIC);
  int rc = filo_database_run(database, FILO_SQL_ADD_NAMESPACE + kind, err);
  return rc < 0 ? rc : sqlite3_last_insert_rowid(database->db);
}

/* The id of one, which is added when it is new; or a negative code. */
static int64_t account_of(struct filo_database *database, enum filo_account kind,
                          const unsigned char whose[FILO_ID_SIZE], struct filo_error *err) {
  struct filo_counted *last = &database->last[kind];
  if (last->id > 0 && memcmp(last->whose, whose, FILO_ID_SIZE) == 0) return last->id;
  int rc = write_counts(database, kind, err);
  int64_t id = rc < 0 ? rc : find_account(database, kind, whose, err);
  if (id == 0) id = add_account(database, kind, whose, err);
  *last = (struct filo_counted){.id = id > 0 ? id : 0};
  memcpy(last->whose, whose, FILO_ID_SIZE);
  return id;
}

int64_t filo_row_namespace(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                           struct filo_error *err) {
  return account_of(database, FILO_OF_NAMESPACE, ns, err);
}

/* That of who brought a row which the database has. */
static int turn_to(struct filo_database *database, int64_t id, struct filo_error *err) {
  struct filo_counted *last = &database->last[FILO_OF_BRINGER];
  if (last->id == id) return 0;
  int rc = write_counts(database, FILO_OF_BRINGER, err);
  *last = (struct filo_counted){.id = id}; /* nobody has an ID of zeros */
  return rc;
}

static void count(struct filo_counted *in, bool is_object, unsigned char flags, int64_t size,
                  int by) {
  if (!is_object) return;
  if (flags & FILO_TOMBSTONE)
    in->deleted += by;
  else
    in->objects += by;
  in->bytes += by * size;
}

static void count_row(struct filo_database *database, const struct filo_row *row, bool brought,
                      int by) {
  count(&database->last[FILO_OF_NAMESPACE], !row->problem, row->flags, (int64_t)row->size, by);
  if (brought)
    count(&database->last[FILO_OF_BRINGER], !row->problem, row->flags, (int64_t)row->size, by);
}

/* --- To the database --- */

void filo_row_place(const char *path, unsigned char out[FILO_PLACE_SIZE]) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, path, strlen(path));
  blake3_hasher_finalize(&hasher, out, FILO_PLACE_SIZE);
}

static void bind_etag(sqlite3_stmt *statement, const struct filo_row *row) {
  if (row->etag[0])
    sqlite3_bind_blob(statement, 16, row->etag, (int)strlen(row->etag), SQLITE_STATIC);
  else
    sqlite3_bind_null(statement, 16);
}

static void bind_object(sqlite3_stmt *statement, const struct filo_row *row) {
  sqlite3_bind_null(statement, 4);
  sqlite3_bind_blob(statement, 5, row->key_hash, sizeof row->key_hash, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 6, (int64_t)row->version);
  sqlite3_bind_int64(statement, 7, (int64_t)row->size);
  sqlite3_bind_int(statement, 8, row->flags);
  sqlite3_bind_int64(statement, 9, row->verified);
  if (row->has_modified)
    sqlite3_bind_int64(statement, 10, row->modified);
  else
    sqlite3_bind_null(statement, 10);
  if (row->name)
    sqlite3_bind_blob64(statement, 11, row->name, row->name_len, SQLITE_STATIC);
  else
    sqlite3_bind_null(statement, 11);
  sqlite3_bind_int(statement, 12, row->class);
  sqlite3_bind_int64(statement, 13, row->generation);
  sqlite3_bind_blob(statement, 14, row->nonce, sizeof row->nonce, SQLITE_STATIC);
  if (row->conflict)
    sqlite3_bind_blob64(statement, 15, row->conflict, row->conflict_len, SQLITE_STATIC);
  else
    sqlite3_bind_null(statement, 15);
  bind_etag(statement, row);
}

static void bind_problem(sqlite3_stmt *statement, int problem) {
  sqlite3_bind_int(statement, 4, problem);
  for (int i = 5; i <= 16; i++) sqlite3_bind_null(statement, i);
}

int filo_row_insert(struct filo_database *database, const struct filo_row *row, const char *path,
                    struct filo_error *err) {
  unsigned char place[FILO_PLACE_SIZE];
  bool brought = !row->problem && row->has_bringer;
  int64_t ns = filo_row_namespace(database, row->ns, err);
  if (ns < 0) return (int)ns;
  int64_t bringer = brought ? account_of(database, FILO_OF_BRINGER, row->bringer, err) : 0;
  if (bringer < 0) return (int)bringer;
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_INSERT);
  if (!statement) return filo_database_failed(database, err, "cannot write the catalogue");
  filo_row_place(path, place);
  sqlite3_bind_int64(statement, 1, ns);
  sqlite3_bind_blob(statement, 2, place, sizeof place, SQLITE_STATIC);
  if (row->id)
    sqlite3_bind_int64(statement, 17, row->id);
  else
    sqlite3_bind_null(statement, 17);
  if (brought)
    sqlite3_bind_int64(statement, 18, bringer);
  else
    sqlite3_bind_null(statement, 18);
  if (!row->problem && is_default_path(row->key_hash, path))
    sqlite3_bind_null(statement, 3);
  else
    sqlite3_bind_text(statement, 3, path, -1, SQLITE_STATIC);
  if (row->problem)
    bind_problem(statement, row->problem);
  else
    bind_object(statement, row);
  count_row(database, row, brought, 1);
  return filo_database_run(database, FILO_SQL_INSERT, err);
}

static sqlite3_stmt *statement_at(struct filo_database *database, int which, int64_t ns,
                                  const unsigned char place[FILO_PLACE_SIZE]) {
  sqlite3_stmt *statement = filo_statement(database, which);
  if (!statement) return NULL;
  sqlite3_bind_int64(statement, 1, ns);
  sqlite3_bind_blob(statement, 2, place, FILO_PLACE_SIZE, SQLITE_STATIC);
  return statement;
}

/* How many rows a place has; old: the last of them. */
static int read_row(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                    sqlite3_stmt *statement, struct filo_row *old, struct filo_error *err) {
  int rc, code = 0, found = 0;
  for (; (rc = sqlite3_step(statement)) == SQLITE_ROW; found++) {
    filo_row_free(old);
    if (!filo_row_read(statement, ns, old)) code = FILO_CORRUPT;
    old->account = sqlite3_column_int64(statement, 15);
    if (old->account && code == 0) code = turn_to(database, old->account, err);
    if (code == 0) count_row(database, old, old->account != 0, -1);
  }
  if (rc != SQLITE_DONE)
    code = filo_database_failed(database, err, "cannot read the catalogue");
  else if (code == FILO_CORRUPT)
    filo_fail(err, code, "a row of the catalogue makes no sense");
  sqlite3_reset(statement);
  return code < 0 ? code : found;
}

/* old: what was known of the path, to be freed; all of it 0: nothing, which is most often so and
 * told sooner by a look than by a deletion. */
static int delete_row(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                      const char *path, struct filo_row *old, struct filo_error *err) {
  unsigned char place[FILO_PLACE_SIZE];
  *old = (struct filo_row){0};
  int64_t id = filo_row_namespace(database, ns, err);
  if (id < 0) return (int)id;
  filo_row_place(path, place);
  sqlite3_stmt *statement = statement_at(database, FILO_SQL_AT_PLACE, id, place);
  if (!statement) return filo_database_failed(database, err, "cannot read the catalogue");
  int rc = read_row(database, ns, statement, old, err);
  if (rc > 0 && !statement_at(database, FILO_SQL_DELETE, id, place))
    rc = filo_database_failed(database, err, "cannot write the catalogue");
  if (rc > 0) rc = filo_database_run(database, FILO_SQL_DELETE, err);
  if (rc < 0) filo_row_free(old);
  return rc;
}

/* What is told of a path under one id: a version, or what is wrong there. */
static bool is_same(const struct filo_row *a, const struct filo_row *b) {
  if (a->problem || b->problem) return a->problem && b->problem;
  return a->version == b->version && memcmp(a->nonce, b->nonce, sizeof a->nonce) == 0;
}

int filo_row_update(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                    const char *path, struct filo_error *err) {
  struct filo_row row, old;
  int rc = delete_row(&catalogue->database, ns, path, &old, err);
  if (rc < 0) return rc;
  bool there = filo_row_examine(catalogue, ns, path, &row);
  if (there) {
    row.id = is_same(&row, &old) ? old.id : 0;
    rc = filo_row_insert(&catalogue->database, &row, path, err);
    row.id = sqlite3_last_insert_rowid(catalogue->database.db);
  }
  if (rc == 0) rc = filo_elsewhere_follow(catalogue, &old, there ? &row : NULL, err);
  if (rc == 0) rc = filo_marks_follow(&catalogue->database, &old, there ? &row : NULL, err);
  if (there) filo_row_free(&row);
  filo_row_free(&old);
  return rc;
}
