/* Marks: what stands for each version that lies here, and which nodes are known to hold it, too.
 *
 * Of who holds what, a row has a bit for each node, in the order of the numbers that these have here,
 * up to the last one that is set: 1 to 3 bytes where some dozen nodes are known. Nothing has to be
 * looked up for it, and no number of sets of nodes makes anything grow. That somebody holds something
 * is known from what he has said; what he says later is compared (prints.c). */
#include <blake3.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "catalogue/internal.h"

enum { STALE_SECONDS = 24 * 3600 };

void filo_mark(const unsigned char ns[FILO_ID_SIZE], const unsigned char key_hash[32],
               uint64_t version, unsigned char ret[FILO_MARK_SIZE]) {
  unsigned char number[8];
  blake3_hasher hasher;
  filo_put_le64(number, version);
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, ns, FILO_ID_SIZE);
  blake3_hasher_update(&hasher, key_hash, 32);
  blake3_hasher_update(&hasher, number, sizeof number);
  blake3_hasher_finalize(&hasher, ret, FILO_MARK_SIZE);
}

void filo_marks_free(struct filo_marks *marks) {
  free(marks->list);
  *marks = (struct filo_marks){0};
}

/* --- Holders --- */

bool filo_holders_have(const struct filo_holders *holders, unsigned number) {
  return holders->bits[number / 8] >> number % 8 & 1;
}

static void set(struct filo_holders *holders, unsigned number, bool has) {
  unsigned char bit = (unsigned char)(1 << number % 8);
  if (has)
    holders->bits[number / 8] |= bit;
  else
    holders->bits[number / 8] &= (unsigned char)~bit;
}

static void read_bits(const void *bytes, int len, struct filo_holders *ret) {
  memset(ret, 0, sizeof *ret);
  if (len > 0 && len <= FILO_HOLDERS_BYTES) memcpy(ret->bits, bytes, (size_t)len);
}

void filo_holders_read(sqlite3_stmt *statement, int column, struct filo_holders *ret) {
  const void *bytes = sqlite3_column_blob(statement, column);
  read_bits(bytes, sqlite3_column_bytes(statement, column), ret);
}

/* How many bytes are kept: up to the last that is not 0. */
static int length(const struct filo_holders *holders) {
  int len = FILO_HOLDERS_BYTES;
  while (len > 0 && holders->bits[len - 1] == 0) len--;
  return len;
}

/* --- Functions of SQL --- */

static bool is_hash(sqlite3_value *value) {
  return sqlite3_value_type(value) == SQLITE_BLOB && sqlite3_value_bytes(value) == FILO_ID_SIZE;
}

/* filo_mark(ns, key_hash, version) */
static void sql_mark(sqlite3_context *context, int count, sqlite3_value **values) {
  unsigned char mark[FILO_MARK_SIZE];
  (void)count;
  if (!is_hash(values[0]) || !is_hash(values[1])) {
    sqlite3_result_error(context, "a row of the catalogue makes no sense", -1);
    return;
  }
  filo_mark(sqlite3_value_blob(values[0]), sqlite3_value_blob(values[1]),
            (uint64_t)sqlite3_value_int64(values[2]), mark);
  sqlite3_result_blob(context, mark, sizeof mark, SQLITE_TRANSIENT);
}

static void read_value(sqlite3_value *value, struct filo_holders *ret) {
  const void *bytes = sqlite3_value_blob(value);
  read_bits(bytes, sqlite3_value_bytes(value), ret);
}

/* filo_have(holders, number) */
static void sql_have(sqlite3_context *context, int count, sqlite3_value **values) {
  struct filo_holders holders;
  (void)count;
  read_value(values[0], &holders);
  sqlite3_result_int(context, filo_holders_have(&holders, (unsigned)sqlite3_value_int(values[1])));
}

/* filo_without(holders, number) */
static void sql_without(sqlite3_context *context, int count, sqlite3_value **values) {
  struct filo_holders holders;
  (void)count;
  read_value(values[0], &holders);
  set(&holders, (unsigned)sqlite3_value_int(values[1]), false);
  int len = length(&holders);
  if (len > 0)
    sqlite3_result_blob(context, holders.bits, len, SQLITE_TRANSIENT);
  else
    sqlite3_result_null(context);
}

int filo_marks_register(struct filo_database *database, struct filo_error *err) {
  static const struct {
    const char *name;
    int arguments;
    void (*fn)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
      {"filo_mark", 3, sql_mark}, {"filo_have", 2, sql_have}, {"filo_without", 2, sql_without}};
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (sqlite3_create_function(database->db, functions[i].name, functions[i].arguments, flags,
                                NULL, functions[i].fn, NULL, NULL) != SQLITE_OK)
      return filo_database_failed(database, err, "cannot prepare the catalogue");
  return 0;
}

/* --- Following files --- */

static int cannot_write(const struct filo_database *database, struct filo_error *err) {
  return filo_database_failed(database, err, "cannot write the catalogue");
}

static bool mark_of(const struct filo_row *row, unsigned char ret[FILO_MARK_SIZE]) {
  if (!row || row->problem || !row->has_key_hash) return false;
  filo_mark(row->ns, row->key_hash, row->version, ret);
  return true;
}

static sqlite3_stmt *statement_of(struct filo_database *database, enum filo_statement which,
                                  const unsigned char mark[FILO_MARK_SIZE]) {
  sqlite3_stmt *statement = filo_statement(database, which);
  if (statement) sqlite3_bind_blob(statement, 1, mark, FILO_MARK_SIZE, SQLITE_STATIC);
  return statement;
}

/* which: FILO_SQL_NOTE_MARK, or FILO_SQL_MOVE_MARK of one that is known */
static int add(struct filo_database *database, enum filo_statement which,
               const unsigned char mark[FILO_MARK_SIZE], int64_t file, struct filo_error *err) {
  sqlite3_stmt *statement = statement_of(database, which, mark);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_int64(statement, 2, file);
  return filo_database_run(database, which, err);
}

static int forget(struct filo_database *database, const unsigned char mark[FILO_MARK_SIZE],
                  struct filo_error *err) {
  sqlite3_stmt *statement = statement_of(database, FILO_SQL_FORGET_MARK, mark);
  struct filo_holders holders = {0};
  int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
  if (rc == SQLITE_ROW) {
    filo_holders_read(statement, 0, &holders);
    rc = sqlite3_step(statement);
  }
  if (rc != SQLITE_DONE) return cannot_write(database, err);
  sqlite3_reset(statement);
  for (unsigned i = 0; i < 8 * (unsigned)length(&holders); i++)
    if (filo_holders_have(&holders, i)) filo_sums_change(database, mark, i, -1);
  return 0;
}

int filo_marks_follow(struct filo_database *database, const struct filo_row *was,
                      const struct filo_row *is, struct filo_error *err) {
  unsigned char old[FILO_MARK_SIZE], new[FILO_MARK_SIZE];
  bool had = mark_of(was, old), has = mark_of(is, new);
  if (had && has && memcmp(old, new, sizeof old) == 0)
    return was->id == is->id ? 0 : add(database, FILO_SQL_MOVE_MARK, new, is->id, err);
  int rc = had ? forget(database, old, err) : 0;
  return rc == 0 && has ? add(database, FILO_SQL_NOTE_MARK, new, is->id, err) : rc;
}

/* --- Numbers of nodes --- */

/* A statement that gives a number; FILO_NOT_FOUND: it gives none. */
static int step_number(struct filo_database *database, sqlite3_stmt *statement,
                       struct filo_error *err) {
  int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
  int number = rc == SQLITE_ROW ? sqlite3_column_int(statement, 0) : FILO_NOT_FOUND;
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    return filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  return number < FILO_HOLDERS_MOST ? number
                                    : filo_fail(err, FILO_CORRUPT, "a number of a node is wrong");
}

int filo_holder_number(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                       struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_FIND_HOLDER);
  if (statement) sqlite3_bind_blob(statement, 1, node, FILO_ID_SIZE, SQLITE_STATIC);
  return step_number(database, statement, err);
}

/* That of a node which was not heard of for long, and is forgotten; FILO_NOT_FOUND: there is none. */
static int take_stale(struct filo_database *database, int64_t now, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_STALE_HOLDER);
  if (statement) sqlite3_bind_int64(statement, 1, now - STALE_SECONDS);
  int number = step_number(database, statement, err);
  if (number < 0) return number;
  statement = filo_statement(database, FILO_SQL_CLEAR_HOLDER);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_int(statement, 1, number);
  int rc = filo_database_run(database, FILO_SQL_CLEAR_HOLDER, err);
  if (rc < 0) return rc;
  filo_sums_forget(database, (unsigned)number);
  return number;
}

static int add_number(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                      int64_t now, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_COUNT_HOLDERS);
  int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
  if (rc != SQLITE_ROW) return filo_database_failed(database, err, "cannot read the catalogue");
  int number = sqlite3_column_int(statement, 0);
  sqlite3_reset(statement);
  if (number >= FILO_HOLDERS_MOST) number = take_stale(database, now, err);
  if (number < 0) return number;
  statement = filo_statement(database, FILO_SQL_NOTE_HOLDER);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_int(statement, 1, number);
  sqlite3_bind_blob(statement, 2, node, FILO_ID_SIZE, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, now);
  rc = filo_database_run(database, FILO_SQL_NOTE_HOLDER, err);
  return rc < 0 ? rc : number;
}

static int hear(struct filo_database *database, int number, int64_t now, struct filo_error *err) {
  sqlite3_stmt *statement = filo_statement(database, FILO_SQL_HEAR_HOLDER);
  if (!statement) return cannot_write(database, err);
  sqlite3_bind_int(statement, 1, number);
  sqlite3_bind_int64(statement, 2, now);
  return filo_database_run(database, FILO_SQL_HEAR_HOLDER, err);
}

/* --- Believing --- */

/* Whether a mark lies here, 0 or 1, and who holds it; or a negative code. */
static int look_up(struct filo_database *database, const unsigned char mark[FILO_MARK_SIZE],
                   struct filo_holders *ret, struct filo_error *err) {
  sqlite3_stmt *statement = statement_of(database, FILO_SQL_MARK, mark);
  int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
  if (rc == SQLITE_ROW) filo_holders_read(statement, 0, ret);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    return filo_database_failed(database, err, "cannot read the catalogue");
  sqlite3_reset(statement);
  return rc == SQLITE_ROW;
}

static int write_holders(struct filo_database *database, const unsigned char mark[FILO_MARK_SIZE],
                         const struct filo_holders *holders, struct filo_error *err) {
  sqlite3_stmt *statement = statement_of(database, FILO_SQL_BELIEVE, mark);
  int len = length(holders);
  if (!statement) return cannot_write(database, err);
  if (len > 0)
    sqlite3_bind_blob(statement, 2, holders->bits, len, SQLITE_STATIC);
  else
    sqlite3_bind_null(statement, 2);
  return filo_database_run(database, FILO_SQL_BELIEVE, err);
}

/* number: FILO_NOT_FOUND: it cannot be noted. Whether the mark lies here, or a negative code. */
static int believe_one(struct filo_database *database, const unsigned char mark[FILO_MARK_SIZE],
                       int number, bool has, struct filo_error *err) {
  struct filo_holders holders;
  int here = look_up(database, mark, &holders, err);
  if (here <= 0 || number < 0 || filo_holders_have(&holders, (unsigned)number) == has) return here;
  set(&holders, (unsigned)number, has);
  int rc = write_holders(database, mark, &holders, err);
  if (rc < 0) return rc;
  filo_sums_change(database, mark, (unsigned)number, has ? 1 : -1);
  return here;
}

int filo_marks_believe(struct filo_database *database, const unsigned char node[FILO_ID_SIZE],
                       const struct filo_marks *marks, bool has, int64_t now, bool *here,
                       struct filo_error *err) {
  int rc = filo_database_run(database, FILO_SQL_BEGIN, err);
  int number = rc < 0 ? rc : filo_holder_number(database, node, err);
  if (number == FILO_NOT_FOUND && has) number = add_number(database, node, now, err);
  if (number < 0 && number != FILO_NOT_FOUND) return number;
  if (number >= 0) rc = hear(database, number, now, err);
  for (size_t i = 0; rc >= 0 && i < marks->count; i++) {
    rc = believe_one(database, marks->list[i], number, has, err);
    if (here) here[i] = rc > 0;
  }
  return rc < 0 ? rc : filo_database_run(database, FILO_SQL_COMMIT, err);
}

int filo_catalogue_believe(struct filo_catalogue *catalogue, const unsigned char node[FILO_ID_SIZE],
                           const struct filo_marks *marks, bool has, int64_t now, bool *here,
                           struct filo_error *err) {
  int rc = filo_database_check_room(catalogue, FILO_ROOM_TO_CHANGE, err);
  if (rc == 0) rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  rc = filo_marks_believe(&catalogue->database, node, marks, has, now, here, err);
  return filo_catalogue_used(catalogue, rc, err);
}

int filo_catalogue_believed(struct filo_catalogue *catalogue,
                            const unsigned char node[FILO_ID_SIZE], const struct filo_marks *marks,
                            bool *ret, struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  int number = filo_holder_number(&catalogue->database, node, err);
  rc = number == FILO_NOT_FOUND || number >= 0 ? 0 : number;
  for (size_t i = 0; rc >= 0 && i < marks->count; i++) {
    struct filo_holders holders;
    ret[i] = false;
    if (number < 0) continue;
    rc = look_up(&catalogue->database, marks->list[i], &holders, err);
    ret[i] = rc > 0 && filo_holders_have(&holders, (unsigned)number);
  }
  return filo_catalogue_used(catalogue, rc < 0 ? rc : 0, err);
}
