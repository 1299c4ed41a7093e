/* Old copies: methods of a store. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/store.h"
#include "store/old.h"

struct old_call {
  struct filo_call base;
  struct filo_store *store;
  struct filo_old old; /* for keep_deleted, its namespace only */
  enum filo_old_kind kind;
  unsigned char bucket;
  bool keeps, known;
  unsigned char versions[FILO_OLD_CLASSES];
  struct filo_old_owner *owners;
  int64_t seconds;
  uint64_t numbers[2];
  struct filo_old *list;
  size_t count;
  char path[FILO_PATH_MAX];
};

static void discard(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  filo_store_close(call->store);
  free(call->list);
  free(call->owners);
  free(call);
}

static struct old_call *new_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_store *store = filo_check_store(L, 1);
  struct old_call *call = filo_call_new(L, sizeof *call, work, discard);
  call->store = filo_store_ref(store);
  return call;
}

/* --- A table for each --- */

static void push_hash(lua_State *L, const unsigned char hash[32], const char *name) {
  lua_pushlstring(L, (const char *)hash, 32);
  lua_setfield(L, -2, name);
}

static void push_number(lua_State *L, int64_t number, const char *name) {
  lua_pushinteger(L, (lua_Integer)number);
  lua_setfield(L, -2, name);
}

static void push_old(lua_State *L, const struct filo_old *old) {
  lua_createtable(L, 0, 7);
  push_hash(L, old->ns, "namespace");
  push_hash(L, old->key_hash, "key_hash");
  push_number(L, (int64_t)old->version, "version");
  push_number(L, (int64_t)old->size, "size");
  push_number(L, old->time, "time");
  push_number(L, old->class, "class");
  lua_pushstring(L, filo_old_why_name(old->why));
  lua_setfield(L, -2, "why");
}

static void read_hash(lua_State *L, int index, const char *name, unsigned char ret[32]) {
  size_t len = 0;
  lua_getfield(L, index, name);
  const char *bytes = lua_tolstring(L, -1, &len);
  luaL_argcheck(L, bytes && len == 32, index, "an old copy expected, as store:old gives it");
  memcpy(ret, bytes, 32);
  lua_pop(L, 1);
}

static lua_Integer read_number(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  luaL_argcheck(L, lua_isinteger(L, -1), index, "an old copy expected, as store:old gives it");
  lua_Integer number = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return number;
}

void filo_check_old(lua_State *L, int index, struct filo_old *ret) {
  luaL_checktype(L, index, LUA_TTABLE);
  read_hash(L, index, "namespace", ret->ns);
  read_hash(L, index, "key_hash", ret->key_hash);
  ret->version = (uint64_t)read_number(L, index, "version");
  ret->size = (uint64_t)read_number(L, index, "size");
  ret->time = read_number(L, index, "time");
  ret->class = (unsigned char)read_number(L, index, "class");
  lua_getfield(L, index, "why");
  const char *why = lua_tostring(L, -1);
  luaL_argcheck(L, why && filo_old_why_of(why, &ret->why), index,
                "an old copy expected, as store:old gives it");
  lua_pop(L, 1);
}

static enum filo_old_kind check_kind(lua_State *L, int index) {
  static const char *const names[] = {"trash", "versions", NULL};
  return (enum filo_old_kind)luaL_checkoption(L, index, NULL, names);
}

/* --- old(kind, bucket): those whose key hash begins with this byte --- */

static void list_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code =
      filo_old_list(call->store, call->kind, call->bucket, &call->list, &call->count, &base->err);
}

static int listed(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct old_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_createtable(L, (int)call->count, 0);
  for (size_t i = 0; i < call->count; i++) {
    push_old(L, &call->list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  discard(&call->base);
  return 1;
}

int filo_store_list_old(lua_State *L) {
  enum filo_old_kind kind = check_kind(L, 2);
  lua_Integer bucket = luaL_checkinteger(L, 3);
  luaL_argcheck(L, bucket >= 0 && bucket < FILO_OLD_BUCKETS, 3, "0 to 255");
  struct old_call *call = new_call(L, list_work);
  call->kind = kind;
  call->bucket = (unsigned char)bucket;
  return filo_call(L, &call->base, listed);
}

/* --- old_of(kind, namespace, key_hash): those of one object --- */

static void list_of_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code = filo_old_list_of(call->store, call->kind, call->old.ns, call->old.key_hash,
                                &call->list, &call->count, &base->err);
}

int filo_store_list_old_of(lua_State *L) {
  enum filo_old_kind kind = check_kind(L, 2);
  const unsigned char *ns = filo_check_hash(L, 3, "namespace");
  const unsigned char *key_hash = filo_check_hash(L, 4, "key hash");
  struct old_call *call = new_call(L, list_of_work);
  call->kind = kind;
  memcpy(call->old.ns, ns, sizeof call->old.ns);
  memcpy(call->old.key_hash, key_hash, sizeof call->old.key_hash);
  return filo_call(L, &call->base, listed);
}

/* --- old_usage(kind): how many, and their bytes --- */

static void usage_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  filo_old_usage(call->store, call->kind, &call->numbers[0], &call->numbers[1]);
}

static int usage_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct old_call *call = filo_call_end(L, ctx);
  lua_pushinteger(L, (lua_Integer)call->numbers[0]);
  lua_pushinteger(L, (lua_Integer)call->numbers[1]);
  discard(&call->base);
  return 2;
}

int filo_store_old_usage(lua_State *L) {
  enum filo_old_kind kind = check_kind(L, 2);
  struct old_call *call = new_call(L, usage_work);
  call->kind = kind;
  return filo_call(L, &call->base, usage_ended);
}

/* --- old_owners(): the same of the versions of each namespace --- */

static void owners_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code = filo_old_owners(call->store, &call->owners, &call->count, &base->err);
}

static int owners_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct old_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_createtable(L, (int)call->count, 0);
  for (size_t i = 0; i < call->count; i++) {
    lua_createtable(L, 0, 3);
    push_hash(L, call->owners[i].ns, "namespace");
    push_number(L, (int64_t)call->owners[i].count, "objects");
    push_number(L, (int64_t)call->owners[i].bytes, "bytes");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  discard(&call->base);
  return 1;
}

int filo_store_old_owners(lua_State *L) {
  return filo_call(L, &new_call(L, owners_work)->base, owners_ended);
}

/* --- yield_versions(namespace, bytes): how many bytes of its oldest have gone --- */

static void yield_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  call->numbers[0] = filo_old_yield_owner(call->store, call->old.ns, call->numbers[1]);
}

static int yielded(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct old_call *call = filo_call_end(L, ctx);
  lua_pushinteger(L, (lua_Integer)call->numbers[0]);
  discard(&call->base);
  return 1;
}

int filo_store_yield_versions(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  uint64_t bytes = filo_check_count(L, 3, 0);
  struct old_call *call = new_call(L, yield_work);
  memcpy(call->old.ns, ns, sizeof call->old.ns);
  call->numbers[1] = bytes;
  return filo_call(L, &call->base, yielded);
}

/* --- restore(old, path) --- */

static void restore_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code = filo_old_restore(call->store, &call->old, call->path, &base->err);
}

int filo_store_restore_old(lua_State *L) {
  struct filo_old old;
  filo_check_old(L, 2, &old);
  const char *path = filo_check_path(L, 3);
  struct old_call *call = new_call(L, restore_work);
  call->old = old;
  strcpy(call->path, path);
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- forget_old(old): that version goes --- */

static void forget_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  filo_old_forget_version(call->store, &call->old);
}

int filo_store_forget_old(lua_State *L) {
  struct filo_old old;
  filo_check_old(L, 2, &old);
  struct old_call *call = new_call(L, forget_work);
  call->old = old;
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- sweep_old(seconds): those that lie there for so long go --- */

static void sweep_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  filo_old_sweep(call->store, call->seconds);
}

int filo_store_sweep_old(lua_State *L) {
  lua_Integer seconds = luaL_checkinteger(L, 2);
  struct old_call *call = new_call(L, sweep_work);
  call->seconds = seconds;
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- keep_deleted(namespace, keeps) --- */

static void keep_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code = filo_old_keep_deleted(call->store, call->old.ns, call->keeps, &base->err);
}

int filo_store_keep_deleted(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  struct old_call *call = new_call(L, keep_work);
  memcpy(call->old.ns, ns, sizeof call->old.ns);
  call->keeps = lua_toboolean(L, 3);
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- keep_versions(namespace [, text]): how many, in a byte for each class --- */

static void versions_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code = filo_old_keep_versions(call->store, call->old.ns,
                                      call->known ? call->versions : NULL, &base->err);
}

int filo_store_keep_versions(lua_State *L) {
  size_t len = 0;
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const char *text = luaL_optlstring(L, 3, NULL, &len);
  luaL_argcheck(L, !text || len == FILO_OLD_CLASSES, 3, "a byte for each class");
  struct old_call *call = new_call(L, versions_work);
  memcpy(call->old.ns, ns, sizeof call->old.ns);
  call->known = text != NULL;
  if (text) memcpy(call->versions, text, sizeof call->versions);
  return filo_call(L, &call->base, filo_call_ended);
}
