/* What lies at peers only, of namespaces that are read here: rows of what they list, and of what lay
 * here and is gone. What lies here in a version that is as new has none. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "catalogue/internal.h"

/* --- Rows --- */

static int cannot_write(struct filo_database *database, struct filo_error *err) {
  return filo_database_failed(database, err, "cannot write the catalogue");
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text, size_t len) {
  if (text)
    sqlite3_bind_blob64(statement, index, text, len, SQLITE_STATIC);
  else
    sqlite3_bind_null(statement, index);
}

/* Unless one that is as new is there. */
static int note(struct filo_database *database, const struct filo_row *row,
                struct filo_error *err) {
  int64_t ns = filo_row_namespace(database, row->ns, err);
  if (ns < 0) return (int)ns;
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_NOTE_ELSEWHERE);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_int64(statement, 1, ns);
  sqlite3_bind_blob(statement, 2, row->key_hash, sizeof row->key_hash, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, (int64_t)row->version);
  sqlite3_bind_blob(statement, 4, row->nonce, sizeof row->nonce, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 5, (int64_t)row->size);
  sqlite3_bind_int(statement, 6, row->flags);
  if (row->has_modified)
    sqlite3_bind_int64(statement, 7, row->modified);
  else
    sqlite3_bind_null(statement, 7);
  bind_text(statement, 8, row->name, row->name_len);
  sqlite3_bind_int(statement, 9, row->class);
  bind_text(statement, 10, row->conflict, row->conflict_len);
  bind_text(statement, 11, row->etag[0] ? row->etag : NULL, strlen(row->etag));
  return filo_database_run(database, FILO_SQL_NOTE_ELSEWHERE, err);
}

/* Unless it is newer. */
static int forget(struct filo_database *database, const struct filo_row *row,
                  struct filo_error *err) {
  int64_t ns = filo_row_namespace(database, row->ns, err);
  if (ns < 0) return (int)ns;
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_FORGET_ELSEWHERE);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_int64(statement, 1, ns);
  sqlite3_bind_blob(statement, 2, row->key_hash, sizeof row->key_hash, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, (int64_t)row->version);
  sqlite3_bind_blob(statement, 4, row->nonce, sizeof row->nonce, SQLITE_STATIC);
  return filo_database_run(database, FILO_SQL_FORGET_ELSEWHERE, err);
}

int filo_elsewhere_follow(struct filo_catalogue *catalogue, const struct filo_row *was,
                          const struct filo_row *is, struct filo_error *err) {
  if (is && !is->problem && filo_readable_wholly(catalogue, is->ns))
    return forget(&catalogue->database, is, err);
  if (is && is->problem && is->problem != FILO_CORRUPT) return 0; /* it is here, unread for now */
  bool gone = was->name && filo_readable_wholly(catalogue, was->ns);
  return gone ? note(&catalogue->database, was, err) : 0;
}

/* --- What peers list --- */

/* A record that was listed: what it says; whether that is news; whether it deletes what is here; and
 * whether it was verified, which what is no news is not. */
struct entry {
  struct filo_row row;
  bool news, deletes, verified;
};

/* Whether a version that a statement gives, if any, is as new; and its flags. */
static bool is_as_new(sqlite3_stmt *statement, const struct filo_row *row, int *flags) {
  *flags = FILO_TOMBSTONE;
  if (sqlite3_step(statement) != SQLITE_ROW) return false;
  *flags = sqlite3_column_int(statement, 2);
  uint64_t version = (uint64_t)sqlite3_column_int64(statement, 0);
  if (version != row->version) return version > row->version;
  return sqlite3_column_bytes(statement, 1) == sizeof row->nonce &&
         memcmp(sqlite3_column_blob(statement, 1), row->nonce, sizeof row->nonce) >= 0;
}

/* Compares it with what is known. */
static int compare(struct filo_database *database, int64_t ns, const char *path,
                   struct entry *entry, struct filo_error *err) {
  unsigned char place[FILO_PLACE_SIZE];
  const struct filo_row *row = &entry->row;
  int flags;
  sqlite3_stmt *here = filo_statement(database, FILO_SQL_KNOWN_HERE);
  sqlite3_stmt *elsewhere = filo_statement(database, FILO_SQL_KNOWN_ELSEWHERE);
  if (!here || !elsewhere) return filo_database_failed(database, err, "cannot read the catalogue");
  filo_row_place(path, place);
  sqlite3_bind_int64(elsewhere, 1, ns);
  sqlite3_bind_blob(elsewhere, 2, row->key_hash, sizeof row->key_hash, SQLITE_STATIC);
  entry->news = !is_as_new(elsewhere, row, &flags);
  sqlite3_reset(elsewhere);
  sqlite3_bind_int64(here, 1, ns);
  sqlite3_bind_blob(here, 2, place, sizeof place, SQLITE_STATIC);
  bool is_here = is_as_new(here, row, &flags);
  entry->news = entry->news && !is_here;
  entry->deletes = row->flags & FILO_TOMBSTONE && !is_here && !(flags & FILO_TOMBSTONE);
  sqlite3_reset(here);
  return 0;
}

static int compare_all(struct filo_catalogue *catalogue, const struct filo_listing *listing,
                       struct entry *entries, struct filo_error *err) {
  int64_t ns = filo_row_namespace(&catalogue->database, listing->ns, err);
  int rc = ns < 0 ? (int)ns : 0;
  for (size_t i = 0; rc == 0 && i < listing->count; i++)
    rc = compare(&catalogue->database, ns, listing->list[i].path, &entries[i], err);
  return rc;
}

static int peek(const struct filo_listing *listing, struct entry *entries, struct filo_error *err) {
  for (size_t i = 0; i < listing->count; i++) {
    struct filo_record fields;
    struct filo_row *row = &entries[i].row;
    int rc = filo_record_peek(listing->list[i].record, listing->list[i].len, &fields, err);
    if (rc < 0) return rc;
    if (memcmp(fields.ns, listing->ns, sizeof fields.ns) != 0)
      return filo_fail(err, FILO_DENIED, "a record of another namespace was listed");
    memcpy(row->ns, fields.ns, sizeof row->ns);
    memcpy(row->key_hash, fields.key_hash, sizeof row->key_hash);
    memcpy(row->nonce, fields.nonce, sizeof row->nonce);
    row->version = fields.version;
    row->size = fields.size;
    row->flags = fields.flags;
    row->class = fields.class;
  }
  return 0;
}

/* Checks and opens what is news. */
static int read_news(const struct filo_namespace *keys, const struct filo_listing *listing,
                     struct entry *entries, struct filo_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < listing->count; i++) {
    const struct filo_listed *listed = &listing->list[i];
    struct filo_record fields;
    if (!entries[i].news && !entries[i].deletes) continue;
    rc = filo_record_parse(listed->record, listed->len, &fields, err);
    entries[i].verified = rc == 0;
    if (rc == 0 && !(fields.flags & FILO_TOMBSTONE))
      filo_catalogue_describe(keys, listed->record, listed->len, &entries[i].row);
  }
  return rc;
}

static int note_listed(struct filo_database *database, const struct filo_listing *listing,
                       struct filo_error *err) {
  int64_t ns = filo_row_namespace(database, listing->ns, err);
  if (ns < 0) return (int)ns;
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_NOTE_LISTED);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_blob(statement, 1, listing->peer, sizeof listing->peer, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, ns);
  sqlite3_bind_blob(statement, 3, listing->life, sizeof listing->life, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 4, listing->after);
  int rc = filo_database_run(database, FILO_SQL_NOTE_LISTED, err);
  return rc < 0 ? rc : filo_database_run(database, FILO_SQL_FORGET_LISTED, err);
}

/* Whether something turned into news that was none when it was to be verified. */
static bool has_unverified(const struct entry *entries, size_t count) {
  for (size_t i = 0; i < count; i++)
    if ((entries[i].news || entries[i].deletes) && !entries[i].verified) return true;
  return false;
}

/* Writes what is still news, all or nothing. */
static int write_news(struct filo_catalogue *catalogue, const struct filo_listing *listing,
                      struct entry *entries, struct filo_error *err) {
  struct filo_database *database = &catalogue->database;
  for (size_t i = 0; i < listing->count; i++)
    if (entries[i].deletes) return 0; /* that has to take place first */
  int rc = filo_database_run(database, FILO_SQL_BEGIN, err);
  for (size_t i = 0; rc == 0 && i < listing->count; i++)
    if (entries[i].news) rc = note(database, &entries[i].row, err);
  if (rc == 0) rc = note_listed(database, listing, err);
  return rc < 0 ? rc : filo_database_run(database, FILO_SQL_COMMIT, err);
}

static int note_entries(struct filo_catalogue *catalogue, const struct filo_namespace *keys,
                        const struct filo_listing *listing, struct entry *entries,
                        struct filo_error *err) {
  int rc = peek(listing, entries, err);
  if (rc == 0) rc = filo_database_check_room(catalogue, FILO_ROOM_TO_CHANGE, err);
  if (rc == 0) rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  rc = filo_catalogue_used(catalogue, compare_all(catalogue, listing, entries, err), err);
  if (rc == 0) rc = read_news(keys, listing, entries, err);
  if (rc == 0) rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  rc = compare_all(catalogue, listing, entries, err);
  bool unverified = rc == 0 && has_unverified(entries, listing->count);
  if (rc == 0 && !unverified) rc = write_news(catalogue, listing, entries, err);
  rc = filo_catalogue_used(catalogue, rc, err);
  return unverified ? filo_fail(err, FILO_BUSY, "what lies here has just changed") : rc;
}

int filo_catalogue_note(struct filo_catalogue *catalogue, const struct filo_listing *listing,
                        bool *deletions, struct filo_error *err) {
  struct filo_namespace *keys = filo_readable_keys(catalogue, listing->ns);
  struct entry *entries = calloc(listing->count + 1, sizeof *entries);
  int rc;
  if (!entries)
    rc = filo_fail(err, FILO_NO_MEMORY, "no memory for a list");
  else if (!keys || filo_namespace_access(keys) < FILO_READS)
    rc = filo_fail(err, FILO_DENIED, "no names of that namespace can be read");
  else
    rc = note_entries(catalogue, keys, listing, entries, err);
  filo_namespace_unref(keys);
  if (!entries) return rc;
  for (size_t i = 0; i < listing->count; i++) {
    deletions[i] = rc == 0 && entries[i].deletes;
    filo_row_free(&entries[i].row);
  }
  free(entries);
  return rc;
}

int filo_catalogue_noted(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                         const unsigned char peer[FILO_ID_SIZE], unsigned char life[FILO_LIFE_SIZE],
                         int64_t *after, struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  sqlite3_stmt *statement = filo_statement(&catalogue->database, FILO_SQL_LISTED);
  *after = 0;
  if (statement) {
    sqlite3_bind_blob(statement, 1, ns, FILO_ID_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, peer, FILO_ID_SIZE, SQLITE_STATIC);
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == FILO_LIFE_SIZE) {
      memcpy(life, sqlite3_column_blob(statement, 0), FILO_LIFE_SIZE);
      *after = sqlite3_column_int64(statement, 1);
    }
    sqlite3_reset(statement);
  }
  rc = statement && (rc == SQLITE_ROW || rc == SQLITE_DONE)
           ? 0
           : filo_database_failed(&catalogue->database, err, "cannot read the catalogue");
  return filo_catalogue_used(catalogue, rc, err);
}

/* --- Taking over --- */

/* All that lay elsewhere, and what has a name there and lies here no more, or as no object; but for
 * what does. What lies at the same place in both is told by two indexes, each read once, in order. */
static const char *const takings[] = {
    "INSERT INTO elsewhere SELECT ?1, key_hash, version, nonce, size, flags, modified, name, class,"
    " conflict, etag FROM old.elsewhere NOT INDEXED WHERE ns = ?2",
    "INSERT INTO elsewhere SELECT ?1, key_hash, version, nonce, size, flags, modified, name, class,"
    " conflict, etag FROM old.files WHERE name IS NOT NULL AND id IN (SELECT id FROM old.files AS "
    "was"
    "  INDEXED BY by_place WHERE ns = ?2 AND (NOT EXISTS (SELECT 1 FROM main.files AS now"
    "   INDEXED BY by_place WHERE now.ns = ?1 AND now.place = was.place)"
    "  OR place IN (SELECT place FROM main.files INDEXED BY problems WHERE problem IS NOT NULL"
    "   AND ns = ?1)))" FILO_IF_NEWER,
    "DELETE FROM elsewhere WHERE (+ns, +key_hash) IN (SELECT now.ns, now.key_hash FROM"
    " main.files AS now CROSS JOIN elsewhere AS was ON was.ns = now.ns"
    " AND was.key_hash = now.key_hash WHERE now.problem IS NULL"
    " AND (now.version, now.nonce) >= (was.version, was.nonce)) AND ?1 AND ?2",
    "INSERT INTO listed SELECT NULL, peer, ?1, life, after FROM old.listed NOT INDEXED"
    " WHERE ns = ?2",
};

static bool run_bound(sqlite3 *db, const char *text, int64_t ns, int64_t old_ns) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK) return false;
  sqlite3_bind_int64(statement, 1, ns);
  sqlite3_bind_int64(statement, 2, old_ns);
  bool done = sqlite3_step(statement) == SQLITE_DONE;
  sqlite3_finalize(statement);
  return done;
}

/* The number that a namespace had whose names were read with the same keys; 0: none. */
static int64_t old_namespace(sqlite3 *db, const struct filo_namespace *keys) {
  static const char text[] =
      "SELECT id FROM old.namespaces NOT INDEXED WHERE ns = ?1 AND named = ?2";
  unsigned char print[FILO_PRINT_SIZE];
  sqlite3_stmt *statement;
  filo_namespace_print(keys, print);
  if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK) return 0;
  sqlite3_bind_blob(statement, 1, filo_namespace_id(keys), FILO_ID_SIZE, SQLITE_STATIC);
  sqlite3_bind_blob(statement, 2, print, sizeof print, SQLITE_STATIC);
  int64_t id = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  sqlite3_finalize(statement);
  return id;
}

static bool take_over_one(struct filo_database *database, const struct filo_namespace *keys) {
  int64_t old_ns = old_namespace(database->db, keys);
  if (old_ns == 0) return true;
  int64_t ns = filo_row_namespace(database, filo_namespace_id(keys), NULL);
  bool good = ns > 0;
  for (size_t i = 0; good && i < sizeof takings / sizeof *takings; i++)
    good = run_bound(database->db, takings[i], ns, old_ns);
  return good;
}

static bool take_over(struct filo_catalogue *catalogue) {
  struct filo_namespace *keys;
  bool good = true;
  if (!filo_database_is_alike(catalogue)) return true;
  for (unsigned i = 0; good && (keys = filo_readable_at(catalogue, i)); i++) {
    if (filo_namespace_access(keys) >= FILO_READS) good = take_over_one(&catalogue->database, keys);
    filo_namespace_unref(keys);
  }
  return good;
}

static bool attach(sqlite3 *db, const char *path) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(db, "ATTACH ?1 AS old", -1, &statement, NULL) != SQLITE_OK) return false;
  sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
  bool attached = sqlite3_step(statement) == SQLITE_DONE;
  sqlite3_finalize(statement);
  return attached;
}

void filo_elsewhere_take_over(struct filo_catalogue *catalogue) {
  struct filo_database *database = &catalogue->database;
  FILO_AUTO_FREE char *path = filo_database_put_by_path(catalogue);
  if (path && attach(database->db, path)) {
    if (filo_database_run(database, FILO_SQL_BEGIN, NULL) == 0) {
      bool good = take_over(catalogue);
      filo_database_run(database, good ? FILO_SQL_COMMIT : FILO_SQL_ROLLBACK, NULL);
      if (!good) filo_rows_forget(database); /* it may be none any more */
    }
    sqlite3_exec(database->db, "DETACH old", NULL, NULL, NULL);
  }
  filo_database_remove_put_by(catalogue);
}
