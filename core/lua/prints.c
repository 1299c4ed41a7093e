/* Methods of catalogues: marks of what lies here and other nodes hold, too, and prints of these. A list
 * of marks is one string, 16 bytes for each; leaves are the first and the last of each range, in 2 bytes
 * each, the more significant first. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/catalogue.h"

struct prints_call {
  struct filo_call base;
  struct filo_catalogue_handle *shared;
  unsigned char node[FILO_ID_SIZE], salt[FILO_SALT_SIZE];
  struct filo_marks marks, lacks, more;
  bool *told; /* of each of the marks */
  bool has;
  int64_t now;
  struct filo_leaves *leaves;
  size_t leaves_count;
  unsigned to;
  uint64_t count;
  unsigned char *prints, *buckets;
  size_t prints_bytes, buckets_count;
};

static void discard(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  filo_catalogue_handle_unref(call->shared);
  filo_marks_free(&call->marks);
  filo_marks_free(&call->lacks);
  filo_marks_free(&call->more);
  free(call->told);
  free(call->leaves);
  free(call->prints);
  free(call->buckets);
  free(call);
}

/* --- Arguments --- */

static const unsigned char *check_salt(lua_State *L, int index) {
  size_t len;
  const char *salt = luaL_checklstring(L, index, &len);
  luaL_argcheck(L, len == FILO_SALT_SIZE, index, "16 bytes expected");
  return (const unsigned char *)salt;
}

/* A list of so many at most, of so many bytes each; NULL when it is empty. */
static const char *check_list(lua_State *L, int index, size_t size, size_t most, size_t *count) {
  size_t len;
  const char *list = luaL_checklstring(L, index, &len);
  luaL_argcheck(L, len % size == 0 && len / size <= most, index, "a list that is too long, or cut");
  *count = len / size;
  return list;
}

enum { RANGE_BYTES = 4, RANGES_MOST = FILO_ALL_LEAVES };

static struct prints_call *new_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_catalogue_handle *shared = filo_check_catalogue(L);
  const unsigned char *node = filo_check_hash(L, 2, "node");
  struct prints_call *call = filo_call_new(L, sizeof *call, work, discard);
  call->shared = shared;
  shared->refs++;
  memcpy(call->node, node, FILO_ID_SIZE);
  return call;
}

/* Copies the list of marks at an index, which was checked. */
static bool take_marks(lua_State *L, int index, struct prints_call *call) {
  size_t len;
  const char *list = lua_tolstring(L, index, &len);
  call->marks.count = len / FILO_MARK_SIZE;
  call->marks.list = malloc(len + 1);
  call->told = calloc(call->marks.count + 1, sizeof *call->told);
  if (!call->marks.list || !call->told) return false;
  memcpy(call->marks.list, list, len);
  return true;
}

/* The same of leaves. What is beyond all has no marks. */
static bool take_leaves(lua_State *L, int index, struct prints_call *call) {
  size_t len;
  const unsigned char *list = (const unsigned char *)lua_tolstring(L, index, &len);
  call->leaves_count = len / RANGE_BYTES;
  call->leaves = calloc(call->leaves_count + 1, sizeof *call->leaves);
  if (!call->leaves) return false;
  for (size_t i = 0; i < call->leaves_count; i++, list += RANGE_BYTES)
    call->leaves[i] = (struct filo_leaves){.first = (uint16_t)(list[0] << 8 | list[1]),
                                           .last = (uint16_t)(list[2] << 8 | list[3])};
  return true;
}

static int no_memory(lua_State *L, struct prints_call *call) {
  discard(&call->base);
  return luaL_error(L, "no memory");
}

static void push_marks(lua_State *L, const struct filo_marks *marks) {
  lua_pushlstring(L, marks->list ? (const char *)marks->list : "",
                  marks->count * sizeof *marks->list);
}

/* --- Marks --- */

/* mark(namespace, key_hash, version): of one version */
int filo_prints_mark(lua_State *L) {
  unsigned char mark[FILO_MARK_SIZE];
  filo_check_catalogue(L);
  filo_mark(filo_check_hash(L, 2, "namespace"), filo_check_hash(L, 3, "key hash"),
            (uint64_t)luaL_checkinteger(L, 4), mark);
  lua_pushlstring(L, (const char *)mark, sizeof mark);
  return 1;
}

static void believe_work(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  base->code = filo_catalogue_believe(call->shared->catalogue, call->node, &call->marks, call->has,
                                      call->now, call->told, &base->err);
}

static int believe_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct prints_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  size_t kept = 0;
  for (size_t i = 0; i < call->marks.count; i++)
    if (!call->told[i]) memmove(call->marks.list[kept++], call->marks.list[i], FILO_MARK_SIZE);
  call->marks.count = kept;
  push_marks(L, &call->marks);
  discard(&call->base);
  return 1;
}

/* believe(node, marks, has, now): those that do not lie here */
int filo_prints_believe(lua_State *L) {
  size_t count;
  check_list(L, 3, FILO_MARK_SIZE, FILO_MARKS_MOST, &count);
  luaL_checktype(L, 4, LUA_TBOOLEAN);
  lua_Integer now = luaL_checkinteger(L, 5);
  struct prints_call *call = new_call(L, believe_work);
  call->has = lua_toboolean(L, 4);
  call->now = now;
  if (!take_marks(L, 3, call)) return no_memory(L, call);
  return filo_call(L, &call->base, believe_ended);
}

static void believed_work(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  base->code = filo_catalogue_believed(call->shared->catalogue, call->node, &call->marks,
                                       call->told, &base->err);
}

static int believed_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct prints_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_createtable(L, (int)call->marks.count, 0);
  for (size_t i = 0; i < call->marks.count; i++) {
    lua_pushboolean(L, call->told[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  discard(&call->base);
  return 1;
}

/* believed(node, marks): a boolean for each */
int filo_prints_believed(lua_State *L) {
  size_t count;
  check_list(L, 3, FILO_MARK_SIZE, FILO_MARKS_MOST, &count);
  struct prints_call *call = new_call(L, believed_work);
  if (!take_marks(L, 3, call)) return no_memory(L, call);
  return filo_call(L, &call->base, believed_ended);
}

/* --- Prints --- */

static int prints_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct prints_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushlstring(L, (const char *)call->prints, call->prints_bytes);
  discard(&call->base);
  return 1;
}

static struct prints_call *print_call(lua_State *L, void (*work)(struct filo_call *)) {
  const unsigned char *salt = check_salt(L, 3);
  struct prints_call *call = new_call(L, work);
  memcpy(call->salt, salt, FILO_SALT_SIZE);
  return call;
}

static void print_work(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  base->code = filo_catalogue_print(call->shared->catalogue, call->node, call->salt, call->prints,
                                    &call->count, &base->err);
}

static int print_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct prints_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushlstring(L, (const char *)call->prints, call->prints_bytes);
  lua_pushinteger(L, (lua_Integer)call->count);
  discard(&call->base);
  return 2;
}

/* print(node, salt): of all that lies here and the node is known to hold, and how many that are */
int filo_prints_print(lua_State *L) {
  struct prints_call *call = print_call(L, print_work);
  call->prints_bytes = FILO_MARKS_PRINT;
  call->prints = malloc(call->prints_bytes);
  return call->prints ? filo_call(L, &call->base, print_ended) : no_memory(L, call);
}

static void prints_work(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  struct filo_catalogue *catalogue = call->shared->catalogue;
  void *out = call->prints;
  base->code =
      call->buckets
          ? filo_catalogue_leaf_prints(catalogue, call->node, call->salt, call->buckets,
                                       call->buckets_count, out, &base->err)
          : filo_catalogue_bucket_prints(catalogue, call->node, call->salt, out, &base->err);
}

/* prints(node, salt [, buckets]): of the same, the prints of all buckets; or of all leaves of some */
int filo_prints_prints(lua_State *L) {
  bool some = !lua_isnoneornil(L, 4);
  size_t count = 1;
  const char *buckets = some ? check_list(L, 4, 1, FILO_BUCKETS, &count) : NULL;
  struct prints_call *call = print_call(L, prints_work);
  call->prints_bytes = (some ? count * FILO_LEAVES : FILO_BUCKETS) * FILO_MARKS_PRINT;
  call->prints = malloc(call->prints_bytes + 1);
  call->buckets = some ? malloc(count + 1) : NULL;
  if (!call->prints || (some && !call->buckets)) return no_memory(L, call);
  if (some) memcpy(call->buckets, buckets, count);
  call->buckets_count = count;
  return filo_call(L, &call->base, prints_ended);
}

/* --- Leaves --- */

static void marks_work(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  base->code = filo_catalogue_marks(call->shared->catalogue, call->node, call->leaves,
                                    call->leaves_count, &call->to, &call->more, &base->err);
}

static int marks_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct prints_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  push_marks(L, &call->more);
  lua_pushinteger(L, call->to);
  discard(&call->base);
  return 2;
}

/* marks(node, leaves): what lies here and the node is known to hold; up to which leaf */
int filo_prints_marks(lua_State *L) {
  size_t count;
  check_list(L, 3, RANGE_BYTES, RANGES_MOST, &count);
  struct prints_call *call = new_call(L, marks_work);
  if (!take_leaves(L, 3, call)) return no_memory(L, call);
  return filo_call(L, &call->base, marks_ended);
}

static void settle_work(struct filo_call *base) {
  struct prints_call *call = (struct prints_call *)base;
  base->code = filo_catalogue_settle(call->shared->catalogue, call->node, call->leaves,
                                     call->leaves_count, &call->marks, call->now, &call->lacks,
                                     &call->more, &call->to, &base->err);
}

static int settle_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct prints_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  push_marks(L, &call->lacks);
  push_marks(L, &call->more);
  lua_pushinteger(L, call->to);
  discard(&call->base);
  return 3;
}

/* settle(node, leaves, marks, now): the node has told that these are what it has so; those of them that
 * do not lie here, what it has not told of, and up to which leaf */
int filo_prints_settle(lua_State *L) {
  size_t count;
  check_list(L, 3, RANGE_BYTES, RANGES_MOST, &count);
  check_list(L, 4, FILO_MARK_SIZE, FILO_MARKS_MOST, &count);
  lua_Integer now = luaL_checkinteger(L, 5);
  struct prints_call *call = new_call(L, settle_work);
  call->now = now;
  if (!take_leaves(L, 3, call) || !take_marks(L, 4, call)) return no_memory(L, call);
  return filo_call(L, &call->base, settle_ended);
}
