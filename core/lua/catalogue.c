/* Catalogues: pages of what is known of a store's files. */
#include "catalogue/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/catalogue.h"
#include "lua/handle.h"
#include "lua/keys.h"
#include "lua/store.h"

/* --- The handle --- */

struct catalogue_box {
  struct filo_catalogue_handle *shared;
};

void filo_catalogue_handle_unref(struct filo_catalogue_handle *shared) {
  if (--shared->refs > 0) return;
  filo_catalogue_free(shared->catalogue);
  free(shared);
}

/* By the collector it is closed here and now, which waits. */
static void release(void *self) {
  struct catalogue_box *box = self;
  if (!box->shared) return;
  filo_catalogue_close(box->shared->catalogue);
  filo_catalogue_handle_unref(box->shared);
}

static const struct filo_handle_type type = {
    .name = "filo.catalogue",
    .closed = "the catalogue is closed",
    .size = sizeof(struct catalogue_box),
    .release = release,
};

struct filo_catalogue_handle *filo_check_catalogue(lua_State *L) {
  return ((struct catalogue_box *)filo_handle_check(L, 1, &type))->shared;
}

enum { KEYS_MAX = 256 };

/* store:catalogue(keys, ...) */
int filo_store_catalogue(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  struct filo_namespace *keys[KEYS_MAX];
  int count = lua_gettop(L) - 1;
  luaL_argcheck(L, count <= KEYS_MAX, KEYS_MAX + 2, "too many namespaces");
  for (int i = 0; i < count; i++) keys[i] = filo_check_keys(L, i + 2);
  struct catalogue_box *box = filo_handle_push(L, &type);
  struct filo_catalogue_handle *shared = calloc(1, sizeof *shared);
  struct filo_error err;
  if (!shared) return luaL_error(L, "no memory");
  shared->refs = 1;
  if (filo_catalogue_open(store, keys, (size_t)count, &shared->catalogue, &err) < 0) {
    free(shared);
    return filo_return_error(L, &err);
  }
  box->shared = shared;
  return 1;
}

/* --- Calls --- */

struct catalogue_call {
  struct filo_call base;
  struct filo_catalogue_handle *shared;
  unsigned char ns[FILO_ID_SIZE], mark[FILO_MARK_SIZE];
  char *prefix, *after_name;
  size_t prefix_len, after_name_len, most;
  int64_t verified, after, until;
  struct filo_age age;
  uint64_t count, bytes; /* of those that are older */
  unsigned char life[FILO_LIFE_SIZE];
  bool tombstones, records;
  uint64_t below;
  uint32_t generation; /* as `after` goes on, and the newest that was found */
  uint64_t outdated;
  struct filo_rows rows;
  char *last_name; /* of the page, though its object may be gone */
  size_t last_name_len;
  struct filo_usage *usage[FILO_ACCOUNTS];
  size_t usage_count[FILO_ACCOUNTS];
};

static void discard(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  filo_rows_free(&call->rows);
  filo_catalogue_handle_unref(call->shared);
  for (int kind = 0; kind < FILO_ACCOUNTS; kind++) free(call->usage[kind]);
  free(call->prefix);
  free(call->after_name);
  free(call->last_name);
  free(call);
}

static struct catalogue_call *new_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_catalogue_handle *shared = filo_check_catalogue(L);
  struct catalogue_call *call = filo_call_new(L, sizeof *call, work, discard);
  call->shared = shared;
  shared->refs++;
  return call;
}

size_t filo_check_most(lua_State *L, int index) {
  lua_Integer most = luaL_optinteger(L, index, FILO_PAGE_ROWS);
  luaL_argcheck(L, most > 0 && most <= FILO_PAGE_ROWS, index, "1 to 512");
  return (size_t)most;
}

static void set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_bytes(lua_State *L, const char *name, const void *bytes, size_t len) {
  lua_pushlstring(L, bytes, len);
  lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void set_object(lua_State *L, const struct filo_row *row) {
  set_integer(L, "version", (lua_Integer)row->version);
  set_integer(L, "size", (lua_Integer)row->size);
  set_boolean(L, "plain", row->flags & FILO_PLAIN);
  set_integer(L, "class", row->class);
  set_integer(L, "verified", (lua_Integer)row->verified);
  if (row->has_modified) set_integer(L, "modified", (lua_Integer)row->modified);
  if (row->name) set_bytes(L, "name", row->name, row->name_len);
  if (row->conflict) set_bytes(L, "conflict", row->conflict, row->conflict_len);
  if (row->etag[0]) set_bytes(L, "etag", row->etag, strlen(row->etag));
  if (row->elsewhere) set_boolean(L, "elsewhere", true);
  if (row->record) set_bytes(L, "record", row->record, row->record_len);
}

static void set_file(lua_State *L, const struct filo_row *row) {
  set_integer(L, "id", (lua_Integer)row->id);
  set_bytes(L, "namespace", row->ns, sizeof row->ns);
  if (row->path) set_bytes(L, "path", row->path, strlen(row->path));
  if (row->problem) {
    const char *code = filo_code_name(row->problem);
    set_bytes(L, "problem", code, strlen(code));
  } else {
    set_bytes(L, "key_hash", row->key_hash, sizeof row->key_hash);
    set_boolean(L, "tombstone", row->flags & FILO_TOMBSTONE);
    set_integer(L, "generation", row->generation);
  }
}

/* Of a list of names, which may have a million, no more than is told of a name. */
static void push_row(lua_State *L, const struct filo_row *row) {
  bool has_file = row->problem || row->has_key_hash;
  lua_createtable(L, 0, has_file ? 15 : 8);
  if (has_file) set_file(L, row);
  if (!row->problem) set_object(L, row);
}

static int rows_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct catalogue_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_createtable(L, (int)call->rows.count, 0);
  for (size_t i = 0; i < call->rows.count; i++) {
    push_row(L, &call->rows.list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  if (call->last_name)
    lua_pushlstring(L, call->last_name, call->last_name_len);
  else
    lua_pushnil(L);
  discard(&call->base);
  return 2;
}

/* A copy of an argument, or NULL for nil; false without memory. */
static bool copy_text(lua_State *L, int index, char **ret, size_t *len) {
  const char *text = luaL_optlstring(L, index, NULL, len);
  *ret = text ? malloc(*len + 1) : NULL;
  if (*ret) memcpy(*ret, text, *len);
  return *ret || !text;
}

static void names_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_names(call->shared->catalogue, call->ns, call->prefix,
                                    call->prefix_len, call->after_name, call->after_name_len,
                                    call->records, call->most, &call->rows, &base->err);
  if (base->code < 0 || call->rows.count == 0) return;
  struct filo_row *last = &call->rows.list[call->rows.count - 1];
  call->last_name = malloc(last->name_len + 1);
  call->last_name_len = last->name_len;
  if (call->last_name)
    memcpy(call->last_name, last->name, last->name_len);
  else
    base->code = filo_fail(&base->err, FILO_NO_MEMORY, "no memory for a list");
  if (base->code == 0 && call->records)
    base->code = filo_catalogue_read(call->shared->catalogue, &call->rows, &base->err);
}

static int list_names(lua_State *L, bool records) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  luaL_checkstring(L, 3);
  luaL_optstring(L, 4, NULL);
  size_t most = filo_check_most(L, 5);
  struct catalogue_call *call = new_call(L, names_work);
  memcpy(call->ns, ns, sizeof call->ns);
  call->most = most;
  call->records = records;
  if (!copy_text(L, 3, &call->prefix, &call->prefix_len) ||
      !copy_text(L, 4, &call->after_name, &call->after_name_len)) {
    discard(&call->base);
    return luaL_error(L, "no memory");
  }
  return filo_call(L, &call->base, rows_ended);
}

/* names(namespace, prefix, after or nil [, most]): rows; the name of the last one in the catalogue */
static int catalogue_names(lua_State *L) {
  return list_names(L, false);
}

/* records(namespace, prefix, after or nil [, most]): the same, and their files are read */
static int catalogue_records(lua_State *L) {
  return list_names(L, true);
}

static void files_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_files(call->shared->catalogue, call->ns, call->tombstones,
                                    call->after, call->most, &call->rows, &base->err);
}

static int list_files(lua_State *L, bool tombstones) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  lua_Integer after = luaL_checkinteger(L, 3);
  size_t most = filo_check_most(L, 4);
  struct catalogue_call *call = new_call(L, files_work);
  memcpy(call->ns, ns, sizeof call->ns);
  call->tombstones = tombstones;
  call->after = after;
  call->most = most;
  return filo_call(L, &call->base, rows_ended);
}

/* files(namespace, after [, most]) */
static int catalogue_files(lua_State *L) {
  return list_files(L, false);
}

/* tombstones(namespace, after [, most]) */
static int catalogue_tombstones(lua_State *L) {
  return list_files(L, true);
}

static void stalest_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_stalest(call->shared->catalogue, call->ns, call->verified,
                                      call->after, call->most, &call->rows, &base->err);
}

/* stalest(namespace, verified, after [, most]) */
static int catalogue_stalest(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  lua_Integer verified = luaL_checkinteger(L, 3), after = luaL_checkinteger(L, 4);
  size_t most = filo_check_most(L, 5);
  struct catalogue_call *call = new_call(L, stalest_work);
  memcpy(call->ns, ns, sizeof call->ns);
  call->verified = verified;
  call->after = after;
  call->most = most;
  return filo_call(L, &call->base, rows_ended);
}

/* verified, size, id, until */
static struct catalogue_call *age_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_age age = {.verified = luaL_checkinteger(L, 2),
                         .size = luaL_checkinteger(L, 3),
                         .id = luaL_checkinteger(L, 4)};
  lua_Integer until = luaL_checkinteger(L, 5);
  struct catalogue_call *call = new_call(L, work);
  call->age = age;
  call->until = until;
  return call;
}

static void oldest_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_oldest(call->shared->catalogue, &call->age, call->until, call->most,
                                     &call->rows, &base->err);
}

/* oldest(verified, size, id, until [, most]) */
static int catalogue_oldest(lua_State *L) {
  size_t most = filo_check_most(L, 6);
  struct catalogue_call *call = age_call(L, oldest_work);
  call->most = most;
  return filo_call(L, &call->base, rows_ended);
}

static void older_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_older(call->shared->catalogue, &call->age, call->until, &call->count,
                                    &call->bytes, call->life, &base->err);
}

static int older_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct catalogue_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushinteger(L, (lua_Integer)call->count);
  lua_pushinteger(L, (lua_Integer)call->bytes);
  lua_pushlstring(L, (const char *)call->life, sizeof call->life);
  discard(&call->base);
  return 3;
}

/* older(verified, size, id, until): how many these are, their bytes, and the life of the ids */
static int catalogue_older(lua_State *L) {
  return filo_call(L, &age_call(L, older_work)->base, older_ended);
}

static void at_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code =
      filo_catalogue_at(call->shared->catalogue, call->ns, call->prefix, &call->rows, &base->err);
}

/* at(namespace, path) */
static int catalogue_at(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const char *path = filo_check_path(L, 3);
  struct catalogue_call *call = new_call(L, at_work);
  memcpy(call->ns, ns, sizeof call->ns);
  call->prefix = strdup(path);
  if (call->prefix) return filo_call(L, &call->base, rows_ended);
  discard(&call->base);
  return luaL_error(L, "no memory");
}

static void marked_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_marked(call->shared->catalogue, call->mark, &call->rows, &base->err);
}

/* marked(mark) */
static int catalogue_marked(lua_State *L) {
  size_t len;
  const char *mark = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, len == FILO_MARK_SIZE, 2, "16 bytes expected");
  struct catalogue_call *call = new_call(L, marked_work);
  memcpy(call->mark, mark, sizeof call->mark);
  return filo_call(L, &call->base, rows_ended);
}

static uint32_t check_generation(lua_State *L, int index) {
  lua_Integer generation = luaL_checkinteger(L, index);
  luaL_argcheck(L, generation >= 0 && generation <= UINT32_MAX, index, "0 to 4294967295 expected");
  return (uint32_t)generation;
}

/* One more than there can be takes in all. */
static uint64_t check_below(lua_State *L, int index) {
  lua_Integer below = luaL_checkinteger(L, index);
  luaL_argcheck(L, below >= 0 && below <= (lua_Integer)UINT32_MAX + 1, index,
                "0 to 4294967296 expected");
  return (uint64_t)below;
}

static void outdated_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code =
      filo_catalogue_outdated(call->shared->catalogue, call->ns, call->below, call->generation,
                              call->after, call->most, &call->rows, &base->err);
}

/* outdated(namespace, below, generation, after [, most]) */
static int catalogue_outdated(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  uint64_t below = check_below(L, 3);
  uint32_t generation = check_generation(L, 4);
  lua_Integer after = luaL_checkinteger(L, 5);
  size_t most = filo_check_most(L, 6);
  struct catalogue_call *call = new_call(L, outdated_work);
  memcpy(call->ns, ns, sizeof call->ns);
  call->below = below;
  call->generation = generation;
  call->after = after;
  call->most = most;
  return filo_call(L, &call->base, rows_ended);
}

static void generations_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_generations(call->shared->catalogue, call->ns, call->below,
                                          &call->outdated, &call->generation, &base->err);
}

static int generations_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct catalogue_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushinteger(L, (lua_Integer)call->outdated);
  lua_pushinteger(L, call->generation);
  discard(&call->base);
  return 2;
}

/* generations(namespace, below): how many objects are of one below, and the newest that there is */
static int catalogue_generations(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  uint64_t below = check_below(L, 3);
  struct catalogue_call *call = new_call(L, generations_work);
  memcpy(call->ns, ns, sizeof call->ns);
  call->below = below;
  return filo_call(L, &call->base, generations_ended);
}

static void problems_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code = filo_catalogue_problems(call->shared->catalogue, call->after, call->most,
                                       &call->rows, &base->err);
}

/* problems(after [, most]) */
static int catalogue_problems(lua_State *L) {
  lua_Integer after = luaL_checkinteger(L, 2);
  size_t most = filo_check_most(L, 3);
  struct catalogue_call *call = new_call(L, problems_work);
  call->after = after;
  call->most = most;
  return filo_call(L, &call->base, rows_ended);
}

static void usage_work(struct filo_call *base) {
  struct catalogue_call *call = (struct catalogue_call *)base;
  base->code =
      filo_catalogue_usage(call->shared->catalogue, call->usage, call->usage_count, &base->err);
}

static void push_usage(lua_State *L, const char *whose, const struct filo_usage *list,
                       size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 4);
    set_bytes(L, whose, list[i].id, sizeof list[i].id);
    set_integer(L, "objects", (lua_Integer)list[i].objects);
    set_integer(L, "deleted", (lua_Integer)list[i].deleted);
    set_integer(L, "bytes", (lua_Integer)list[i].bytes);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static int usage_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct catalogue_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  push_usage(L, "namespace", call->usage[FILO_OF_NAMESPACE], call->usage_count[FILO_OF_NAMESPACE]);
  push_usage(L, "bringer", call->usage[FILO_OF_BRINGER], call->usage_count[FILO_OF_BRINGER]);
  discard(&call->base);
  return 2;
}

/* usage(): of whom how much lies here, and who has brought how much */
static int catalogue_usage(lua_State *L) {
  return filo_call(L, &new_call(L, usage_work)->base, usage_ended);
}

/* state(): "opening", "rebuilding", "ready" or "failed"; files seen by rebuilding; why it failed */
static int catalogue_state(lua_State *L) {
  static const char *const names[] = {"opening", "rebuilding", "ready", "failed"};
  uint64_t done;
  struct filo_error err;
  enum filo_catalogue_state state =
      filo_catalogue_state(filo_check_catalogue(L)->catalogue, &done, &err);
  lua_pushstring(L, names[state]);
  lua_pushinteger(L, (lua_Integer)done);
  if (state != FILO_CATALOGUE_FAILED) return 2;
  lua_pushstring(L, err.message);
  return 3;
}

/* add_keys(keys) */
static int catalogue_add_keys(lua_State *L) {
  struct filo_error err;
  struct filo_catalogue *catalogue = filo_check_catalogue(L)->catalogue;
  if (filo_catalogue_add_keys(catalogue, filo_check_keys(L, 2), &err) < 0)
    return filo_return_error(L, &err);
  lua_pushboolean(L, true);
  return 1;
}

static int catalogue_refresh(lua_State *L) {
  filo_catalogue_refresh(filo_check_catalogue(L)->catalogue);
  return 0;
}

static void close_work(struct filo_call *base) {
  filo_catalogue_close(((struct catalogue_call *)base)->shared->catalogue);
}

/* close(): waits until it is closed in order */
static int catalogue_close(lua_State *L) {
  struct catalogue_box *box = filo_handle_box(L, 1, &type);
  if (!box->shared) return 0;
  struct catalogue_call *call = new_call(L, close_work);
  filo_catalogue_handle_unref(box->shared); /* the call has it now */
  box->shared = NULL;
  return filo_call(L, &call->base, filo_call_ended);
}

static const luaL_Reg methods[] = {{"names", catalogue_names},
                                   {"records", catalogue_records},
                                   {"files", catalogue_files},
                                   {"tombstones", catalogue_tombstones},
                                   {"stalest", catalogue_stalest},
                                   {"problems", catalogue_problems},
                                   {"oldest", catalogue_oldest},
                                   {"older", catalogue_older},
                                   {"at", catalogue_at},
                                   {"outdated", catalogue_outdated},
                                   {"generations", catalogue_generations},
                                   {"usage", catalogue_usage},
                                   {"state", catalogue_state},
                                   {"refresh", catalogue_refresh},
                                   {"add_keys", catalogue_add_keys},
                                   {"feed", filo_lists_feed},
                                   {"note", filo_lists_note},
                                   {"noted", filo_lists_noted},
                                   {"mark", filo_prints_mark},
                                   {"believe", filo_prints_believe},
                                   {"believed", filo_prints_believed},
                                   {"print", filo_prints_print},
                                   {"prints", filo_prints_prints},
                                   {"marks", filo_prints_marks},
                                   {"marked", catalogue_marked},
                                   {"settle", filo_prints_settle},
                                   {"close", catalogue_close},
                                   {"close_now", filo_handle_close},
                                   {NULL, NULL}};

void filo_register_catalogue(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
