/* Private to core/catalogue: what its parts share.
 *
 *     catalogue   the thread, from opening to closing
 *     beside      the database of another process
 *     changes     what is reported and not applied yet
 *     rebuild     from the files to the database
 *     rows        from a file to its row
 *     describe    what the metadata of an object says
 *     readable    keys, and the names that are read with them
 *     queries     pages of rows
 *     feed        what others are told
 *     elsewhere   rows of what lies at peers only
 *     marks       who holds what lies here, too
 *     prints      sums of marks
 *     database    opening, throwing away, statements
 *     pages       checked pages
 */
#ifndef FILO_CATALOGUE_INTERNAL_H
#define FILO_CATALOGUE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "catalogue/catalogue.h"
#include "catalogue/pages.h"

enum { FILO_PLACE_SIZE = 16 };

/* A path at which something has changed. */
struct filo_change {
  STAILQ_ENTRY(filo_change) next;
  unsigned char ns[FILO_ID_SIZE];
  char path[];
};
STAILQ_HEAD(filo_changes, filo_change);

enum filo_statement {
  FILO_SQL_BEGIN,
  FILO_SQL_COMMIT,
  FILO_SQL_ROLLBACK,
  FILO_SQL_FIND_NAMESPACE, /* then the same of who brings copies */
  FILO_SQL_FIND_BRINGER,
  FILO_SQL_ADD_NAMESPACE,
  FILO_SQL_ADD_BRINGER,
  FILO_SQL_COUNT_NAMESPACE,
  FILO_SQL_COUNT_BRINGER,
  FILO_SQL_INSERT,
  FILO_SQL_AT_PLACE,
  FILO_SQL_AT,
  FILO_SQL_DELETE,
  FILO_SQL_NOTE_CHANGE,
  FILO_SQL_NEXT_CHANGES,
  FILO_SQL_NAMES,
  FILO_SQL_OBJECTS,
  FILO_SQL_FILES,
  FILO_SQL_TOMBSTONES,
  FILO_SQL_STALEST,
  FILO_SQL_OLDEST,
  FILO_SQL_OLDER,
  FILO_SQL_OUTDATED,
  FILO_SQL_GENERATIONS,
  FILO_SQL_PROBLEMS,
  FILO_SQL_USAGE_OF_NAMESPACES,
  FILO_SQL_USAGE_OF_BRINGERS,
  FILO_SQL_VERSION,
  FILO_SQL_KNOWN_HERE,
  FILO_SQL_KNOWN_ELSEWHERE,
  FILO_SQL_NOTE_ELSEWHERE,
  FILO_SQL_FORGET_ELSEWHERE,
  FILO_SQL_LISTED,
  FILO_SQL_NOTE_LISTED,
  FILO_SQL_FORGET_LISTED,
  FILO_SQL_NAMED,
  FILO_SQL_NOTE_NAMED,
  FILO_SQL_NAMELESS,
  FILO_SQL_ALL_NAMED,
  FILO_SQL_FORGET_ALL_ELSEWHERE,
  FILO_SQL_FORGET_LISTS,
  FILO_SQL_FIND_HOLDER,
  FILO_SQL_COUNT_HOLDERS,
  FILO_SQL_STALE_HOLDER,
  FILO_SQL_NOTE_HOLDER,
  FILO_SQL_HEAR_HOLDER,
  FILO_SQL_CLEAR_HOLDER,
  FILO_SQL_MARK,
  FILO_SQL_NOTE_MARK,
  FILO_SQL_MOVE_MARK,
  FILO_SQL_FORGET_MARK,
  FILO_SQL_BELIEVE,
  FILO_SQL_MARKS,
  FILO_SQL_MARKED,
  FILO_SQL_STATEMENTS
};

/* A namespace, or who brings copies, and what its counts in the database lack. */
struct filo_counted {
  int64_t id; /* 0: none */
  unsigned char whose[FILO_ID_SIZE];
  int64_t objects, deleted, bytes;
};

/* Ends what puts a row among those elsewhere: of one object the newest counts. */
#define FILO_IF_NEWER                                                                              \
  " ON CONFLICT (ns, key_hash) DO UPDATE SET version = excluded.version, nonce = excluded.nonce,"  \
  " size = excluded.size, flags = excluded.flags, modified = excluded.modified,"                   \
  " name = excluded.name, class = excluded.class, conflict = excluded.conflict,"                   \
  " etag = excluded.etag"                                                                          \
  " WHERE (excluded.version, excluded.nonce) > (elsewhere.version, elsewhere.nonce)"

struct filo_database {
  sqlite3 *db;
  sqlite3_stmt *statements[FILO_SQL_STATEMENTS];
  struct filo_counted last[FILO_ACCOUNTS]; /* of each kind the one that was used last */
  unsigned char life[FILO_LIFE_SIZE];
  struct filo_sums *sums; /* of marks; NULL: to be made when they are asked for */
};

/* How far the files of a namespace were gone over, whose names are being read. */
struct filo_naming {
  unsigned char print[FILO_PRINT_SIZE]; /* with these keys */
  int64_t after;                        /* up to this id */
};

struct filo_catalogue {
  struct filo_store *store;
  bool readonly;                    /* beside the owner */
  char *path;                       /* of the database in the root */
  struct filo_pages *pages;         /* of that one ... */
  struct filo_pages *private_pages; /* ... and of a copy in a temporary file */
  pthread_t thread;
  bool has_thread;

  pthread_mutex_t lock;   /* of all below, but for the database */
  pthread_cond_t turned;  /* state, in_use, stopping, or changes came */
  pthread_cond_t drained; /* there is room for changes */
  enum filo_catalogue_state state;
  struct filo_error problem;
  unsigned failures; /* in a row */
  unsigned waited;   /* turns for the owner of the root to make its catalogue */
  bool in_use;       /* the database, by a query or by the thread; while READY */
  bool stopping;
  bool lost;                                            /* a change could not be noted */
  bool stale;                                           /* a private copy is to be made once more */
  bool nameless;                                        /* names may have to be read */
  unsigned keys_added;                                  /* how often keys came */
  STAILQ_HEAD(filo_readables, filo_readable) readables; /* keys; see readable.c */
  struct filo_changes changes;
  unsigned waiting; /* of these */
  unsigned taken;   /* and of those that are being applied */
  atomic_uint_least64_t done;

  struct filo_database database; /* of who has it in use; of the thread while not READY */
  struct filo_naming naming;     /* the same */
  bool is_private;               /* readonly: a copy in a temporary file */
  bool asked;                    /* under lock: somebody has begun to ask since it was opened */
  uint64_t device, inode;        /* readonly: of the owner's that is open */
};

/* --- database.c --- */

/* Fills err from the database. */
int filo_database_failed(const struct filo_database *database, struct filo_error *err,
                         const char *what);

/* The one in the root as it was left; FILO_CORRUPT when it is not what is expected, whatever that
 * was. note: its token. */
int filo_database_open(struct filo_catalogue *catalogue, const char *note, struct filo_error *err);

/* A new one without indexes, in the root or (readonly) in a temporary file, to be filled. */
int filo_database_create(struct filo_catalogue *catalogue, struct filo_error *err);

/* Makes it what it is to be, once it is filled. */
int filo_database_index(struct filo_catalogue *catalogue, struct filo_error *err);
int filo_database_finish(struct filo_catalogue *catalogue, struct filo_error *err);

/* Closes it so that this note vouches for it. */
int filo_database_close_in_order(struct filo_catalogue *catalogue, const char *note,
                                 struct filo_error *err);

void filo_database_close(struct filo_database *database);

/* Removes the files of the one in the root. */
void filo_database_remove(const struct filo_catalogue *catalogue);

/* While another one is made, that one is kept under another name, for what no file tells; unless a
 * whole one is there already. */
void filo_database_put_by(const struct filo_catalogue *catalogue);
/* Its path; NULL: no memory, or there is none. To be freed. */
char *filo_database_put_by_path(const struct filo_catalogue *catalogue);
void filo_database_remove_put_by(const struct filo_catalogue *catalogue);

/* Whether the one that is attached as "old" is whole, and of this layout. */
bool filo_database_is_alike(struct filo_catalogue *catalogue);

/* A statement, reset, to be bound and stepped; NULL: see filo_database_failed. */
sqlite3_stmt *filo_statement(struct filo_database *database, enum filo_statement which);
/* Runs one that gives nothing. */
int filo_database_run(struct filo_database *database, enum filo_statement which,
                      struct filo_error *err);

/* FILO_NO_SPACE when there is less room than this in the root: what is left is for objects. */
int filo_database_check_room(const struct filo_catalogue *catalogue, uint64_t bytes,
                             struct filo_error *err);
enum { FILO_ROOM_TO_BUILD = 512 << 10, FILO_ROOM_TO_CHANGE = 256 << 10 };

/* --- rows.c --- */

/* What the file at a path is: a row whose name and path are malloc'ed. False when nothing is there. */
bool filo_row_examine(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                      const char *path, struct filo_row *ret);
void filo_row_free(struct filo_row *row);

/* Where the file of a row lies. */
int filo_row_path(const struct filo_row *row, char ret[FILO_PATH_MAX], struct filo_error *err);

/* Adds a row of what lies at a path. */
int filo_row_insert(struct filo_database *database, const struct filo_row *row, const char *path,
                    struct filo_error *err);

/* Makes the rows of a path what the file there is. Within a transaction. */
int filo_row_update(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                    const char *path, struct filo_error *err);

/* What stands for a path. */
void filo_row_place(const char *path, unsigned char out[FILO_PLACE_SIZE]);

/* Writes what the counts lack. */
int filo_rows_count(struct filo_database *database, struct filo_error *err);
/* Forgets that: it is counted otherwise. */
void filo_rows_forget(struct filo_database *database);

/* The id of a namespace, which is added when it is new; or a negative code. */
int64_t filo_row_namespace(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                           struct filo_error *err);

/* --- queries.c --- */

/* Has the database in use, with all that was stored before; filo_catalogue_used ends that. */
int filo_query_begin(struct filo_catalogue *catalogue, struct filo_error *err);

/* As filo_catalogue_files, of who has it in use. */
int filo_query_files(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                     bool tombstones, int64_t after, size_t most, struct filo_rows *ret,
                     struct filo_error *err);

/* Objects without a name. */
int filo_query_nameless(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                        int64_t after, size_t most, struct filo_rows *ret, struct filo_error *err);

/* A row of a statement that gives the columns of one. ns: NULL: it is a last column. False: no memory,
 * or it makes no sense. */
bool filo_row_read(sqlite3_stmt *statement, const unsigned char *ns, struct filo_row *row);

/* --- readable.c --- */

/* Referenced; NULL: there are none. */
struct filo_namespace *filo_readable_keys(struct filo_catalogue *catalogue,
                                          const unsigned char ns[FILO_ID_SIZE]);
/* One after the other, referenced; NULL at the end. */
struct filo_namespace *filo_readable_at(struct filo_catalogue *catalogue, unsigned index);
/* Whether all of a namespace can be read, not just some of its objects. */
bool filo_readable_wholly(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE]);
void filo_readables_free(struct filo_catalogue *catalogue);

/* What was read of a namespace's names: nothing; with other keys; all, with these. */
enum filo_names { FILO_NAMES_NONE, FILO_NAMES_OF_OTHERS, FILO_NAMES_READ };
int filo_names_state(struct filo_database *database, const unsigned char ns[FILO_ID_SIZE],
                     const struct filo_namespace *keys, enum filo_names *ret,
                     struct filo_error *err);

/* A database that was just filled has all names. */
int filo_names_note_all(struct filo_catalogue *catalogue, struct filo_error *err);

/* Forgets that names were read to whose namespaces there are no keys any more. */
int filo_names_lose(struct filo_catalogue *catalogue, struct filo_error *err);

/* Reads some of those that are still to be read. By who has the database in use. */
int filo_names_read(struct filo_catalogue *catalogue, bool *more, struct filo_error *err);

/* --- elsewhere.c --- */

/* A file was a row and is another one, or (NULL) none any more: what is known of other versions
 * follows. Within a transaction. */
int filo_elsewhere_follow(struct filo_catalogue *catalogue, const struct filo_row *was,
                          const struct filo_row *is, struct filo_error *err);

/* Takes over what the database that was put by knows, and no file tells. Failing that, it is done
 * without. */
void filo_elsewhere_take_over(struct filo_catalogue *catalogue);

/* --- marks.c --- */

/* Who is known to hold what a mark stands for: a bit for each number that a node has. */
enum { FILO_HOLDERS_MOST = 256, FILO_HOLDERS_BYTES = FILO_HOLDERS_MOST / 8 };
struct filo_holders {
  unsigned char bits[FILO_HOLDERS_BYTES];
};
bool filo_holders_have(const struct filo_holders *holders, unsigned number);
/* A column of a statement. */
void filo_holders_read(sqlite3_stmt *statement, int column, struct filo_holders *ret);

/* The functions of SQL that marks need. */
int filo_marks_register(struct filo_database *database, struct filo_error *err);

/* A file was a row and is another one, or (NULL) none any more. Within a transaction. */
int filo_marks_follow(struct filo_database *database, const struct filo_row *was,
                      const struct filo_row *is, struct filo_error *err);

/* The number of a node; FILO_NOT_FOUND: it has none. */
int filo_holder_number(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                       struct filo_error *err);

/* Notes of each mark that lies here whether a node holds it. `here`, if not NULL, tells which do. */
int filo_marks_believe(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                       const struct filo_marks *marks, bool has, int64_t now, bool *here,
                       struct filo_error *err);

/* --- prints.c --- */

/* A mark that a node holds, or does not any more (by: 1 or -1). */
void filo_sums_change(struct filo_database *database, const unsigned char mark[FILO_MARK_SIZE],
                      unsigned number, int by);
/* A number is given to another node, which is known to hold nothing. */
void filo_sums_forget(struct filo_database *database, unsigned number);
void filo_sums_free(struct filo_sums *sums);

/* --- describe.c --- */

/* Opens the metadata of an own record: the name in it (malloc'ed) and, where it tells, when what was
 * stored was modified. False when it cannot be read. */
bool filo_catalogue_describe(const struct filo_namespace *keys, const unsigned char *record,
                             size_t len, struct filo_row *row);

/* --- changes.c --- */

enum { FILO_CHANGES_MOST = 16384, FILO_CHANGES_AT_ONCE = 512 };

void filo_changes_observe(struct filo_catalogue *catalogue);
/* Something may have changed at a path: it is looked at. */
void filo_changes_note(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                       const char *path);
/* Takes what waits, up to some hundred. */
void filo_changes_take(struct filo_catalogue *catalogue, struct filo_changes *ret);
/* All that was taken is applied, or kept. */
void filo_changes_taken(struct filo_catalogue *catalogue);
void filo_changes_free(struct filo_changes *changes);
/* Applies all that waits now. By who has the database in use. */
int filo_changes_apply(struct filo_catalogue *catalogue, struct filo_error *err);
/* Forgets what waits: a rebuilding will see it. */
void filo_changes_drop(struct filo_catalogue *catalogue);

/* --- rebuild.c --- */

/* FILO_CANCELLED: it was told to stop. */
int filo_rebuild(struct filo_catalogue *catalogue, struct filo_error *err);

/* --- beside.c --- */

/* 0: the owner's database is open; FILO_BUSY: it will be good in a while; else there is none. */
int filo_beside_open(struct filo_catalogue *catalogue, struct filo_error *err);
/* 0: it still is, and has all that was stored until now; FILO_BUSY: it is another one by now;
 * FILO_LOCKED: its owner does not come to it. */
int filo_beside_check(struct filo_catalogue *catalogue, struct filo_error *err);

/* --- catalogue.c --- */

/* Has the database in use, when it is READY; FILO_BUSY and others as queries. */
int filo_catalogue_use(struct filo_catalogue *catalogue, struct filo_error *err);
/* code: 0, or what the database failed with, which is thrown away then. Gives what a query is to
 * give. */
int filo_catalogue_used(struct filo_catalogue *catalogue, int code, struct filo_error *err);

#endif
