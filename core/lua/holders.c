/* Nodes that have taken copies: methods of a store. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/identity.h"
#include "lua/store.h"

struct holders_call {
  struct filo_call base;
  struct filo_store *store;
  unsigned char id[FILO_ID_SIZE];
  unsigned char (*ids)[FILO_ID_SIZE];
  size_t room, count;
};

static void discard(struct filo_call *base) {
  struct holders_call *call = (struct holders_call *)base;
  filo_store_close(call->store);
  free(call->ids);
  free(call);
}

static struct holders_call *new_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_store *store = filo_check_store(L, 1);
  struct holders_call *call = filo_call_new(L, sizeof *call, work, discard);
  call->store = filo_store_ref(store);
  return call;
}

static void add_work(struct filo_call *base) {
  struct holders_call *call = (struct holders_call *)base;
  base->code = filo_store_add_holder(call->store, call->id, &base->err);
}

/* store:add_holder(id) */
int filo_store_note_holder(lua_State *L) {
  const unsigned char *id = filo_check_hash(L, 2, "node ID");
  struct holders_call *call = new_call(L, add_work);
  memcpy(call->id, id, FILO_ID_SIZE);
  return filo_call(L, &call->base, filo_call_ended);
}

static void list_work(struct filo_call *base) {
  struct holders_call *call = (struct holders_call *)base;
  base->code = filo_store_holders(call->store, call->ids, call->room, &call->count, &base->err);
}

static int listed(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct holders_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  size_t count = call->count < call->room ? call->count : call->room;
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, (const char *)call->ids[i], FILO_ID_SIZE);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  discard(&call->base);
  return 1;
}

/* store:holders(most) */
int filo_store_list_holders(lua_State *L) {
  lua_Integer most = luaL_checkinteger(L, 2);
  luaL_argcheck(L, most > 0 && most <= 1 << 20, 2, "1 to 1048576");
  struct holders_call *call = new_call(L, list_work);
  call->room = (size_t)most;
  call->ids = malloc(call->room * sizeof *call->ids);
  if (!call->ids) {
    discard(&call->base);
    return luaL_error(L, "no memory");
  }
  return filo_call(L, &call->base, listed);
}
