/* store:pack: deletions, from files to rows of a database. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/store.h"

struct pack_call {
  struct filo_call base;
  struct filo_store *store;
  unsigned char ns[FILO_ID_SIZE];
  char **paths; /* their texts are behind the pointers */
  size_t count, packed;
};

static void discard(struct filo_call *base) {
  struct pack_call *call = (struct pack_call *)base;
  filo_store_close(call->store);
  free(call->paths);
  free(call);
}

static void work(struct filo_call *base) {
  struct pack_call *call = (struct pack_call *)base;
  base->code = filo_store_pack(call->store, call->ns, (const char *const *)call->paths, call->count,
                               &call->packed, &base->err);
}

static int ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct pack_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushinteger(L, (lua_Integer)call->packed);
  discard(&call->base);
  return 1;
}

/* Bytes of the paths in the list at index, each of which is one. */
static size_t check_paths(lua_State *L, int index, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    bytes += strlen(filo_check_path(L, -1)) + 1;
    lua_pop(L, 1);
  }
  return bytes;
}

/* pack(namespace, paths): how many were packed */
int filo_store_pack_deletions(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t count = lua_rawlen(L, 3), bytes = check_paths(L, 3, count);
  struct pack_call *call = filo_call_new(L, sizeof *call, work, discard);
  call->store = filo_store_ref(store);
  memcpy(call->ns, ns, sizeof call->ns);
  call->paths = malloc(count * sizeof *call->paths + bytes + 1);
  if (!call->paths) {
    discard(&call->base);
    return luaL_error(L, "no memory to pack deletions");
  }
  char *text = (char *)(call->paths + count);
  for (call->count = 0; call->count < count; call->count++) {
    lua_rawgeti(L, 3, (lua_Integer)call->count + 1);
    call->paths[call->count] = text;
    text = stpcpy(text, lua_tostring(L, -1)) + 1;
    lua_pop(L, 1);
  }
  return filo_call(L, &call->base, ended);
}
