/* Deletions, packed: as a file a tombstone takes a block of the disk, as a row of a database some 500
 * bytes. It is the same bytes, under the same path, and stays for good.
 *
 * A row counts while no file lies at its path, so that there may be both at any time: what is packed
 * is durable before its file goes (packing.c), and what is published there later leaves the row where it
 * is. It goes with the file that took its place. */
#include "store/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/digest.h"

enum { BUSY_MS = 2000, CACHE_KIB = 256, SEAL = 8 };

static const char file_name[] = "deletions", bad_name[] = "deletions.bad";

static const char tables[] =
    "BEGIN; CREATE TABLE namespaces (id INTEGER PRIMARY KEY, ns BLOB UNIQUE NOT NULL);"
    "CREATE TABLE deletions (ns INTEGER NOT NULL, path TEXT NOT NULL, file BLOB NOT NULL,"
    " seal BLOB NOT NULL, verified INTEGER NOT NULL, bringer BLOB, PRIMARY KEY (ns, path))"
    " WITHOUT ROWID; COMMIT";

enum statement { ANY, FIND, NAME_NAMESPACE, ADD, FORGET, MOVE, NEXT, NEXT_OF, STATEMENTS };

#define OF "ns = (SELECT id FROM namespaces WHERE ns = ?1)"
#define WITH_NAMESPACE                                                                             \
  "SELECT deletions.ns, path, namespaces.ns FROM deletions JOIN namespaces ON deletions.ns ="      \
  " namespaces.id WHERE "

static const char *const texts[STATEMENTS] = {
    [ANY] = "SELECT 1 FROM deletions LIMIT 1",
    [FIND] = "SELECT file, seal, verified, bringer FROM deletions WHERE " OF " AND path = ?2",
    [NAME_NAMESPACE] = "INSERT OR IGNORE INTO namespaces VALUES (NULL, ?1)",
    [ADD] = "INSERT OR REPLACE INTO deletions VALUES ((SELECT id FROM namespaces WHERE ns = ?1),"
            " ?2, ?3, ?4, ?5, ?6)",
    [FORGET] = "DELETE FROM deletions WHERE " OF " AND path = ?2",
    [MOVE] = "UPDATE deletions SET path = ?3, seal = ?4 WHERE " OF " AND path = ?2",
    [NEXT] = WITH_NAMESPACE "(deletions.ns, path) > (?1, ?2) ORDER BY deletions.ns, path LIMIT 1",
    [NEXT_OF] = WITH_NAMESPACE "deletions.ns = (SELECT id FROM namespaces WHERE ns = ?1)"
                               " AND path > ?2 ORDER BY path LIMIT 1",
};

struct filo_packed {
  pthread_mutex_t lock; /* of the database; taken last */
  sqlite3 *db;          /* NULL: there is none */
  sqlite3_stmt *statements[STATEMENTS];
  atomic_bool any, lost;
  bool told; /* of the loss */
};

/* --- Failures --- */

static void close_database(struct filo_packed *packed) {
  for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(packed->statements[i]);
  memset(packed->statements, 0, sizeof packed->statements);
  sqlite3_close(packed->db);
  packed->db = NULL;
  atomic_store(&packed->any, false);
}

/* What can be read of it is not worth the rest: other nodes have these deletions, too. FILO_CORRUPT;
 * from then on none is there. Who only reads leaves it to the owner. */
static int damaged(struct filo_store *store, struct filo_error *err) {
  static const char *const beside[] = {"deletions-journal", "deletions-wal", "deletions-shm"};
  struct filo_packed *packed = store->packed;
  close_database(packed);
  if (store->readonly)
    return filo_fail(err, FILO_IO,
                     "%s/%s is damaged: its owner has to be started, which puts it by", store->root,
                     file_name);
  atomic_store(&packed->lost, true);
  int error = renameat(store->root_fd, file_name, store->root_fd, bad_name) < 0 ? errno : 0;
  for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
    unlinkat(store->root_fd, beside[i], 0);
  return error ? filo_fail_errno(err, error, "cannot put by %s/%s, which is damaged", store->root,
                                 file_name)
               : filo_fail(err, FILO_CORRUPT, "%s/%s was damaged, and is put by as %s", store->root,
                           file_name, bad_name);
}

static int failed(struct filo_store *store, const char *what, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  if (!packed->db) return filo_fail(err, FILO_NO_MEMORY, "no memory to %s deletions", what);
  int rc = sqlite3_errcode(packed->db) & 0xff;
  if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB) return damaged(store, err);
  int code = rc == SQLITE_FULL    ? FILO_NO_SPACE
             : rc == SQLITE_NOMEM ? FILO_NO_MEMORY
             : rc == SQLITE_BUSY  ? FILO_BUSY
                                  : FILO_IO;
  filo_fail(err, code, "cannot %s %s/%s: %s", what, store->root, file_name,
            sqlite3_errmsg(packed->db));
  if (store->readonly) close_database(packed); /* it is opened again */
  return code;
}

/* Of a statement that did not work; or (NULL) could not be made, since its tables are not there, or the
 * header makes no sense. */
static int step_failed(struct filo_store *store, sqlite3_stmt *how, const char *what,
                       struct filo_error *err) {
  bool no_tables = !how && (sqlite3_errcode(store->packed->db) & 0xff) == SQLITE_ERROR;
  return no_tables ? damaged(store, err) : failed(store, what, err);
}

static int run(struct filo_store *store, const char *text, struct filo_error *err) {
  if (sqlite3_exec(store->packed->db, text, NULL, NULL, NULL) == SQLITE_OK) return 0;
  return failed(store, "write", err);
}

static sqlite3_stmt *statement(struct filo_packed *packed, enum statement which) {
  sqlite3_stmt **ret = &packed->statements[which];
  if (*ret)
    sqlite3_reset(*ret);
  else
    sqlite3_prepare_v3(packed->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
  if (*ret) sqlite3_clear_bindings(*ret);
  return *ret;
}

/* --- Opening --- */

/* Whether there is a file with anything in it; FILO_DENIED: something else. */
static int look(const struct filo_store *store, bool *ret, struct filo_error *err) {
  struct stat st;
  *ret = false;
  if (fstatat(store->root_fd, file_name, &st, AT_SYMLINK_NOFOLLOW) < 0) return 0;
  if (!S_ISREG(st.st_mode))
    return filo_fail(err, FILO_DENIED, "%s/%s is no file: remove what lies there", store->root,
                     file_name);
  *ret = st.st_size > 0;
  return 0;
}

static int connect_to(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  FILO_AUTO_FREE char *path = NULL;
  char text[96];
  if (asprintf(&path, "%s/%s", store->root, file_name) < 0) path = NULL;
  if (!path) return filo_fail(err, FILO_NO_MEMORY, "no memory for deletions");
  int flags = store->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (sqlite3_open_v2(path, &packed->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
    int rc = failed(store, "open", err);
    close_database(packed);
    return rc;
  }
  sqlite3_busy_timeout(packed->db, BUSY_MS);
  snprintf(text, sizeof text, "PRAGMA cache_size = -%d; PRAGMA synchronous = %s", CACHE_KIB,
           store->durability == FILO_DURABLE_NONE ? "OFF" : "EXTRA");
  if (sqlite3_exec(packed->db, text, NULL, NULL, NULL) == SQLITE_OK) return 0;
  return step_failed(store, NULL, "open", err);
}

/* A byte of its header may say that it cannot be written. */
static bool is_unwritable(const struct filo_store *store) {
  return !store->readonly && sqlite3_db_readonly(store->packed->db, "main") == 1 &&
         faccessat(store->root_fd, file_name, W_OK, AT_EACCESS) == 0;
}

/* Opens it where there is one. One that is damaged is put by, and then there is none. */
static int open_database(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  bool there;
  int rc = packed->db ? 0 : look(store, &there, err);
  if (rc < 0 || packed->db || !there) return rc;
  rc = connect_to(store, err);
  if (rc < 0) return rc;
  sqlite3_stmt *any = statement(packed, ANY);
  int found = any ? sqlite3_step(any) : SQLITE_ERROR;
  if (found != SQLITE_ROW && found != SQLITE_DONE) return step_failed(store, any, "read", err);
  sqlite3_reset(any);
  if (is_unwritable(store)) return damaged(store, err);
  atomic_store(&packed->any, found == SQLITE_ROW);
  return 0;
}

/* Makes it where there is none. */
static int need_database(struct filo_store *store, struct filo_error *err) {
  int rc = open_database(store, err);
  if (rc < 0 || store->packed->db) return rc;
  FILO_AUTO_CLOSE int fd =
      openat(store->root_fd, file_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot make %s/%s", store->root, file_name);
  }
  rc = connect_to(store, err);
  if (rc == 0) rc = run(store, tables, err);
  if (rc < 0) close_database(store->packed); /* an empty file is none */
  return rc;
}

int filo_packed_open(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed = calloc(1, sizeof *packed);
  if (!packed) return filo_fail(err, FILO_NO_MEMORY, "no memory for a store");
  pthread_mutex_init(&packed->lock, NULL);
  if (store->readonly) return 0; /* with the first that is looked for */
  int rc = open_database(store, err);
  return rc == FILO_CORRUPT ? 0 : rc;
}

void filo_packed_close(struct filo_store *store) {
  if (!store->packed) return;
  close_database(store->packed);
  pthread_mutex_destroy(&store->packed->lock);
  free(store->packed);
}

bool filo_packed_is_lost(const struct filo_store *store) {
  return store->packed && atomic_load(&store->packed->lost);
}

int filo_packed_tell_loss(struct filo_store *store, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  pthread_mutex_lock(&packed->lock);
  bool tells = atomic_load(&packed->lost) && !packed->told;
  packed->told = packed->told || tells;
  pthread_mutex_unlock(&packed->lock);
  if (!tells) return 0;
  return filo_fail(err, FILO_CORRUPT,
                   "%s/%s was damaged, and is put by as %s: what was deleted is had from other "
                   "nodes again, at the latest after a restart",
                   store->root, file_name, bad_name);
}

bool filo_packed_any(const struct filo_store *store) {
  return store->readonly || atomic_load_explicit(&store->packed->any, memory_order_relaxed);
}

/* --- Rows --- */

/* Locks it, and opens it for who only reads; false, unlocked, with a code: there is nothing. */
static bool begin(struct filo_store *store, int *rc, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  pthread_mutex_lock(&packed->lock);
  *rc = store->readonly ? open_database(store, err) : 0;
  if (packed->db) return true;
  pthread_mutex_unlock(&packed->lock);
  if (*rc == 0) *rc = FILO_NOT_FOUND;
  return false;
}

/* Of one that is put by nothing is there. */
static int end(struct filo_store *store, int rc) {
  pthread_mutex_unlock(&store->packed->lock);
  return rc == FILO_CORRUPT ? FILO_NOT_FOUND : rc;
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

/* The row at a path, to be reset by the caller. FILO_NOT_FOUND, without a message. */
static int find(struct filo_store *store, const unsigned char *ns, const char *path,
                sqlite3_stmt **ret, struct filo_error *err) {
  sqlite3_stmt *found = *ret = statement_at(store->packed, FIND, ns, path);
  int rc = found ? sqlite3_step(found) : SQLITE_ERROR;
  if (rc == SQLITE_DONE) return FILO_NOT_FOUND;
  if (rc != SQLITE_ROW) return step_failed(store, found, "read", err);
  return is_sealed(ns, path, found) ? 0 : damaged(store, err);
}

static int read_row(sqlite3_stmt *found, struct filo_packed_about *about, int *ret,
                    struct filo_error *err) {
  const void *bringer = sqlite3_column_blob(found, 3);
  if (about) {
    *about = (struct filo_packed_about){.verified = sqlite3_column_int64(found, 2)};
    about->has_bringer = bringer && sqlite3_column_bytes(found, 3) == FILO_ID_SIZE;
    if (about->has_bringer) memcpy(about->bringer, bringer, FILO_ID_SIZE);
  }
  if (!ret) return 0;
  return put_into_memory(sqlite3_column_blob(found, 0), (size_t)sqlite3_column_bytes(found, 0), ret,
                         err);
}

int filo_packed_open_file(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                          const char *path, struct filo_packed_about *about, int *ret,
                          struct filo_error *err) {
  sqlite3_stmt *found;
  int rc = FILO_NOT_FOUND;
  if (!filo_packed_any(store) || !begin(store, &rc, err)) return rc;
  rc = find(store, ns, path, &found, err);
  if (rc == 0) {
    rc = read_row(found, about, ret, err);
    sqlite3_reset(found);
  }
  return end(store, rc);
}

bool filo_packed_has(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                     const char *path) {
  return filo_packed_open_file(store, ns, path, NULL, NULL, NULL) != FILO_NOT_FOUND;
}

/* FILO_NOT_FOUND, without a message: it changed nothing. */
static int change(struct filo_store *store, sqlite3_stmt *how, struct filo_error *err) {
  if (!how || sqlite3_step(how) != SQLITE_DONE) return step_failed(store, how, "write", err);
  sqlite3_reset(how);
  return sqlite3_changes(store->packed->db) > 0 ? 0 : FILO_NOT_FOUND;
}

int filo_packed_forget(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                       const char *path, struct filo_error *err) {
  int rc;
  if (!filo_packed_has(store, ns, path)) return 0; /* as most often, for less */
  if (begin(store, &rc, err))
    rc = end(store, change(store, statement_at(store->packed, FORGET, ns, path), err));
  return rc == FILO_NOT_FOUND ? 0 : rc;
}

static int move(struct filo_store *store, const unsigned char *ns, const char *from, const char *to,
                struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  unsigned char seal[FILO_HASH_SIZE];
  sqlite3_stmt *found;
  int rc = find(store, ns, from, &found, err);
  if (rc < 0) return rc;
  rc = make_seal(ns, to, sqlite3_column_blob(found, 0), (size_t)sqlite3_column_bytes(found, 0),
                 seal, err);
  sqlite3_reset(found);
  if (rc == 0 && sqlite3_get_autocommit(packed->db)) rc = run(store, "BEGIN", err);
  if (rc < 0) return rc;
  sqlite3_stmt *how = statement_at(packed, MOVE, ns, from);
  if (how) {
    sqlite3_bind_text(how, 3, to, -1, SQLITE_STATIC);
    sqlite3_bind_blob(how, 4, seal, SEAL, SQLITE_STATIC);
  }
  return change(store, how, err);
}

int filo_packed_move(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                     const char *from, const char *to, struct filo_error *err) {
  int rc;
  return begin(store, &rc, err) ? end(store, move(store, ns, from, to, err)) : rc;
}

int filo_packed_end_moving(struct filo_store *store, struct filo_error *err) {
  int rc;
  if (!begin(store, &rc, err)) return rc == FILO_NOT_FOUND ? 0 : rc;
  rc = sqlite3_get_autocommit(store->packed->db) ? 0 : run(store, "COMMIT", err);
  pthread_mutex_unlock(&store->packed->lock);
  return rc;
}

/* --- All of them --- */

static bool take_place(sqlite3_stmt *next, struct filo_packed_place *place) {
  const char *path = (const char *)sqlite3_column_text(next, 1);
  const void *ns = sqlite3_column_blob(next, 2);
  size_t len = (size_t)sqlite3_column_bytes(next, 1);
  if (!path || !ns || len >= sizeof place->path || strlen(path) != len ||
      sqlite3_column_bytes(next, 2) != FILO_ID_SIZE)
    return false;
  place->number = sqlite3_column_int64(next, 0);
  memcpy(place->path, path, len + 1);
  memcpy(place->ns, ns, sizeof place->ns);
  return true;
}

static int next_row(struct filo_store *store, const unsigned char *only,
                    struct filo_packed_place *place, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  struct filo_packed_place before = *place; /* what is bound */
  sqlite3_stmt *next =
      only ? statement_at(packed, NEXT_OF, only, before.path) : statement(packed, NEXT);
  if (next && !only) {
    sqlite3_bind_int64(next, 1, before.number);
    sqlite3_bind_text(next, 2, before.path, -1, SQLITE_STATIC);
  }
  int rc = next ? sqlite3_step(next) : SQLITE_ERROR;
  if (rc == SQLITE_DONE) return FILO_NOT_FOUND;
  if (rc != SQLITE_ROW) return step_failed(store, next, "read", err);
  if (!take_place(next, place)) return damaged(store, err);
  sqlite3_reset(next);
  return 0;
}

int filo_packed_next(struct filo_store *store, const unsigned char *only,
                     struct filo_packed_place *place, struct filo_error *err) {
  int rc = FILO_NOT_FOUND;
  if (!filo_packed_any(store) || !begin(store, &rc, err)) return rc;
  return end(store, next_row(store, only, place, err));
}

/* --- Adding --- */

static int add(struct filo_store *store, const unsigned char *ns, const struct filo_packable *what,
               struct filo_error *err) {
  unsigned char seal[FILO_HASH_SIZE];
  int rc = make_seal(ns, what->path, what->file, what->len, seal, err);
  if (rc == 0) rc = change(store, statement_at(store->packed, NAME_NAMESPACE, ns, NULL), err);
  if (rc < 0 && rc != FILO_NOT_FOUND) return rc;
  sqlite3_stmt *how = statement_at(store->packed, ADD, ns, what->path);
  if (how) {
    sqlite3_bind_blob(how, 3, what->file, (int)what->len, SQLITE_STATIC);
    sqlite3_bind_blob(how, 4, seal, SEAL, SQLITE_STATIC);
    sqlite3_bind_int64(how, 5, what->about.verified);
    if (what->about.has_bringer)
      sqlite3_bind_blob(how, 6, what->about.bringer, FILO_ID_SIZE, SQLITE_STATIC);
  }
  return change(store, how, err);
}

static int add_all(struct filo_store *store, const unsigned char *ns,
                   const struct filo_packable *list, size_t count, struct filo_error *err) {
  struct filo_packed *packed = store->packed;
  int rc = need_database(store, err);
  if (rc == 0 && !sqlite3_get_autocommit(packed->db))
    return filo_fail(err, FILO_BUSY, "objects of %s are moved to other paths", store->root);
  atomic_store(&packed->any, rc == 0 || atomic_load(&packed->any)); /* who removes has to look */
  if (rc == 0) rc = run(store, "BEGIN", err);
  for (size_t i = 0; rc == 0 && i < count; i++)
    if (list[i].file) rc = add(store, ns, &list[i], err);
  if (rc == 0) rc = run(store, "COMMIT", err);
  if (rc < 0 && packed->db && !sqlite3_get_autocommit(packed->db))
    sqlite3_exec(packed->db, "ROLLBACK", NULL, NULL, NULL);
  return rc;
}

int filo_packed_add(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                    const struct filo_packable *list, size_t count, struct filo_error *err) {
  pthread_mutex_lock(&store->packed->lock);
  int rc = add_all(store, ns, list, count, err);
  pthread_mutex_unlock(&store->packed->lock);
  return rc;
}
