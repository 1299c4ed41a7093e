/* Types of userdata. */
#ifndef FILO_LUA_TYPE_H
#define FILO_LUA_TYPE_H

#include <lauxlib.h>

/* Creates a metatable whose __index holds the methods and whose __gc and __close are `close`. */
void filo_register_type(lua_State *L, const char *name, const luaL_Reg *methods,
                        lua_CFunction close);

#endif
