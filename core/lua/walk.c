/* Walks over all objects of a store, a batch for each trip to a worker. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/handle.h"
#include "lua/store.h"

enum { BATCH = 64 };

/* Shared with the call that uses it on a worker. */
struct walk {
  struct filo_walk *walk;
  struct filo_store *store;
  unsigned refs;
  bool busy;
};

static void unref(struct walk *walk) {
  if (!walk || --walk->refs > 0) return;
  filo_walk_free(walk->walk);
  filo_store_close(walk->store);
  free(walk);
}

static void release(void *box) {
  unref(*(struct walk **)box);
}

static const struct filo_handle_type type = {
    .name = "filo.walk",
    .closed = "the walk is closed",
    .size = sizeof(struct walk *),
    .release = release,
};

/* store:walk(namespace or nil) */
int filo_store_walk(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  const unsigned char *ns = lua_isnoneornil(L, 2) ? NULL : filo_check_hash(L, 2, "namespace");
  struct walk **box = filo_handle_push(L, &type), *walk = calloc(1, sizeof *walk);
  if (!walk) return luaL_error(L, "no memory");
  *box = walk;
  walk->refs = 1;
  walk->store = filo_store_ref(store);
  struct filo_error err;
  if (filo_walk_new(store, ns, &walk->walk, &err) == 0) return 1;
  filo_handle_release(L, -1, &type); /* not by the collector: it keeps the store open */
  return filo_return_error(L, &err);
}

struct next_call {
  struct filo_call base;
  struct walk *walk;
  unsigned count;
  struct filo_walk_entry entries[BATCH];
};

static void next_work(struct filo_call *base) {
  struct next_call *call = (struct next_call *)base;
  while (call->count < BATCH && filo_walk_next(call->walk->walk, &call->entries[call->count]))
    call->count++;
}

static void next_discard(struct filo_call *base) {
  struct next_call *call = (struct next_call *)base;
  for (unsigned i = 0; i < call->count; i++) free(call->entries[i].record);
  call->walk->busy = false;
  unref(call->walk);
  free(call);
}

static void push_entry(lua_State *L, const struct filo_walk_entry *entry) {
  if (entry->code == 0)
    filo_push_fields(L, &entry->fields);
  else
    lua_newtable(L);
  lua_pushstring(L, entry->path);
  lua_setfield(L, -2, "path");
  lua_pushlstring(L, (const char *)entry->ns, 32);
  lua_setfield(L, -2, "namespace");
  if (entry->code < 0) {
    lua_pushstring(L, filo_code_name(entry->code));
    lua_setfield(L, -2, "problem");
  } else {
    lua_pushlstring(L, (const char *)entry->record, entry->record_len);
    lua_setfield(L, -2, "record");
    lua_pushinteger(L, (lua_Integer)entry->verified);
    lua_setfield(L, -2, "verified");
    if (entry->has_bringer) {
      lua_pushlstring(L, (const char *)entry->bringer, sizeof entry->bringer);
      lua_setfield(L, -2, "bringer");
    }
  }
}

static int next_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct next_call *call = filo_call_end(L, ctx);
  lua_createtable(L, (int)call->count, 0);
  for (unsigned i = 0; i < call->count; i++) {
    push_entry(L, &call->entries[i]);
    lua_rawseti(L, -2, i + 1);
  }
  next_discard(&call->base);
  return 1;
}

/* next(): a list of entries, empty at the end. An entry: a record's fields, `path`, `record`; or
 * `path` and `problem`, of a file or a folder. */
static int walk_next(lua_State *L) {
  struct walk *walk = *(struct walk **)filo_handle_check(L, 1, &type);
  luaL_argcheck(L, !walk->busy, 1, "another task waits for this walk already");
  struct next_call *call = filo_call_new(L, sizeof *call, next_work, next_discard);
  call->walk = walk;
  walk->refs++;
  walk->busy = true;
  return filo_call(L, &call->base, next_ended);
}

static const luaL_Reg methods[] = {{"next", walk_next}, {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_walk(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
