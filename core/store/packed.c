/* Deletions, packed: as a file a tombstone takes a block of the disk, as a row of a database some 500
 * bytes. It is the same bytes, under the same path, and stays for good.
 *
 * A row counts while no file lies at its path: it is durable before the file goes, and what is
 * published there later leaves it where it is. So there is the file, or the row, or both, at any time,
 * also when the process is killed in between. It goes with the file that took its place. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "store/internal.h"

enum { LAYOUT = 1, BUSY_MS = 2000, CACHE_KIB = 256, SEAL = 8 };

static const char file_name[] = "deletions";

static const char tables[] =
    "BEGIN; CREATE TABLE namespaces (id INTEGER PRIMARY KEY, ns BLOB UNIQUE NOT NULL);"
    "CREATE TABLE deletions (ns INTEGER NOT NULL, path TEXT NOT NULL, file BLOB NOT NULL,"
    " seal BLOB NOT NULL, verified INTEGER NOT NULL, bringer BLOB, PRIMARY KEY (ns, path))"
    " WITHOUT ROWID;"
    "PRAGMA user_version = 1; COMMIT";

enum statement { FIND, NAME_NAMESPACE, ADD, FORGET, MOVE, NEXT, NEXT_OF, STATEMENTS };

#define OF "ns = (SELECT id FROM namespaces WHERE ns = ?1)"
#define WITH_NAMESPACE                                                                             \
  "SELECT deletions.ns, path, namespaces.ns FROM deletions JOIN namespaces ON deletions.ns ="      \
  " namespaces.id WHERE "

static const char *const texts[STATEMENTS] = {
    [FIND] = "SELECT file, seal, verified, bringer FROM deletions WHERE " OF " AND path = ?2",
    [NAME_NAMESPACE] = "INSERT OR IGNORE INTO namespaces VALUES (NULL, ?1)",
    [ADD] = "INSERT OR REPLACE INTO deletions VALUES ((SELECT id FROM namespaces WHERE ns = ?1),"
            " ?2, ?3, ?4, ?5, ?6)",
    [FORGET] = "DELETE FROM deletions WHERE " OF " AND path = ?2",
    [MOVE] = "UPDATE OR REPLACE deletions SET path = ?3, seal = ?4 WHERE " OF " AND path = ?2",
    [NEXT] = WITH_NAMESPACE "(deletions.ns, path) > (?1, ?2) ORDER BY deletions.ns, path LIMIT 1",
    [NEXT_OF] = WITH_NAMESPACE "deletions.ns = (SELECT id FROM namespaces WHERE ns = ?1)"
                               " AND path > ?2 ORDER BY path LIMIT 1",
};

struct filo_packed {
  pthread_mutex_t lock; /* of all but `any`; taken last */
  sqlite3 *db;          /* NULL: nothing was packed yet, or it is lost */
  sqlite3_stmt *statements[STATEMENTS];
  atomic_bool any;
  bool moving; /* in a transaction, which the new layout ends */
  bool lost;   /* it was damaged: whoever remembers what was there is wrong */
};

/* --- The database --- */

static void close_database(struct filo_packed *packed) {
  for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(packed->statements[i]);
  memset(packed->statements, 0, sizeof packed->statements);
  sqlite3_close(packed->db);
  packed->db = NULL;
  packed->moving = false;
  atomic_store(&packed->any, false);
}

/* What can be read of it is not worth the rest: other nodes have these deletions, too. */
static void put_by(struct filo_store *store) {
  static const char bad_name[] = "deletions.bad";
  close_database(store->packed);
  store->packed->lost = true;
  renameat(store->root_fd, file_name, store->root_fd, bad_name);
  unlinkat(store->root_fd, "deletions-journal", 0);
}

/* What is asked for is not there, once it is put by. */
static int damaged(struct filo_store *store, const char *what, const char *why,
                   struct filo_error *err) {
  if (store->readonly)
    return filo_fail(err, FILO_IO, "cannot %s %s/%s: %s", what, store->root, file_name, why);
  put_by(store);
  return FILO_NOT_FOUND;
}

static int failed(struct filo_store *store, const char *what, struct filo_error *err) {
  sqlite3 *db = store->packed->db;
  int rc = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
  const char *why = db ? sqlite3_errmsg(db) : "no memory";
  if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_ERROR)
    return damaged(store, what, why, err);
  int code = rc == SQLITE_FULL    ? FILO_NO_SPACE
             : rc == SQLITE_NOMEM ? FILO_NO_MEMORY
             : rc == SQLITE_BUSY  ? FILO_BUSY
                                  : FILO_IO;
  return filo_fail(err, code, "cannot %s %s/%s: %s", what, store->root, file_name, why);
}

static int run(struct filo_store *store, const char *text, struct filo_error *err) {
  if (sqlite3_exec(store->packed->db, text, NULL, NULL, NULL) == SQLITE_OK) return 0;
  return failed(store, "write", err);
}

static int read_number(sqlite3 *db, const char *text, int *ret) {
  sqlite3_stmt *statement;
  int rc = sqlite3_prepare_v2(db, text, -1, &statement, NULL);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_step(statement);
  *ret = rc == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
  sqlite3_finalize(statement);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_layout(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  int layout = 0, any = 0;
  int rc = read_number(packed->db, "PRAGMA user_version", &layout);
  if (rc == SQLITE_OK && layout == 0) return run(store, tables, err);
  if (rc == SQLITE_OK && layout != LAYOUT)
    return filo_fail(err, FILO_UNSUPPORTED, "%s/%s was written by a newer Filo", store->root,
                     file_name);
  if (rc == SQLITE_OK) rc = read_number(packed->db, "SELECT 1 FROM deletions LIMIT 1", &any);
  if (rc != SQLITE_OK) return failed(store, "read", err);
  atomic_store(&packed->any, any != 0);
  return 0;
}

static int open_database(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  FILO_AUTO_FREE char *path = NULL;
  char text[96];
  if (asprintf(&path, "%s/%s", store->root, file_name) < 0) path = NULL;
  if (!path) return filo_fail(err, FILO_NO_MEMORY, "no memory for deletions");
  int flags = store->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  int rc = sqlite3_open_v2(path, &packed->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc != SQLITE_OK) {
    rc = failed(store, "open", err);
    close_database(packed);
    return rc;
  }
  sqlite3_busy_timeout(packed->db, BUSY_MS);
  snprintf(text, sizeof text, "PRAGMA cache_size = -%d; PRAGMA synchronous = %s", CACHE_KIB,
           store->durability == FILO_DURABLE_NONE ? "OFF" : "FULL");
  rc = run(store, text, err);
  if (rc == 0) rc = check_layout(store, err);
  if (rc == FILO_NOT_FOUND) return 0; /* it is put by */
  if (rc < 0) close_database(packed);
  return rc;
}

/* Makes it where it is not there yet. */
static int need_database(struct filo_store *store, struct filo_error *err) {
  if (store->packed->db) return 0;
  FILO_AUTO_CLOSE int fd =
      openat(store->root_fd, file_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot make %s/%s", store->root, file_name);
  }
  int rc = open_database(store, err);
  if (rc == 0 && !store->packed->db) rc = open_database(store, err); /* it was put by */
  return rc;
}

int filo_packed_open(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed = calloc(1, sizeof *packed);
  if (!packed) return filo_fail(err, FILO_NO_MEMORY, "no memory for a store");
  pthread_mutex_init(&packed->lock, NULL);
  if (faccessat(store->root_fd, file_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) return 0;
  int rc = open_database(store, err);
  return store->readonly
             ? 0
             : rc; /* its owner may have been killed while it wrote, and has to mend it */
}

void filo_packed_close(struct filo_store *store) {
  if (!store->packed) return;
  close_database(store->packed);
  pthread_mutex_destroy(&store->packed->lock);
  free(store->packed);
}

bool filo_packed_is_lost(const struct filo_store *store) {
  return store->packed && store->packed->lost;
}

bool filo_packed_any(const struct filo_store *store) {
  return atomic_load_explicit(&store->packed->any, memory_order_relaxed);
}

/* --- Rows --- */

static sqlite3_stmt *statement(struct filo_packed *packed, enum statement which) {
  sqlite3_stmt **ret = &packed->statements[which];
  if (*ret)
    sqlite3_reset(*ret);
  else
    sqlite3_prepare_v3(packed->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
  if (*ret) sqlite3_clear_bindings(*ret);
  return *ret;
}

static sqlite3_stmt *statement_at(struct filo_packed *packed, enum statement which,
                                  const unsigned char *ns, const char *path) {
  sqlite3_stmt *ret = statement(packed, which);
  if (!ret) return NULL;
  sqlite3_bind_blob(ret, 1, ns, FILO_ID_SIZE, SQLITE_STATIC);
  if (path) sqlite3_bind_text(ret, 2, path, -1, SQLITE_STATIC);
  return ret;
}

/* What was in the file, in one that is nowhere. */
static int put_into_memory(const void *bytes, size_t len, int *ret, struct filo_error *err) {
  int fd = memfd_create("filo deletion", MFD_CLOEXEC);
  if (fd >= 0 && write(fd, bytes, len) == (ssize_t)len) {
    *ret = fd;
    return 0;
  }
  int error = errno;
  filo_close_fd(&fd);
  return filo_fail_errno(err, error, "cannot read a deletion");
}

/* Of a page in which a bit flipped, a row may be read as another's. */
static int make_seal(const unsigned char *ns, const char *path, const void *file, size_t len,
                     unsigned char ret[FILO_HASH_SIZE], struct filo_error *err) {
  unsigned char whose[FILO_ID_SIZE + FILO_PATH_MAX];
  size_t path_len = strnlen(path, FILO_PATH_MAX);
  memcpy(whose, ns, FILO_ID_SIZE);
  memcpy(whose + FILO_ID_SIZE, path, path_len);
  return filo_hmac_sha256(whose, FILO_ID_SIZE + path_len, file, len, ret, err);
}

static bool is_sealed(const unsigned char *ns, const char *path, sqlite3_stmt *found) {
  unsigned char seal[FILO_HASH_SIZE];
  const void *file = sqlite3_column_blob(found, 0), *there = sqlite3_column_blob(found, 1);
  return file && there && sqlite3_column_bytes(found, 1) == SEAL &&
         make_seal(ns, path, file, (size_t)sqlite3_column_bytes(found, 0), seal, NULL) == 0 &&
         memcmp(seal, there, SEAL) == 0;
}

static int find(struct filo_store *store, const unsigned char *ns, const char *path,
                struct filo_packed_about *about, int *ret, struct filo_error *err) {
  sqlite3_stmt *found = statement_at(store->packed, FIND, ns, path);
  int rc = found ? sqlite3_step(found) : SQLITE_ERROR;
  if (rc == SQLITE_DONE) return FILO_NOT_FOUND;
  if (rc != SQLITE_ROW) return failed(store, "read", err);
  if (!is_sealed(ns, path, found)) return damaged(store, "read", "it is damaged", err);
  const void *bringer = sqlite3_column_blob(found, 3);
  *about = (struct filo_packed_about){.verified = sqlite3_column_int64(found, 2)};
  about->has_bringer = bringer && sqlite3_column_bytes(found, 3) == FILO_ID_SIZE;
  if (about->has_bringer) memcpy(about->bringer, bringer, FILO_ID_SIZE);
  if (!ret) return 0;
  const void *file = sqlite3_column_blob(found, 0);
  return put_into_memory(file, (size_t)sqlite3_column_bytes(found, 0), ret, err);
}

int filo_packed_open_file(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                          const char *path, struct filo_packed_about *about, int *ret,
                          struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  struct filo_packed_about unused;
  if (!filo_packed_any(store)) return FILO_NOT_FOUND;
  pthread_mutex_lock(&packed->lock);
  int rc = packed->db ? find(store, ns, path, about ? about : &unused, ret, err) : FILO_NOT_FOUND;
  if (packed->db && packed->statements[FIND]) sqlite3_reset(packed->statements[FIND]);
  pthread_mutex_unlock(&packed->lock);
  return rc;
}

bool filo_packed_has(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                     const char *path) {
  return filo_packed_open_file(store, ns, path, NULL, NULL, NULL) != FILO_NOT_FOUND;
}

static int change(struct filo_store *store, sqlite3_stmt *how, struct filo_error *err) {
  int rc = how ? sqlite3_step(how) : SQLITE_ERROR;
  if (rc != SQLITE_DONE) return failed(store, "write", err);
  sqlite3_reset(how);
  return sqlite3_changes(store->packed->db) > 0 ? 0 : FILO_NOT_FOUND;
}

int filo_packed_forget(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                       const char *path, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  if (!filo_packed_has(store, ns, path)) return FILO_NOT_FOUND; /* as most often, for less */
  pthread_mutex_lock(&packed->lock);
  int rc = packed->db ? change(store, statement_at(packed, FORGET, ns, path), err) : FILO_NOT_FOUND;
  pthread_mutex_unlock(&packed->lock);
  return rc;
}

/* The seal of one under another path. */
static int reseal(struct filo_store *store, const unsigned char *ns, const char *from,
                  const char *to, unsigned char ret[FILO_HASH_SIZE], struct filo_error *err) {
  sqlite3_stmt *found = statement_at(store->packed, FIND, ns, from);
  int rc = found ? sqlite3_step(found) : SQLITE_ERROR;
  if (rc == SQLITE_DONE) return FILO_NOT_FOUND;
  if (rc != SQLITE_ROW) return failed(store, "read", err);
  if (!is_sealed(ns, from, found)) return damaged(store, "read", "it is damaged", err);
  rc = make_seal(ns, to, sqlite3_column_blob(found, 0), (size_t)sqlite3_column_bytes(found, 0), ret,
                 err);
  sqlite3_reset(found);
  return rc;
}

static int move(struct filo_store *store, const unsigned char *ns, const char *from, const char *to,
                struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  unsigned char seal[FILO_HASH_SIZE];
  int rc = packed->db ? reseal(store, ns, from, to, seal, err) : FILO_NOT_FOUND;
  if (rc == 0 && !packed->moving) rc = run(store, "BEGIN", err);
  if (rc < 0) return rc;
  packed->moving = true;
  sqlite3_stmt *how = statement_at(packed, MOVE, ns, from);
  if (how) {
    sqlite3_bind_text(how, 3, to, -1, SQLITE_STATIC);
    sqlite3_bind_blob(how, 4, seal, SEAL, SQLITE_STATIC);
  }
  return change(store, how, err);
}

int filo_packed_move(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                     const char *from, const char *to, struct filo_error *err) {
  pthread_mutex_lock(&store->packed->lock);
  int rc = move(store, ns, from, to, err);
  pthread_mutex_unlock(&store->packed->lock);
  return rc;
}

int filo_packed_end_moving(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  pthread_mutex_lock(&packed->lock);
  int rc = packed->moving ? run(store, "COMMIT", err) : 0;
  if (rc == 0) packed->moving = false;
  pthread_mutex_unlock(&packed->lock);
  return rc;
}

/* --- All of them --- */

static bool next_row(struct filo_store *store, const unsigned char *only,
                     struct filo_packed_place *place) {
  struct filo_packed *packed = store->packed;
  sqlite3_stmt *next =
      only ? statement_at(packed, NEXT_OF, only, place->path) : statement(packed, NEXT);
  if (next && !only) {
    sqlite3_bind_int64(next, 1, place->number);
    sqlite3_bind_text(next, 2, place->path, -1, SQLITE_TRANSIENT);
  }
  int rc = next ? sqlite3_step(next) : SQLITE_ERROR;
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) failed(store, "read", NULL);
  if (rc != SQLITE_ROW) return false;
  place->number = sqlite3_column_int64(next, 0);
  snprintf(place->path, sizeof place->path, "%s", (const char *)sqlite3_column_text(next, 1));
  memcpy(place->ns, sqlite3_column_blob(next, 2), sizeof place->ns);
  sqlite3_reset(next);
  return true;
}

bool filo_packed_next(struct filo_store *store, const unsigned char *only,
                      struct filo_packed_place *place) {
  struct filo_packed *packed = store->packed;
  pthread_mutex_lock(&packed->lock);
  bool found = packed->db && next_row(store, only, place);
  pthread_mutex_unlock(&packed->lock);
  return found;
}

/* --- Packing --- */

enum { FILE_MAX = FILO_RECORD_MAX + 4096 };

/* The whole file of a tombstone; 0 of whatever else lies there. */
static size_t read_tombstone(struct filo_store *store, const unsigned char *ns, const char *path,
                             unsigned char *bytes, struct filo_packed_about *about,
                             struct stat *st) {
  FILO_AUTO_CLOSE int fd = -1;
  struct filo_trailer trailer;
  if (filo_location_open_own_file(store, ns, path, &fd, NULL) < 0 || fstat(fd, st) < 0) return 0;
  if (st->st_size > FILE_MAX || filo_trailer_read(fd, path, false, &trailer, NULL) < 0) return 0;
  filo_trailer_free(&trailer);
  if (!(trailer.fields.flags & FILO_TOMBSTONE) ||
      memcmp(trailer.fields.ns, ns, FILO_ID_SIZE) != 0 ||
      filo_read_full(fd, path, 0, bytes, (size_t)st->st_size, NULL) < 0)
    return 0;
  about->verified = filo_verified_at(fd);
  about->has_bringer = filo_brought_by(fd, about->bringer);
  return (size_t)st->st_size;
}

static int add(struct filo_store *store, const unsigned char *ns, const char *path,
               const unsigned char *bytes, size_t len, const struct filo_packed_about *about,
               struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  int rc = change(store, statement_at(packed, NAME_NAMESPACE, ns, NULL), err);
  if (rc < 0 && rc != FILO_NOT_FOUND) return rc;
  unsigned char seal[FILO_HASH_SIZE];
  rc = make_seal(ns, path, bytes, len, seal, err);
  if (rc < 0) return rc;
  sqlite3_stmt *how = packed->db ? statement_at(packed, ADD, ns, path) : NULL;
  if (how) {
    sqlite3_bind_blob(how, 3, bytes, (int)len, SQLITE_STATIC);
    sqlite3_bind_blob(how, 4, seal, SEAL, SQLITE_STATIC);
    sqlite3_bind_int64(how, 5, about->verified);
    if (about->has_bringer) sqlite3_bind_blob(how, 6, about->bringer, FILO_ID_SIZE, SQLITE_STATIC);
  }
  return change(store, how, err);
}

/* With one transaction. seen[i]: which file it was; no size: none was added. */
static int add_all(struct filo_store *store, const unsigned char *ns, const char *const *paths,
                   size_t count, struct stat *seen, struct filo_error *err) {
  FILO_AUTO_FREE unsigned char *bytes = malloc(FILE_MAX);
  if (!bytes) return filo_fail(err, FILO_NO_MEMORY, "no memory to pack deletions");
  int rc = run(store, "BEGIN", err);
  for (size_t i = 0; rc == 0 && i < count; i++) {
    struct filo_packed_about about;
    size_t len = read_tombstone(store, ns, paths[i], bytes, &about, &seen[i]);
    if (len == 0) seen[i].st_size = 0;
    if (len > 0) rc = add(store, ns, paths[i], bytes, len, &about, err);
  }
  if (rc == 0) rc = run(store, "COMMIT", err);
  if (rc < 0 && store->packed->db) sqlite3_exec(store->packed->db, "ROLLBACK", NULL, NULL, NULL);
  return rc;
}

/* The number alone may have been given to another file since. */
static bool is_same(const struct filo_location *location, const struct stat *seen) {
  struct stat st;
  return fstatat(location->fd, location->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         st.st_ino == seen->st_ino && st.st_dev == seen->st_dev && st.st_size == seen->st_size &&
         st.st_mtim.tv_sec == seen->st_mtim.tv_sec && st.st_mtim.tv_nsec == seen->st_mtim.tv_nsec &&
         st.st_ctim.tv_sec == seen->st_ctim.tv_sec && st.st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

/* Its row is durable: unless another file took its place meanwhile, it goes. */
static bool remove_file(struct filo_store *store, const unsigned char *ns, const char *path,
                        const struct stat *seen) {
  struct filo_location location;
  pthread_mutex_lock(&store->names);
  bool found = filo_location_open(store, ns, path, false, &location, NULL) == 0;
  bool same = found && is_same(&location, seen);
  if (same) same = unlinkat(location.fd, location.name, 0) == 0;
  if (same) filo_location_prune(&location, ns, path);
  pthread_mutex_unlock(&store->names);
  if (found) filo_location_close(&location);
  return same;
}

static int pack(struct filo_store *store, const unsigned char *ns, const char *const *paths,
                size_t count, struct stat *seen, struct filo_error *err) {
  pthread_mutex_lock(&store->packed->lock);
  int rc = need_database(store, err);
  if (rc == 0) rc = add_all(store, ns, paths, count, seen, err);
  if (rc == 0) atomic_store(&store->packed->any, true);
  pthread_mutex_unlock(&store->packed->lock);
  return rc == FILO_NOT_FOUND
             ? filo_fail(err, FILO_IO, "%s/%s was damaged, and is put by", store->root, file_name)
             : rc;
}

int filo_store_pack(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                    const char *const *paths, size_t count, size_t *packed,
                    struct filo_error *err) {
  *packed = 0;
  FILO_AUTO_FREE struct stat *seen = calloc(count + 1, sizeof *seen);
  if (!seen) return filo_fail(err, FILO_NO_MEMORY, "no memory to pack deletions");
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_store_room(store, FILE_MAX, err);
  if (rc == 0) rc = pack(store, ns, paths, count, seen, err);
  for (size_t i = 0; rc == 0 && i < count; i++)
    *packed += seen[i].st_size > 0 && remove_file(store, ns, paths[i], &seen[i]);
  return rc;
}
