#include "lua/resources.h"

#include <lauxlib.h>

#include "runtime/task.h"

static const char key; /* in the registry */

struct filo_resources *filo_resources_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  struct filo_resources **box = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return *box;
}

static int free_resources(lua_State *L) {
  struct filo_resources **box = lua_touserdata(L, 1);
  if (*box) filo_resources_free(*box);
  *box = NULL;
  return 0;
}

void filo_resources_install(lua_State *L) {
  struct filo_error err;
  struct filo_resources **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  lua_newtable(L);
  lua_pushcfunction(L, free_resources);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  if (filo_resources_new(filo_runtime_loop(filo_runtime_of(L)), box, &err) < 0)
    luaL_error(L, "%s", err.message);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}
