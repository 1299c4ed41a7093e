/* Functions of the module filo.core.files: see lua/stubs/files.lua. */
#ifndef FILO_LUA_RESTORE_H
#define FILO_LUA_RESTORE_H

#include <lua.h>

int filo_set_attributes(lua_State *L);
int filo_make_link(lua_State *L);
int filo_link(lua_State *L);
int filo_replace_by_folder(lua_State *L);

#endif
