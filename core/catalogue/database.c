/* The database: what is in it, and how it is opened, closed and thrown away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "bytes.h"
#include "catalogue/internal.h"
#include "crypto/random.h"

/* What is below belongs to this number: another one's database is not read. */
enum { LAYOUT = 11, BUSY_MS = 2000, CACHE_KIB = 1024, BUILDING_CACHE_KIB = 8192 };

/* namespaces: named, a print of the keys with which all names in it were read.
 *
 * elsewhere: of namespaces that are read, each object, or deletion, of which peers have a version and
 * nothing lies here that is as new; listed: how far each peer's list of these was read.
 *
 * bringers: nodes that have brought copies here.
 *
 * marks: each version that lies here, with a bit for the number of each of the `holders` that is known
 * to hold it, too, and its file (marks.c). They are in an order that is everywhere the same.
 *
 * files: each file below objects/. `place` stands for its path, which is kept only where it is not
 * that of the default transform. `problem`: a code, of what is no object; then the columns behind it
 * are NULL. `name`: where it can be read. Ids are never given again, and another version gets another
 * one: who was told of all up to one misses nothing that has a larger one. */
static const char tables[] =
    "CREATE TABLE about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE namespaces (id INTEGER PRIMARY KEY, ns BLOB UNIQUE NOT NULL,"
    " objects INTEGER NOT NULL, deleted INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " named BLOB);"
    "CREATE TABLE bringers (id INTEGER PRIMARY KEY, node BLOB UNIQUE NOT NULL,"
    " objects INTEGER NOT NULL, deleted INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT, ns INTEGER NOT NULL,"
    " place BLOB NOT NULL, path TEXT, problem INTEGER, key_hash BLOB, version INTEGER,"
    " size INTEGER, flags INTEGER, verified INTEGER, modified INTEGER, name BLOB, class INTEGER,"
    " generation INTEGER, nonce BLOB, conflict BLOB, etag BLOB, bringer INTEGER);"
    "CREATE TABLE changed (id INTEGER PRIMARY KEY, ns BLOB NOT NULL, path TEXT NOT NULL);"
    "CREATE TABLE elsewhere (ns INTEGER NOT NULL, key_hash BLOB NOT NULL, version INTEGER NOT NULL,"
    " nonce BLOB NOT NULL, size INTEGER, flags INTEGER, modified INTEGER, name BLOB, class INTEGER,"
    " conflict BLOB, etag BLOB, PRIMARY KEY (ns, key_hash)) WITHOUT ROWID;"
    "CREATE INDEX elsewhere_by_name ON elsewhere (ns, name, version, size, flags, modified, class,"
    " conflict, etag) WHERE name IS NOT NULL;"
    "CREATE TABLE listed (id INTEGER PRIMARY KEY, peer BLOB NOT NULL, ns INTEGER NOT NULL,"
    " life BLOB NOT NULL, after INTEGER NOT NULL, UNIQUE (peer, ns));"
    "CREATE TABLE holders (id INTEGER PRIMARY KEY, node BLOB UNIQUE NOT NULL,"
    " heard INTEGER NOT NULL);"
    "CREATE TABLE marks (mark BLOB PRIMARY KEY, holders BLOB, file INTEGER) WITHOUT ROWID;";

/* Counts all files at once, in a table of those whose they are, or who brought them. */
#define COUNT_ALL(table, column)                                                                   \
  "UPDATE " table " SET objects = found.objects, deleted = found.deleted, bytes = found.bytes"     \
  " FROM (SELECT " column " AS whose, sum(NOT flags & 1) AS objects, sum(flags & 1) AS deleted,"   \
  "  sum(size) AS bytes FROM files WHERE problem IS NULL GROUP BY " column ") AS found"            \
  " WHERE found.whose = " table ".id;"

/* Made once the files are in it: in order, that is many times faster than one by one. */
static const char indexes[] =
    "CREATE INDEX by_place ON files (ns, place);"
    "CREATE INDEX by_namespace ON files (ns);"
    /* with all that a list of names gives, so that it is read from here alone, in order */
    "CREATE INDEX by_name ON files (ns, name, version, size, flags, verified, modified, class,"
    " conflict, etag) WHERE name IS NOT NULL;"
    "CREATE INDEX by_verified ON files (ns, verified) WHERE name IS NOT NULL;"
    "CREATE INDEX by_age ON files (verified, size) WHERE problem IS NULL;"
    "CREATE INDEX by_generation ON files (ns, generation) WHERE NOT flags & 1;"
    "CREATE INDEX tombstones ON files (ns) WHERE flags & 1;"
    "CREATE INDEX problems ON files (problem) WHERE problem IS NOT NULL;"
    "INSERT OR IGNORE INTO marks SELECT filo_mark(namespaces.ns, key_hash, version), NULL,"
    " files.id FROM files"
    " JOIN namespaces ON files.ns = namespaces.id WHERE problem IS NULL ORDER BY 1;" COUNT_ALL(
        "namespaces", "ns") COUNT_ALL("bringers", "bringer");

/* In the order in which queries.c reads them. */
#define ALL_BUT_ID                                                                                 \
  "path, problem, key_hash, version, size, flags, verified, modified, name, class, generation, "   \
  "nonce, conflict, etag"
#define COLUMNS "files.id, " ALL_BUT_ID
#define NAMES_BETWEEN " AND name >= ?2 AND name < ?3"
/* Both halves come in the order of an index. */
#define AND_ELSEWHERE                                                                              \
  " UNION ALL SELECT 0, NULL, NULL, NULL, version, size, flags, 0, modified, name, class, NULL,"   \
  " NULL, conflict, etag, 1 FROM elsewhere WHERE " OF_NAMESPACE NAMES_BETWEEN " ORDER BY 10"
#define OF_NAMESPACE "ns = (SELECT id FROM namespaces WHERE ns = ?1)"

#define ADD_TO(table)                                                                              \
  "UPDATE " table " SET objects = objects + ?2, deleted = deleted + ?3, bytes = bytes + ?4"        \
  " WHERE id = ?1"
#define USAGE(table, column)                                                                       \
  "SELECT " column ", objects, deleted, bytes FROM " table " WHERE objects OR deleted"

static const char *const texts[FILO_SQL_STATEMENTS] = {
    [FILO_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [FILO_SQL_COMMIT] = "COMMIT",
    [FILO_SQL_ROLLBACK] = "ROLLBACK",
    [FILO_SQL_FIND_NAMESPACE] = "SELECT id FROM namespaces WHERE ns = ?1",
    [FILO_SQL_ADD_NAMESPACE] = "INSERT INTO namespaces VALUES (NULL, ?1, 0, 0, 0, NULL)",
    [FILO_SQL_FIND_BRINGER] = "SELECT id FROM bringers WHERE node = ?1",
    [FILO_SQL_ADD_BRINGER] = "INSERT INTO bringers VALUES (NULL, ?1, 0, 0, 0)",
    [FILO_SQL_COUNT_NAMESPACE] = ADD_TO("namespaces"),
    [FILO_SQL_COUNT_BRINGER] = ADD_TO("bringers"),
    [FILO_SQL_INSERT] =
        "INSERT INTO files VALUES (?17, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
        " ?14, ?15, ?16, ?18)",
    [FILO_SQL_AT_PLACE] =
        "SELECT id, " ALL_BUT_ID ", bringer FROM files WHERE ns = ?1 AND place = ?2",
    [FILO_SQL_AT] = "SELECT " COLUMNS " FROM files WHERE " OF_NAMESPACE " AND place = ?2",
    [FILO_SQL_DELETE] = "DELETE FROM files WHERE ns = ?1 AND place = ?2",
    [FILO_SQL_NOTE_CHANGE] = "INSERT INTO changed VALUES (NULL, ?1, ?2)",
    [FILO_SQL_NEXT_CHANGES] = "DELETE FROM changed WHERE id IN (SELECT id FROM changed ORDER BY id"
                              " LIMIT 256) RETURNING ns, path",
    [FILO_SQL_NAMES] =
        "SELECT id, NULL, NULL, NULL, version, size, flags, verified, modified, name, class, NULL,"
        " NULL, conflict, etag, 0 FROM files WHERE " OF_NAMESPACE NAMES_BETWEEN AND_ELSEWHERE,
    [FILO_SQL_OBJECTS] =
        "SELECT " COLUMNS ", 0 FROM files WHERE " OF_NAMESPACE NAMES_BETWEEN AND_ELSEWHERE,
    [FILO_SQL_FILES] = "SELECT " COLUMNS " FROM files INDEXED BY by_namespace WHERE " OF_NAMESPACE
                       " AND id > ?2 AND problem IS NULL ORDER BY id LIMIT ?3",
    [FILO_SQL_TOMBSTONES] = "SELECT " COLUMNS " FROM files WHERE " OF_NAMESPACE
                            " AND flags & 1 AND id > ?2 ORDER BY id LIMIT ?3",
    [FILO_SQL_STALEST] = "SELECT " COLUMNS " FROM files WHERE " OF_NAMESPACE
                         " AND name IS NOT NULL AND (verified, id) > (?2, ?3)"
                         " ORDER BY verified, id LIMIT ?4",
    [FILO_SQL_OLDEST] = "SELECT " COLUMNS ", namespaces.ns FROM files INDEXED BY by_age JOIN"
                        " namespaces ON files.ns = namespaces.id WHERE problem IS NULL"
                        " AND (verified, size, files.id) > (?1, ?2, ?3) AND verified <= ?4"
                        " ORDER BY verified, size, files.id LIMIT ?5",
    [FILO_SQL_OLDER] =
        "SELECT count(*), coalesce(sum(size), 0) FROM files INDEXED BY by_age WHERE"
        " problem IS NULL AND (verified, size, id) > (?1, ?2, ?3) AND verified <= ?4",
    [FILO_SQL_OUTDATED] =
        "SELECT " COLUMNS " FROM files INDEXED BY by_generation WHERE " OF_NAMESPACE
        " AND NOT flags & 1 AND generation < ?2"
        " AND (generation, id) > (?3, ?4) ORDER BY generation, id LIMIT ?5",
    [FILO_SQL_GENERATIONS] =
        "SELECT (SELECT count(*) FROM files INDEXED BY by_generation WHERE " OF_NAMESPACE
        " AND NOT flags & 1 AND generation < ?2), (SELECT max(generation) FROM files INDEXED BY"
        " by_generation WHERE " OF_NAMESPACE " AND NOT flags & 1)",
    [FILO_SQL_PROBLEMS] =
        "SELECT " COLUMNS ", namespaces.ns FROM files INDEXED BY problems JOIN namespaces"
        " ON files.ns = namespaces.id WHERE problem IS NOT NULL AND files.id > ?1"
        " ORDER BY files.id LIMIT ?2",
    [FILO_SQL_VERSION] = "PRAGMA data_version",
    [FILO_SQL_KNOWN_HERE] =
        "SELECT version, nonce, flags FROM files WHERE ns = ?1 AND place = ?2 AND problem IS NULL",
    [FILO_SQL_KNOWN_ELSEWHERE] =
        "SELECT version, nonce, flags FROM elsewhere WHERE ns = ?1 AND key_hash = ?2",
    [FILO_SQL_NOTE_ELSEWHERE] =
        "INSERT INTO elsewhere VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)" FILO_IF_NEWER,
    [FILO_SQL_FORGET_ELSEWHERE] =
        "DELETE FROM elsewhere WHERE ns = ?1 AND key_hash = ?2 AND (version, nonce) <= (?3, ?4)",
    [FILO_SQL_NAMED] = "SELECT named FROM namespaces WHERE ns = ?1",
    [FILO_SQL_NOTE_NAMED] = "UPDATE namespaces SET named = ?2 WHERE id = ?1",
    [FILO_SQL_NAMELESS] =
        "SELECT " COLUMNS " FROM files INDEXED BY by_namespace WHERE " OF_NAMESPACE
        " AND id > ?2 AND problem IS NULL AND name IS NULL AND NOT flags & 1 ORDER BY id LIMIT ?3",
    [FILO_SQL_ALL_NAMED] = "SELECT ns FROM namespaces WHERE named IS NOT NULL",
    [FILO_SQL_FORGET_ALL_ELSEWHERE] = "DELETE FROM elsewhere WHERE ns = ?1",
    [FILO_SQL_FORGET_LISTS] = "DELETE FROM listed WHERE ns = ?1",
    [FILO_SQL_LISTED] = "SELECT life, after FROM listed WHERE peer = ?2 AND " OF_NAMESPACE,
    [FILO_SQL_NOTE_LISTED] = "INSERT OR REPLACE INTO listed VALUES (NULL, ?1, ?2, ?3, ?4)",
    /* Node IDs are to be had for nothing: of those who were not heard of for long, it is forgotten. */
    [FILO_SQL_FORGET_LISTED] = "DELETE FROM listed WHERE id <= last_insert_rowid() - 10000",
    [FILO_SQL_FIND_HOLDER] = "SELECT id FROM holders WHERE node = ?1",
    [FILO_SQL_COUNT_HOLDERS] = "SELECT count(*) FROM holders",
    [FILO_SQL_STALE_HOLDER] = "SELECT id FROM holders WHERE heard <= ?1 ORDER BY heard LIMIT 1",
    [FILO_SQL_NOTE_HOLDER] = "INSERT OR REPLACE INTO holders VALUES (?1, ?2, ?3)",
    [FILO_SQL_HEAR_HOLDER] = "UPDATE holders SET heard = ?2 WHERE id = ?1 AND heard + 3600 <= ?2",
    [FILO_SQL_CLEAR_HOLDER] = "UPDATE marks SET holders = filo_without(holders, ?1)"
                              " WHERE filo_have(holders, ?1)",
    [FILO_SQL_MARK] = "SELECT holders FROM marks WHERE mark = ?1",
    [FILO_SQL_NOTE_MARK] = "INSERT OR IGNORE INTO marks VALUES (?1, NULL, ?2)",
    [FILO_SQL_MOVE_MARK] = "UPDATE marks SET file = ?2 WHERE mark = ?1",
    [FILO_SQL_FORGET_MARK] = "DELETE FROM marks WHERE mark = ?1 RETURNING holders",
    [FILO_SQL_BELIEVE] = "UPDATE marks SET holders = ?2 WHERE mark = ?1",
    [FILO_SQL_MARKS] = "SELECT mark, holders FROM marks WHERE mark >= ?1 AND mark < ?2"
                       " AND holders IS NOT NULL",
    [FILO_SQL_MARKED] = "SELECT " COLUMNS ", namespaces.ns FROM marks JOIN files ON files.id = file"
                        " JOIN namespaces ON files.ns = namespaces.id WHERE mark = ?1",
    [FILO_SQL_USAGE_OF_NAMESPACES] = USAGE("namespaces", "ns"),
    [FILO_SQL_USAGE_OF_BRINGERS] = USAGE("bringers", "node"),
};

/* --- Failures --- */

static int code_of(int rc) {
  if (rc == SQLITE_IOERR_DATA) return FILO_CORRUPT;
  switch (rc & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_FORMAT:
  case SQLITE_ERROR: /* tables that are not what they should be */
    return FILO_CORRUPT;
  case SQLITE_FULL:
    return FILO_NO_SPACE;
  case SQLITE_NOMEM:
    return FILO_NO_MEMORY;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return FILO_LOCKED;
  case SQLITE_PERM:
  case SQLITE_READONLY:
  case SQLITE_AUTH:
    return FILO_DENIED;
  default:
    return FILO_IO;
  }
}

int filo_database_failed(const struct filo_database *database, struct filo_error *err,
                         const char *what) {
  if (!database->db) return filo_fail(err, FILO_NO_MEMORY, "%s: no memory", what);
  return filo_fail(err, code_of(sqlite3_extended_errcode(database->db)), "%s: %s", what,
                   sqlite3_errmsg(database->db));
}

static const char failed_to_open[] = "cannot open the catalogue";

/* --- Statements --- */

sqlite3_stmt *filo_statement(struct filo_database *database, enum filo_statement which) {
  sqlite3_stmt **statement = &database->statements[which];
  if (*statement) {
    sqlite3_reset(*statement);
    return *statement;
  }
  sqlite3_prepare_v3(database->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
  return *statement;
}

int filo_database_run(struct filo_database *database, enum filo_statement which,
                      struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, which);
  int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
  if (rc != SQLITE_DONE) return filo_database_failed(database, err, "cannot write the catalogue");
  sqlite3_reset(statement);
  return 0;
}

static int run_text(struct filo_database *database, const char *text, struct filo_error *err) {
  if (sqlite3_exec(database->db, text, NULL, NULL, NULL) == SQLITE_OK) return 0;
  return filo_database_failed(database, err, "cannot prepare the catalogue");
}

static int set(struct filo_database *database, const char *pragma, int value,
               struct filo_error *err) {
  char text[96];
  snprintf(text, sizeof text, "PRAGMA %s = %d", pragma, value);
  return run_text(database, text, err);
}

/* --- What it says of itself --- */

static bool get_text(struct filo_database *database, const char *name, char *ret, size_t size) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(database->db, "SELECT value FROM about WHERE name = ?1", -1, &statement,
                         NULL) != SQLITE_OK)
    return false;
  sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
  const char *found = sqlite3_step(statement) == SQLITE_ROW
                          ? (const char *)sqlite3_column_text(statement, 0)
                          : NULL;
  bool fits = found && strlen(found) < size;
  if (fits) strcpy(ret, found);
  sqlite3_finalize(statement);
  return fits;
}

static bool is_text(struct filo_database *database, const char *name, const char *wanted) {
  char text[2 * FILO_ID_SIZE + 1];
  return get_text(database, name, text, sizeof text) && strcmp(text, wanted) == 0;
}

static int set_text(struct filo_database *database, const char *name, const char *value,
                    struct filo_error *err) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(database->db, "INSERT OR REPLACE INTO about VALUES (?1, ?2)", -1,
                         &statement, NULL) != SQLITE_OK)
    return filo_database_failed(database, err, "cannot write the catalogue");
  sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
  int rc = sqlite3_step(statement) == SQLITE_DONE
               ? 0
               : filo_database_failed(database, err, "cannot write the catalogue");
  sqlite3_finalize(statement);
  return rc;
}

/* A number of its own, for as long as it lives. */
static int begin_life(struct filo_database *database, struct filo_error *err) {
  char text[2 * FILO_LIFE_SIZE + 1];
  int rc = filo_random(database->life, sizeof database->life, err);
  if (rc < 0) return rc;
  filo_hex(text, database->life, sizeof database->life);
  return set_text(database, "life", text, err);
}

static bool read_life(struct filo_database *database) {
  char text[2 * FILO_LIFE_SIZE + 1];
  return get_text(database, "life", text, sizeof text) && strlen(text) == sizeof text - 1 &&
         filo_unhex(database->life, text, sizeof database->life) == 0;
}

static bool has_layout(struct filo_database *database, const char *pragma) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(database->db, pragma, -1, &statement, NULL) != SQLITE_OK) return false;
  bool same = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == LAYOUT;
  sqlite3_finalize(statement);
  return same;
}

/* --- Opening and closing --- */

static int open_file(struct filo_database *database, const char *path, int flags,
                     const struct filo_pages *pages, struct filo_error *err) {
  memset(database, 0, sizeof *database);
  int rc =
      sqlite3_open_v2(path, &database->db, flags | SQLITE_OPEN_NOMUTEX, filo_pages_name(pages));
  if (rc != SQLITE_OK) {
    int code = filo_database_failed(database, err, failed_to_open);
    filo_database_close(database);
    return code;
  }
  sqlite3_extended_result_codes(database->db, 1);
  sqlite3_busy_timeout(database->db, BUSY_MS);
  int code = filo_marks_register(database, err);
  if (code < 0) filo_database_close(database);
  return code;
}

static int check(struct filo_catalogue *catalogue, const char *note, struct filo_error *err) {
  struct filo_database *database = &catalogue->database;
  if (has_layout(database, "PRAGMA user_version") && (!note || is_text(database, "note", note)) &&
      read_life(database))
    return 0;
  return filo_fail(err, FILO_CORRUPT, "the catalogue is not the one that was left");
}

/* Writing to it goes to a log first, which others read with it. */
static int prepare_to_write(struct filo_database *database, struct filo_error *err) {
  int rc = set(database, "cache_size", -CACHE_KIB, err);
  if (rc == 0) rc = run_text(database, "PRAGMA journal_mode = WAL", err);
  if (rc == 0) rc = run_text(database, "PRAGMA synchronous = NORMAL", err);
  if (rc == 0) rc = set(database, "wal_autocheckpoint", 1000, err);
  if (rc == 0) rc = set(database, "journal_size_limit", 4 << 20, err);
  return rc;
}

int filo_database_open(struct filo_catalogue *catalogue, const char *note, struct filo_error *err) {
  struct filo_database *database = &catalogue->database;
  int flags = catalogue->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  int rc = open_file(database, catalogue->path, flags, catalogue->pages, err);
  if (rc < 0) return rc;
  rc = check(catalogue, note, err);
  if (rc == 0 && catalogue->readonly) rc = set(database, "cache_size", -CACHE_KIB, err);
  if (rc == 0 && !catalogue->readonly) rc = prepare_to_write(database, err);
  if (rc < 0) filo_database_close(database);
  return rc;
}

/* For its owner only. */
static int make_file(const char *path, struct filo_error *err) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot make %s", path);
  }
  close(fd);
  return 0;
}

int filo_database_create(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct filo_database *database = &catalogue->database;
  bool private = catalogue->readonly;
  int reserved = FILO_PAGE_CHECK;
  int rc = private ? 0 : make_file(catalogue->path, err);
  if (rc == 0)
    rc = open_file(database, private ? "" : catalogue->path,
                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                   private ? catalogue->private_pages : catalogue->pages, err);
  if (rc < 0) return rc;
  sqlite3_file_control(database->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  rc = set(database, "page_size", FILO_PAGE_SIZE, err);
  if (rc == 0) rc = set(database, "cache_size", -BUILDING_CACHE_KIB, err);
  /* One that is not finished is worth nothing. */
  if (rc == 0) rc = run_text(database, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err);
  if (rc == 0) rc = run_text(database, tables, err);
  if (rc == 0) rc = set(database, "user_version", LAYOUT, err);
  return rc;
}

int filo_database_index(struct filo_catalogue *catalogue, struct filo_error *err) {
  return run_text(&catalogue->database, indexes, err);
}

int filo_database_finish(struct filo_catalogue *catalogue, struct filo_error *err) {
  struct filo_database *database = &catalogue->database;
  int rc = begin_life(database, err);
  if (rc < 0) return rc;
  rc = catalogue->readonly ? set(database, "cache_size", -CACHE_KIB, err)
                           : prepare_to_write(database, err);
  sqlite3_db_release_memory(database->db);
  return rc;
}

int filo_database_close_in_order(struct filo_catalogue *catalogue, const char *note,
                                 struct filo_error *err) {
  struct filo_database *database = &catalogue->database;
  int rc = run_text(database, "PRAGMA synchronous = FULL", err);
  if (rc == 0) rc = set_text(database, "note", note, err);
  /* Without the log it can be read where nothing can be written; unless somebody reads it now. */
  if (rc == 0) run_text(database, "PRAGMA journal_mode = DELETE", NULL);
  filo_database_close(database);
  return rc;
}

void filo_database_close(struct filo_database *database) {
  for (unsigned i = 0; i < FILO_SQL_STATEMENTS; i++) sqlite3_finalize(database->statements[i]);
  sqlite3_close(database->db);
  filo_sums_free(database->sums);
  memset(database, 0, sizeof *database);
}

/* --- Its files --- */

static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
enum { ENDS = sizeof ends / sizeof *ends };

static void remove_files(const char *path, const char *name) {
  for (size_t i = 0; i < ENDS; i++) {
    FILO_AUTO_FREE char *file = NULL;
    if (asprintf(&file, "%s%s%s", path, name, ends[i]) >= 0) unlink(file);
  }
}

void filo_database_remove(const struct filo_catalogue *catalogue) {
  remove_files(catalogue->path, "");
}

static const char put_by[] = ".old";

static bool is_file(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

void filo_database_put_by(const struct filo_catalogue *catalogue) {
  FILO_AUTO_FREE char *kept = filo_database_put_by_path(catalogue);
  for (size_t i = 0; !kept && i < ENDS; i++) {
    FILO_AUTO_FREE char *from = NULL, *to = NULL;
    if (asprintf(&from, "%s%s", catalogue->path, ends[i]) < 0) from = NULL;
    if (asprintf(&to, "%s%s%s", catalogue->path, put_by, ends[i]) < 0) to = NULL;
    if (from && to && is_file(from)) rename(from, to);
  }
  filo_database_remove(catalogue);
}

char *filo_database_put_by_path(const struct filo_catalogue *catalogue) {
  char *path;
  if (asprintf(&path, "%s%s", catalogue->path, put_by) < 0) return NULL;
  if (is_file(path)) return path;
  free(path);
  return NULL;
}

void filo_database_remove_put_by(const struct filo_catalogue *catalogue) {
  remove_files(catalogue->path, put_by);
}

bool filo_database_is_alike(struct filo_catalogue *catalogue) {
  static const char text[] = "SELECT 1 FROM old.about WHERE name = 'life'";
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(catalogue->database.db, text, -1, &statement, NULL) != SQLITE_OK)
    return false;
  bool alike = sqlite3_step(statement) == SQLITE_ROW;
  sqlite3_finalize(statement);
  return alike && has_layout(&catalogue->database, "PRAGMA old.user_version");
}

int filo_database_check_room(const struct filo_catalogue *catalogue, uint64_t bytes,
                             struct filo_error *err) {
  struct statvfs fs;
  FILO_AUTO_FREE char *folder = strdup(catalogue->path);
  if (!folder) return filo_fail(err, FILO_NO_MEMORY, "no memory for the catalogue");
  *strrchr(folder, '/') = 0;
  if (statvfs(folder, &fs) < 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes) return 0;
  return filo_fail(err, FILO_NO_SPACE, "the disk has no room for a catalogue");
}
