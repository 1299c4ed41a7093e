/* A function of the module filo.core.files: see lua/stubs/files.lua. */
#ifndef FILO_LUA_FOLDER_H
#define FILO_LUA_FOLDER_H

#include <lua.h>

int filo_folder_list(lua_State *L);

#endif
