/* Copies set aside, and notes: methods of a store. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/store.h"

struct bad_call {
  struct filo_call base;
  struct filo_store *store;
  unsigned char ns[FILO_ID_SIZE];
  struct filo_bad of;
  bool known;
  struct filo_bad *list;
  size_t room, count;
  char path[];
};

static void discard(struct filo_call *base) {
  struct bad_call *call = (struct bad_call *)base;
  filo_store_close(call->store);
  free(call->list);
  free(call);
}

static struct bad_call *new_call(lua_State *L, void (*work)(struct filo_call *), const char *path) {
  struct filo_store *store = filo_check_store(L, 1);
  struct bad_call *call = filo_call_new(L, sizeof *call + strlen(path) + 1, work, discard);
  call->store = filo_store_ref(store);
  strcpy(call->path, path);
  return call;
}

static void set_aside_work(struct filo_call *base) {
  struct bad_call *call = (struct bad_call *)base;
  base->code = filo_store_set_aside(call->store, call->ns, call->path,
                                    call->known ? &call->of : NULL, &base->err);
}

/* store:set_aside(namespace, path [, key_hash, version]) */
int filo_store_set_bad_aside(lua_State *L) {
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const char *path = filo_check_path(L, 3);
  bool known = !lua_isnoneornil(L, 4);
  const unsigned char *key_hash = known ? filo_check_hash(L, 4, "key hash") : NULL;
  lua_Integer version = known ? luaL_checkinteger(L, 5) : 0;
  struct bad_call *call = new_call(L, set_aside_work, path);
  memcpy(call->ns, ns, sizeof call->ns);
  call->known = known;
  if (known) memcpy(call->of.key_hash, key_hash, sizeof call->of.key_hash);
  call->of.version = (uint64_t)version;
  return filo_call(L, &call->base, filo_call_ended);
}

static void list_work(struct filo_call *base) {
  struct bad_call *call = (struct bad_call *)base;
  base->code = filo_store_bad_copies(call->store, call->list, call->room, &call->count, &base->err);
}

static int listed(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct bad_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_createtable(L, (int)call->count, 0);
  for (size_t i = 0; i < call->count; i++) {
    const struct filo_bad *bad = &call->list[i];
    lua_createtable(L, 0, 3);
    lua_pushlstring(L, (const char *)bad->ns, sizeof bad->ns);
    lua_setfield(L, -2, "namespace");
    lua_pushlstring(L, (const char *)bad->key_hash, sizeof bad->key_hash);
    lua_setfield(L, -2, "key_hash");
    lua_pushinteger(L, (lua_Integer)bad->version);
    lua_setfield(L, -2, "version");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  discard(&call->base);
  return 1;
}

/* store:bad_copies(most) */
int filo_store_list_bad(lua_State *L) {
  lua_Integer most = luaL_checkinteger(L, 2);
  luaL_argcheck(L, most > 0 && most <= 1 << 20, 2, "1 to 1048576");
  struct bad_call *call = new_call(L, list_work, "");
  call->room = (size_t)most;
  call->list = malloc(call->room * sizeof *call->list);
  if (!call->list) {
    discard(&call->base);
    return luaL_error(L, "no memory");
  }
  return filo_call(L, &call->base, listed);
}

/* --- Notes --- */

enum { NOTE_NAME_MAX = 32 };

struct note_call {
  struct filo_call base;
  struct filo_store *store;
  char name[NOTE_NAME_MAX];
  unsigned char *bytes;
  size_t len;
};

static void note_discard(struct filo_call *base) {
  struct note_call *call = (struct note_call *)base;
  filo_store_close(call->store);
  free(call->bytes);
  free(call);
}

static struct note_call *note_call(lua_State *L, void (*work)(struct filo_call *)) {
  size_t len;
  struct filo_store *store = filo_check_store(L, 1);
  const char *name = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L,
                len > 0 && len < NOTE_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz") == len,
                2, "a name of small letters");
  struct note_call *call = filo_call_new(L, sizeof *call, work, note_discard);
  call->store = filo_store_ref(store);
  memcpy(call->name, name, len + 1);
  return call;
}

static void write_work(struct filo_call *base) {
  struct note_call *call = (struct note_call *)base;
  base->code = filo_store_write_note(call->store, call->name, call->bytes, call->len, &base->err);
}

/* store:write_note(name, bytes) */
int filo_store_put_note(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 3, &len);
  struct note_call *call = note_call(L, write_work);
  call->bytes = malloc(len + 1);
  if (!call->bytes) {
    note_discard(&call->base);
    return luaL_error(L, "no memory");
  }
  memcpy(call->bytes, bytes, len);
  call->len = len;
  return filo_call(L, &call->base, filo_call_ended);
}

static void read_work(struct filo_call *base) {
  struct note_call *call = (struct note_call *)base;
  base->code = filo_store_read_note(call->store, call->name, &call->bytes, &call->len, &base->err);
}

static int note_read(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct note_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushlstring(L, (const char *)call->bytes, call->len);
  note_discard(&call->base);
  return 1;
}

/* store:read_note(name) */
int filo_store_get_note(lua_State *L) {
  return filo_call(L, &note_call(L, read_work)->base, note_read);
}
