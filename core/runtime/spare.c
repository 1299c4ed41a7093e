#include "runtime/spare.h"

#include <lauxlib.h>

lua_State *filo_spares_take(struct filo_spares *spares, lua_State *L, int *ref) {
  if (spares->count == 0) {
    lua_State *made = lua_newthread(L);
    lua_pushvalue(L, -1);
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return made;
  }
  spares->count--;
  lua_State *co = spares->list[spares->count].co;
  *ref = spares->list[spares->count].ref;
  lua_rawgeti(L, LUA_REGISTRYINDEX, *ref);
  if (lua_gethook(L)) lua_sethook(co, lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L));
  return co;
}

/* A hook would be that of the next task, too. */
void filo_spares_give(struct filo_spares *spares, lua_State *L, lua_State *co, int ref) {
  lua_settop(co, 0);
  if (spares->count == FILO_SPARES_MAX || lua_gethook(co)) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    return;
  }
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_rawseti(L, LUA_REGISTRYINDEX, ref);
  spares->list[spares->count].co = co;
  spares->list[spares->count].ref = ref;
  spares->count++;
}
