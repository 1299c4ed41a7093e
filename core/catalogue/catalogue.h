/* The catalogue: a database beside the objects of a root that knows each of their files and, of
 * namespaces whose keys are here, the name of each object, so that nobody has to go through folders.
 *
 * It is a cache of the files and never the truth: whatever is wrong with it, it is thrown away and
 * made again from them. It is good for as long as all changes are reported to it (filo_observer), and
 * across processes only when it was closed in order, by the process that was the last to own the
 * root: then a token in it is the note that was left in the root (filo_store_leave_note).
 *
 * A thread of its own opens it, rebuilds it, and applies the changes, which are told as paths: it
 * looks at the file there, so that neither their order nor how often one is told matters. A query
 * first applies what waits: one sees one's own writes.
 *
 * Beside the owner (a store that is open for reading only) the owner's database is read, which the
 * marks of the root vouch for; without one that is good, a private copy is made in a temporary file.
 *
 * Any thread, but for open and close; queries wait for the disk, and are for workers.
 */
#ifndef FILO_CATALOGUE_CATALOGUE_H
#define FILO_CATALOGUE_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/namespace.h"
#include "error.h"
#include "store/store.h"

struct filo_catalogue;

/* Begins to open it, and reports to it from now on. Takes references of the store, and of the keys to
 * the namespaces whose names are to be in it. */
int filo_catalogue_open(struct filo_store *store, struct filo_namespace *const *keys, size_t count,
                        struct filo_catalogue **ret, struct filo_error *err);

/* Keys to one more, or more of the keys to one: its names are read from now on, and meanwhile a query
 * for them is FILO_BUSY. Takes a reference. */
int filo_catalogue_add_keys(struct filo_catalogue *catalogue, struct filo_namespace *keys,
                            struct filo_error *err);

/* Applies what waits, closes the database in order, and ends the thread; waits for all that. The rest
 * is freed by filo_catalogue_free, on the opener's thread, once no query is under way any more; those that come
 * get FILO_CLOSED. */
void filo_catalogue_close(struct filo_catalogue *catalogue);
void filo_catalogue_free(struct filo_catalogue *catalogue);

enum filo_catalogue_state {
  FILO_CATALOGUE_OPENING,
  FILO_CATALOGUE_REBUILDING,
  FILO_CATALOGUE_READY,
  FILO_CATALOGUE_FAILED /* for now: it is tried again in a while */
};

/* Does not wait. done: files seen by the rebuilding; err: why it failed. */
enum filo_catalogue_state filo_catalogue_state(struct filo_catalogue *catalogue, uint64_t *done,
                                               struct filo_error *err);

/* Somebody begins to ask: beside an owner without a good catalogue, one is made once more, as of
 * now. */
void filo_catalogue_refresh(struct filo_catalogue *catalogue);

/* The longest text that stands for content. */
enum { FILO_ETAG_MAX = 64 };

/* What is known of a file. */
struct filo_row {
  int64_t id; /* as long as the database lives; grows with each that is added */
  unsigned char ns[FILO_ID_SIZE];
  int problem; /* 0, or the code of why it is no object: then there are but ns and path */
  bool has_key_hash;
  unsigned char key_hash[32];
  uint64_t version;
  uint64_t size;
  unsigned char flags, class;
  uint32_t generation;                  /* 0 in a list of names */
  unsigned char nonce[FILO_NONCE_SIZE]; /* of two with one version, the larger counts */
  int64_t verified; /* as filo_object_verified: what it was when that was last reported */
  bool has_modified;
  int64_t modified; /* of what was stored, as its owner's metadata has it: seconds since 1970 */
  char *name;       /* NULL where it cannot be read, and of a tombstone */
  size_t name_len;
  char *conflict; /* NULL, or the name of what it was kept beside */
  size_t conflict_len;
  char etag[FILO_ETAG_MAX + 1]; /* what its owner says that stands for its content; "": nothing */
  bool has_bringer;
  unsigned char
      bringer[FILO_ID_SIZE]; /* of a file: the node that brought it, where that is known */
  int64_t account;           /* of what the database has: its number for that node; 0: none */
  bool elsewhere;            /* this version lies at peers, and nothing here that is as new */
  char *path;                /* below its namespace's folder; NULL: that of the default transform */
  unsigned char *record;     /* only of filo_catalogue_read */
  size_t record_len;
};

struct filo_rows {
  struct filo_row *list;
  size_t count;
};
void filo_rows_free(struct filo_rows *rows);

/* Queries give up to `most` rows, and those after a place in their order that is the last one's of
 * the page before. FILO_BUSY: it is being opened or rebuilt: ask again in a while; any other code: it
 * cannot be used for now, and the files have to be gone through. */
enum { FILO_PAGE_ROWS = 512 };

/* Objects of a namespace with names, in the order of these (bytes), that start with a prefix, after a
 * name (NULL: from the beginning): each in the newest version that is known of, here or elsewhere. Not
 * whole: without their key hashes and paths, which is many times faster; what lies elsewhere never
 * has these. */
int filo_catalogue_names(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                         const void *prefix, size_t prefix_len, const void *after, size_t after_len,
                         bool whole, size_t most, struct filo_rows *ret, struct filo_error *err);

/* Reads the file of each row that has one: it is what lies there now, with its path and record, or a
 * problem. What is gone is left out. */
int filo_catalogue_read(struct filo_catalogue *catalogue, struct filo_rows *rows,
                        struct filo_error *err);

enum { FILO_LIFE_SIZE = 16 };

/* What others are told of a namespace: records in the order of ids, after one, up to so many and so
 * many bytes. life: random, and another one for each database: of one that is not this, the ids mean
 * nothing, and all is told from the beginning; NULL: there is none. Each version of an object is there
 * once, under an id that is larger than those of all before it. ret_after: with which to ask for
 * what comes then; as it was given: there is nothing. */
struct filo_feed {
  struct filo_rows rows; /* each with its record */
  unsigned char life[FILO_LIFE_SIZE];
  int64_t after;
};
int filo_catalogue_feed(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                        const unsigned char *life, int64_t after, size_t most, size_t most_bytes,
                        struct filo_feed *ret, struct filo_error *err);

/* What a peer has listed of a namespace that is read here, all of it. */
struct filo_listed {
  const unsigned char *record;
  size_t len;
  const char *path; /* where it would lie here */
};
struct filo_listing {
  unsigned char ns[FILO_ID_SIZE], peer[FILO_ID_SIZE];
  unsigned char life[FILO_LIFE_SIZE]; /* of the peer's catalogue, as feed gave it ... */
  int64_t after;                      /* ... and how far the list goes */
  const struct filo_listed *list;
  size_t count;
};

/* Notes, of what was listed, each version that is newer than what is known here and, with the same
 * transaction, how far the list was read. deletions: of each record, whether it is a tombstone of an
 * older version that lies here: if there is one nothing is noted, so that it takes place first.
 * FILO_CORRUPT: a record is none, or is not signed; FILO_DENIED: one of another namespace. */
int filo_catalogue_note(struct filo_catalogue *catalogue, const struct filo_listing *listing,
                        bool *deletions, struct filo_error *err);

/* How far a peer's list was read; *after is 0 where nothing is known. */
int filo_catalogue_noted(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                         const unsigned char peer[FILO_ID_SIZE], unsigned char life[FILO_LIFE_SIZE],
                         int64_t *after, struct filo_error *err);

/* All of a namespace, or only its tombstones, in the order of their ids, after one (0: none). */
int filo_catalogue_files(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                         bool tombstones, int64_t after, size_t most, struct filo_rows *ret,
                         struct filo_error *err);

/* Objects of a namespace with names, those first whose bytes were hashed longest ago or never; after
 * one that has this time and id. */
int filo_catalogue_stalest(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                           int64_t verified, int64_t after, size_t most, struct filo_rows *ret,
                           struct filo_error *err);

/* Objects and tombstones of all namespaces whose bytes were hashed up to a time, or never, in the order
 * of when, of their sizes and of their ids; after a place in it. */
struct filo_age {
  int64_t verified, size, id;
};
int filo_catalogue_oldest(struct filo_catalogue *catalogue, const struct filo_age *after,
                          int64_t until, size_t most, struct filo_rows *ret,
                          struct filo_error *err);
/* How many these are, how many bytes of content they have, and of which life the ids are. */
int filo_catalogue_older(struct filo_catalogue *catalogue, const struct filo_age *after,
                         int64_t until, uint64_t *count, uint64_t *bytes,
                         unsigned char life[FILO_LIFE_SIZE], struct filo_error *err);

/* What lies at a path, as is known without looking: no row when nothing does. */
int filo_catalogue_at(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                      const char *path, struct filo_rows *ret, struct filo_error *err);

/* Objects of a namespace that are of a generation below one, in the order of their generations and
 * ids; after one that has these. */
int filo_catalogue_outdated(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                            uint64_t below, uint32_t generation, int64_t after, size_t most,
                            struct filo_rows *ret, struct filo_error *err);

/* How many these are, and the largest generation that an object of the namespace has. */
int filo_catalogue_generations(struct filo_catalogue *catalogue,
                               const unsigned char ns[FILO_ID_SIZE], uint64_t below,
                               uint64_t *outdated, uint32_t *newest, struct filo_error *err);

/* Files of all namespaces that are no objects, or cannot be read, after an id. Each is looked at once
 * more before. */
int filo_catalogue_problems(struct filo_catalogue *catalogue, int64_t after, size_t most,
                            struct filo_rows *ret, struct filo_error *err);

struct filo_usage {
  unsigned char id[FILO_ID_SIZE];
  uint64_t objects, deleted; /* deleted: tombstones */
  uint64_t bytes;            /* of content */
};

/* Of what lies here: of whom it is, and who brought it, each of whom with anything is there once. */
enum filo_account { FILO_OF_NAMESPACE, FILO_OF_BRINGER, FILO_ACCOUNTS };

/* In no order; the lists are malloc'ed, and set on success only. Both are of one moment. */
int filo_catalogue_usage(struct filo_catalogue *catalogue, struct filo_usage *ret[FILO_ACCOUNTS],
                         size_t count[FILO_ACCOUNTS], struct filo_error *err);

/* --- In step: which nodes hold what lies here, and whether they say the same --- */

/* A mark stands for one version of an object: BLAKE3 of namespace, key hash and version (8 bytes,
 * little-endian). Each file here has one, with the nodes that are known to hold that version, too:
 * FILO_HOLDERS_MOST of these are remembered. What changes at a path changes its mark, which nobody is
 * known to hold then. */
enum { FILO_MARK_SIZE = 16, FILO_MARKS_MOST = 4096 };
void filo_mark(const unsigned char ns[FILO_ID_SIZE], const unsigned char key_hash[32],
               uint64_t version, unsigned char ret[FILO_MARK_SIZE]);

struct filo_marks {
  unsigned char (*list)[FILO_MARK_SIZE];
  size_t count;
};
void filo_marks_free(struct filo_marks *marks);

/* Notes whether a node holds what some marks stand for, as far as that lies here: here[i]. now: seconds
 * since 1970; of who was heard of longest ago, a day at least, it is forgotten when there are too
 * many. */
int filo_catalogue_believe(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                           const struct filo_marks *marks, bool has, int64_t now, bool *here,
                           struct filo_error *err);
/* Whether it is known to hold each: ret[i]. */
int filo_catalogue_believed(struct filo_catalogue *catalogue,
                            const unsigned char node[FILO_ID_SIZE], const struct filo_marks *marks,
                            bool *ret, struct filo_error *err);

/* What a mark stands for: no row when it does not lie here. */
int filo_catalogue_marked(struct filo_catalogue *catalogue,
                          const unsigned char mark[FILO_MARK_SIZE], struct filo_rows *ret,
                          struct filo_error *err);

/* A print tells two sets of marks apart: those that lie here and a node is known to hold. It belongs
 * to a salt. Of all, and how many that are; of each of FILO_BUCKETS, which the first byte of a mark
 * tells; and of each of the FILO_LEAVES of some buckets, which the next 6 bits tell. */
enum {
  FILO_SALT_SIZE = 16,
  FILO_MARKS_PRINT = 8,
  FILO_BUCKETS = 256,
  FILO_LEAVES = 64,
  FILO_ALL_LEAVES = FILO_BUCKETS * FILO_LEAVES
};
int filo_catalogue_print(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                         const unsigned char salt[FILO_SALT_SIZE],
                         unsigned char ret[FILO_MARKS_PRINT], uint64_t *count,
                         struct filo_error *err);
int filo_catalogue_bucket_prints(struct filo_catalogue *catalogue,
                                 const unsigned char node[FILO_ID_SIZE],
                                 const unsigned char salt[FILO_SALT_SIZE],
                                 unsigned char ret[FILO_BUCKETS][FILO_MARKS_PRINT],
                                 struct filo_error *err);
int filo_catalogue_leaf_prints(struct filo_catalogue *catalogue,
                               const unsigned char node[FILO_ID_SIZE],
                               const unsigned char salt[FILO_SALT_SIZE],
                               const unsigned char *buckets, size_t count,
                               unsigned char (*ret)[FILO_LEAVES][FILO_MARKS_PRINT],
                               struct filo_error *err);

/* Leaves of all buckets, one behind the other, from one to another one. */
struct filo_leaves {
  uint16_t first, last;
};

/* The marks of such a set in some leaves, in their order; up to the leaf `to`, which is beyond all
 * unless there are more than FILO_MARKS_MOST, and beyond the first in any case. */
int filo_catalogue_marks(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                         const struct filo_leaves *leaves, size_t count, unsigned *to,
                         struct filo_marks *ret, struct filo_error *err);

/* A node has told which marks of some leaves are in its set, FILO_MARKS_MOST at most: what lies here of
 * these it is known to hold from now on. lacks: those that do not lie here; more: what was in the set
 * here and not in the node's, up to a leaf as above. */
int filo_catalogue_settle(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                          const struct filo_leaves *leaves, size_t count,
                          const struct filo_marks *marks, int64_t now, struct filo_marks *lacks,
                          struct filo_marks *more, unsigned *to, struct filo_error *err);

#endif
