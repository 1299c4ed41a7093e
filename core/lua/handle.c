#include "lua/handle.h"

#include <string.h>

static void *owned(const void *box) {
  void *pointer;
  memcpy(&pointer, box, sizeof pointer);
  return pointer;
}

void filo_handle_register(lua_State *L, const struct filo_handle_type *type,
                          const luaL_Reg *methods) {
  void *upvalue = (void *)type;
  luaL_newmetatable(L, type->name);
  lua_newtable(L);
  lua_pushlightuserdata(L, upvalue);
  luaL_setfuncs(L, methods, 1);
  lua_setfield(L, -2, "__index");
  lua_pushlightuserdata(L, upvalue);
  lua_pushcclosure(L, filo_handle_close, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

void *filo_handle_push(lua_State *L, const struct filo_handle_type *type) {
  void *box = lua_newuserdatauv(L, type->size, type->values);
  memset(box, 0, type->size);
  luaL_setmetatable(L, type->name);
  return box;
}

void *filo_handle_box(lua_State *L, int index, const struct filo_handle_type *type) {
  return luaL_checkudata(L, index, type->name);
}

void *filo_handle_check(lua_State *L, int index, const struct filo_handle_type *type) {
  void *box = filo_handle_box(L, index, type);
  luaL_argcheck(L, owned(box), index, type->closed);
  return box;
}

void *filo_handle_test(lua_State *L, int index, const struct filo_handle_type *type) {
  return luaL_testudata(L, index, type->name) ? filo_handle_check(L, index, type) : NULL;
}

void filo_handle_release(lua_State *L, int index, const struct filo_handle_type *type) {
  void *box = filo_handle_box(L, index, type);
  type->release(box);
  memset(box, 0, sizeof(void *));
}

int filo_handle_close(lua_State *L) {
  filo_handle_release(L, 1, lua_touserdata(L, lua_upvalueindex(1)));
  return 0;
}
