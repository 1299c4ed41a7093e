/* Types of userdata, and of arguments. */
#ifndef FILO_LUA_TYPE_H
#define FILO_LUA_TYPE_H

#include <lauxlib.h>

/* Creates a metatable whose __index holds the methods and whose __gc and __close are `close`. */
void filo_register_type(lua_State *L, const char *name, const luaL_Reg *methods,
                        lua_CFunction close);

/* A string without NUL: a file or an address, which C would cut short there. */
const char *filo_check_text(lua_State *L, int index);

#endif
