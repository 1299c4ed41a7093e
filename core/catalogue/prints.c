/* Prints: two nodes find out whether they say the same of what both hold, and where they do not, with
 * a few bytes. Each has a set of marks: of what lies here and the other is known to hold. When nothing
 * was lost these are equal. A print of a set is a hash of the sum of the hashes of its marks, modulo
 * 2^256, and of their number; sums of parts add up, and change with a mark at the cost of an addition.
 *
 * So the sums of all that a node holds, for each bucket, are kept in memory, 10 KiB for each node that
 * was compared; they are made by going over all marks once, when the first is asked for. The sums of
 * leaves, of which there are too many, are made from the marks of their bucket each time.
 *
 * What is sent of a sum is 8 bytes of a hash with a salt that the asker has chosen: two that are alike
 * by chance are not so the next time. Sums of buckets have no salt, so that who writes a namespace, and
 * makes versions by the ten thousand, can make two sets of his own with one sum; it would be two of
 * his own only that are mistaken for one another. Sums of leaves are of hashes with the salt. */
#include <blake3.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "catalogue/internal.h"

enum { LIMBS = 4, SUM_BYTES = 8 * LIMBS + 8, LEAF_BITS = 6 };

struct sum {
  uint64_t limbs[LIMBS], count;
};

struct filo_sums {
  struct sum *of[FILO_HOLDERS_MOST]; /* FILO_BUCKETS each; NULL: it holds nothing */
};

/* --- Sums --- */

/* The hash of a mark, with a salt or (NULL) without. */
static void hash_mark(const unsigned char mark[FILO_MARK_SIZE], const unsigned char *salt,
                      unsigned char out[8 * LIMBS]) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  if (salt) blake3_hasher_update(&hasher, salt, FILO_SALT_SIZE);
  blake3_hasher_update(&hasher, mark, FILO_MARK_SIZE);
  blake3_hasher_finalize(&hasher, out, (size_t)8 * LIMBS);
}

static void change(struct sum *sum, const unsigned char hash[8 * LIMBS], int by) {
  unsigned char carry = 0;
  for (size_t i = 0; i < LIMBS; i++) {
    uint64_t limb = filo_get_le64(hash + 8 * i), was = sum->limbs[i];
    uint64_t is = by > 0 ? was + limb : was - limb;
    unsigned char over = by > 0 ? is < was : is > was;
    uint64_t carried = by > 0 ? is + carry : is - carry;
    over |= by > 0 ? carried < is : carried > is;
    sum->limbs[i] = carried;
    carry = over;
  }
  sum->count += (uint64_t)(int64_t)by;
}

static void put_sum(blake3_hasher *hasher, const struct sum *sum) {
  unsigned char bytes[SUM_BYTES];
  for (size_t i = 0; i < LIMBS; i++) filo_put_le64(bytes + 8 * i, sum->limbs[i]);
  filo_put_le64(bytes + (size_t)8 * LIMBS, sum->count);
  blake3_hasher_update(hasher, bytes, sizeof bytes);
}

/* Of some sums together. */
static void print(const struct sum *sums, size_t count, const unsigned char salt[FILO_SALT_SIZE],
                  unsigned char out[FILO_MARKS_PRINT]) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, salt, FILO_SALT_SIZE);
  for (size_t i = 0; i < count; i++) put_sum(&hasher, &sums[i]);
  blake3_hasher_finalize(&hasher, out, FILO_MARKS_PRINT);
}

/* --- Those that are kept --- */

void filo_sums_free(struct filo_sums *sums) {
  for (unsigned i = 0; sums && i < FILO_HOLDERS_MOST; i++) free(sums->of[i]);
  free(sums);
}

void filo_sums_forget(struct filo_database *database, unsigned number) {
  if (!database->sums) return;
  free(database->sums->of[number]);
  database->sums->of[number] = NULL;
}

/* Without memory all are made anew. */
static void change_hashed(struct filo_database *database, unsigned char bucket,
                          const unsigned char hash[8 * LIMBS], unsigned number, int by) {
  struct sum **of = &database->sums->of[number];
  if (!*of) *of = calloc(FILO_BUCKETS, sizeof **of);
  if (*of) {
    change(&(*of)[bucket], hash, by);
    return;
  }
  filo_sums_free(database->sums);
  database->sums = NULL;
}

void filo_sums_change(struct filo_database *database, const unsigned char mark[FILO_MARK_SIZE],
                      unsigned number, int by) {
  unsigned char hash[8 * LIMBS];
  if (!database->sums) return;
  hash_mark(mark, NULL, hash);
  change_hashed(database, mark[0], hash, number, by);
}

/* --- Going over marks --- */

/* Whether to go on. */
typedef bool visit_fn(void *ctx, const unsigned char mark[FILO_MARK_SIZE],
                      const struct filo_holders *holders);

/* The least mark of a leaf, or what is beyond all. */
static int bound(unsigned leaf, unsigned char out[FILO_MARK_SIZE + 1]) {
  if (leaf >= FILO_ALL_LEAVES) {
    memset(out, 0xff, FILO_MARK_SIZE + 1);
    return FILO_MARK_SIZE + 1;
  }
  out[0] = (unsigned char)(leaf >> LEAF_BITS);
  out[1] = (unsigned char)(leaf << (8 - LEAF_BITS));
  return 2;
}

/* Those that somebody holds, from one leaf to before another one, in their order. */
static int go_over(struct filo_database *database, unsigned from, unsigned to, visit_fn *visit,
                   void *ctx, struct filo_error *err) {
  unsigned char first[FILO_MARK_SIZE + 1], end[FILO_MARK_SIZE + 1];
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_MARKS);
  if (!statement) return filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_bind_blob(statement, 1, first, bound(from, first), SQLITE_STATIC);
  sqlite3_bind_blob(statement, 2, end, bound(to, end), SQLITE_STATIC);
  int rc, code = 0;
  bool more = true;
  while (more && code == 0 && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
    struct filo_holders holders;
    filo_holders_read(statement, 1, &holders);
    if (sqlite3_column_bytes(statement, 0) != FILO_MARK_SIZE)
      code = filo_fail(err, FILO_CORRUPT, "a mark makes no sense");
    else
      more = visit(ctx, sqlite3_column_blob(statement, 0), &holders);
  }
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    code = filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  return code;
}

static bool add_to_sums(void *ctx, const unsigned char mark[FILO_MARK_SIZE],
                        const struct filo_holders *holders) {
  struct filo_database *database = ctx;
  unsigned char hash[8 * LIMBS];
  hash_mark(mark, NULL, hash);
  for (unsigned i = 0; database->sums && i < FILO_HOLDERS_MOST; i++) {
    if (i % 8 == 0 && holders->bits[i / 8] == 0)
      i += 7;
    else if (filo_holders_have(holders, i))
      change_hashed(database, mark[0], hash, i, 1);
  }
  return database->sums != NULL;
}

static int make_sums(struct filo_database *database, struct filo_error *err) {
  if (database->sums) return 0;
  database->sums = calloc(1, sizeof *database->sums);
  int rc = database->sums ? go_over(database, 0, FILO_ALL_LEAVES, add_to_sums, database, err) : 0;
  if (rc == 0 && !database->sums) rc = filo_fail(err, FILO_NO_MEMORY, "no memory for sums");
  return rc;
}

/* Those of a node. */
static int sums_of(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                   const struct sum **ret, struct filo_error *err) {
  static const struct sum nothing[FILO_BUCKETS];
  int rc = make_sums(database, err);
  if (rc < 0) return rc;
  int number = filo_holder_number(database, node, err);
  if (number < 0 && number != FILO_NOT_FOUND) return number;
  const struct sum *of = number < 0 ? NULL : database->sums->of[number];
  *ret = of ? of : nothing;
  return 0;
}

/* --- Prints --- */

int filo_catalogue_print(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                         const unsigned char salt[FILO_SALT_SIZE],
                         unsigned char ret[FILO_MARKS_PRINT], uint64_t *count,
                         struct filo_error *err) {
  const struct sum *sums;
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  *count = 0;
  rc = sums_of(&catalogue->database, node, &sums, err);
  for (int i = 0; rc == 0 && i < FILO_BUCKETS; i++) *count += sums[i].count;
  if (rc == 0) print(sums, FILO_BUCKETS, salt, ret);
  return filo_catalogue_used(catalogue, rc, err);
}

int filo_catalogue_bucket_prints(struct filo_catalogue *catalogue,
                                 const unsigned char node[FILO_ID_SIZE],
                                 const unsigned char salt[FILO_SALT_SIZE],
                                 unsigned char ret[FILO_BUCKETS][FILO_MARKS_PRINT],
                                 struct filo_error *err) {
  const struct sum *sums;
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  rc = sums_of(&catalogue->database, node, &sums, err);
  for (int i = 0; rc == 0 && i < FILO_BUCKETS; i++) print(&sums[i], 1, salt, ret[i]);
  return filo_catalogue_used(catalogue, rc, err);
}

struct leaves {
  const unsigned char *salt;
  unsigned number;
  struct sum sums[FILO_LEAVES];
};

static unsigned leaf_of(const unsigned char mark[FILO_MARK_SIZE]) {
  return (unsigned)mark[0] << LEAF_BITS | mark[1] >> (8 - LEAF_BITS);
}

static bool add_to_leaf(void *ctx, const unsigned char mark[FILO_MARK_SIZE],
                        const struct filo_holders *holders) {
  struct leaves *leaves = ctx;
  unsigned char hash[8 * LIMBS];
  if (!filo_holders_have(holders, leaves->number)) return true;
  hash_mark(mark, leaves->salt, hash);
  change(&leaves->sums[leaf_of(mark) % FILO_LEAVES], hash, 1);
  return true;
}

/* Of one bucket. */
static int print_leaves(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                        const unsigned char salt[FILO_SALT_SIZE], unsigned char bucket,
                        unsigned char ret[FILO_LEAVES][FILO_MARKS_PRINT], struct filo_error *err) {
  struct leaves leaves = {.salt = salt};
  unsigned first = (unsigned)bucket << LEAF_BITS;
  int rc = 0, number = filo_holder_number(database, node, err);
  if (number < 0 && number != FILO_NOT_FOUND) return number;
  leaves.number = (unsigned)number;
  if (number >= 0) rc = go_over(database, first, first + FILO_LEAVES, add_to_leaf, &leaves, err);
  for (int i = 0; rc == 0 && i < FILO_LEAVES; i++) print(&leaves.sums[i], 1, salt, ret[i]);
  return rc;
}

/* Others have their turn between two buckets. */
int filo_catalogue_leaf_prints(struct filo_catalogue *catalogue,
                               const unsigned char node[FILO_ID_SIZE],
                               const unsigned char salt[FILO_SALT_SIZE],
                               const unsigned char *buckets, size_t count,
                               unsigned char (*ret)[FILO_LEAVES][FILO_MARKS_PRINT],
                               struct filo_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < count; i++) {
    rc = filo_query_begin(catalogue, err);
    if (rc < 0) break;
    rc = print_leaves(&catalogue->database, node, salt, buckets[i], ret[i], err);
    rc = filo_catalogue_used(catalogue, rc, err);
  }
  return rc;
}

/* --- Marks --- */

struct listing {
  unsigned number;
  struct filo_marks *marks;
  unsigned full_at; /* the leaf of the first mark that there is no room for */
};

static bool add_to_list(void *ctx, const unsigned char mark[FILO_MARK_SIZE],
                        const struct filo_holders *holders) {
  struct listing *listing = ctx;
  if (!filo_holders_have(holders, listing->number)) return true;
  if (listing->marks->count == FILO_MARKS_MOST) {
    listing->full_at = leaf_of(mark);
    return false;
  }
  memcpy(listing->marks->list[listing->marks->count++], mark, FILO_MARK_SIZE);
  return true;
}

/* A leaf is listed as a whole or not at all, unless it is the only one. */
static unsigned cut(struct filo_marks *marks, unsigned leaf) {
  size_t count = marks->count;
  while (count > 0 && leaf_of(marks->list[count - 1]) == leaf) count--;
  if (count == 0) return leaf + 1;
  marks->count = count;
  return leaf;
}

static int new_marks(struct filo_marks *ret, struct filo_error *err) {
  *ret = (struct filo_marks){.list = malloc(FILO_MARKS_MOST * sizeof *ret->list)};
  return ret->list ? 0 : filo_fail(err, FILO_NO_MEMORY, "no memory for marks");
}

/* As filo_catalogue_marks. */
static int list_marks(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                      const struct filo_leaves *leaves, size_t count, unsigned *to,
                      struct filo_marks *ret, struct filo_error *err) {
  int rc = 0, number = filo_holder_number(database, node, err);
  struct listing listing = {.marks = ret, .full_at = FILO_ALL_LEAVES};
  *to = FILO_ALL_LEAVES;
  if (number == FILO_NOT_FOUND) return 0;
  if (number < 0) return number;
  listing.number = (unsigned)number;
  for (size_t i = 0; rc == 0 && i < count && listing.full_at == FILO_ALL_LEAVES; i++)
    rc = go_over(database, leaves[i].first, leaves[i].last + 1u, add_to_list, &listing, err);
  if (rc == 0 && listing.full_at < FILO_ALL_LEAVES) *to = cut(ret, listing.full_at);
  return rc;
}

int filo_catalogue_marks(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                         const struct filo_leaves *leaves, size_t count, unsigned *to,
                         struct filo_marks *ret, struct filo_error *err) {
  int rc = new_marks(ret, err);
  if (rc == 0) rc = filo_query_begin(catalogue, err);
  if (rc == 0) {
    rc = list_marks(&catalogue->database, node, leaves, count, to, ret, err);
    rc = filo_catalogue_used(catalogue, rc, err);
  }
  if (rc < 0) filo_marks_free(ret);
  return rc;
}

static int compare(const void *a, const void *b) {
  return memcmp(a, b, FILO_MARK_SIZE);
}

/* Takes out of a list, both in order, what is in another one. */
static void take_out(struct filo_marks *from, const struct filo_marks *what) {
  size_t kept = 0, at = 0;
  for (size_t i = 0; i < from->count; i++) {
    while (at < what->count && compare(what->list[at], from->list[i]) < 0) at++;
    if (at < what->count && compare(what->list[at], from->list[i]) == 0) continue;
    memmove(from->list[kept++], from->list[i], FILO_MARK_SIZE);
  }
  from->count = kept;
}

/* Those that do not lie here. */
static void keep_absent(struct filo_marks *marks, const bool *here) {
  size_t kept = 0;
  for (size_t i = 0; i < marks->count; i++)
    if (!here[i]) memmove(marks->list[kept++], marks->list[i], FILO_MARK_SIZE);
  marks->count = kept;
}

/* theirs: in order; what does not lie here of them, afterwards. */
static int settle(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                  const struct filo_leaves *leaves, size_t count, struct filo_marks *theirs,
                  int64_t now, struct filo_marks *more, unsigned *to, struct filo_error *err) {
  bool *here = calloc(theirs->count + 1, sizeof *here);
  int rc = here ? list_marks(database, node, leaves, count, to, more, err)
                : filo_fail(err, FILO_NO_MEMORY, "no memory for marks");
  if (rc == 0) rc = filo_marks_believe(database, node, theirs, true, now, here, err);
  if (rc == 0) {
    take_out(more, theirs);
    keep_absent(theirs, here);
  }
  free(here);
  return rc;
}

int filo_catalogue_settle(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                          const struct filo_leaves *leaves, size_t count,
                          const struct filo_marks *marks, int64_t now, struct filo_marks *lacks,
                          struct filo_marks *more, unsigned *to, struct filo_error *err) {
  *more = (struct filo_marks){0};
  int rc = new_marks(lacks, err);
  if (rc == 0) rc = new_marks(more, err);
  if (rc == 0) {
    lacks->count = marks->count < FILO_MARKS_MOST ? marks->count : FILO_MARKS_MOST;
    memcpy(lacks->list, marks->list, lacks->count * sizeof *lacks->list);
    qsort(lacks->list, lacks->count, sizeof *lacks->list, compare);
    rc = filo_database_check_room(catalogue, FILO_ROOM_TO_CHANGE, err);
  }
  if (rc == 0) rc = filo_query_begin(catalogue, err);
  if (rc == 0) {
    rc = settle(&catalogue->database, node, leaves, count, lacks, now, more, to, err);
    rc = filo_catalogue_used(catalogue, rc, err);
  }
  if (rc < 0) {
    filo_marks_free(lacks);
    filo_marks_free(more);
  }
  return rc;
}
