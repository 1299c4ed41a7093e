/* Files that get their name when they are whole, for commands. Loop thread. */
#ifndef FILO_LUA_TARGET_H
#define FILO_LUA_TARGET_H

#include <lua.h>

/* target(path): opened, to be written to by whoever is given its file. */
int filo_open_target(lua_State *L);

void filo_register_target(lua_State *L);

#endif
