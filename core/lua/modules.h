/* The core's modules and the embedded Lua modules, for `require`. */
#ifndef FILO_LUA_MODULES_H
#define FILO_LUA_MODULES_H

#include <lua.h>

/* Fills package.preload with filo.core.* and adds a searcher for the Lua modules within the binary,
 * which looks first in the folders of the environment variable FILO_PATH (a folder holds
 * filo/init.lua and so on). */
void filo_modules_install(lua_State *L);

/* One embedded file: a module, a stub, or a part of the page of a node; the table ends with a NULL name (made by the build). */
struct filo_embedded {
  const char *name; /* "filo.node", "filo.prompt.init" */
  const char *file; /* as for messages: "filo/node.lua" */
  const char *begin, *end;
};
extern const struct filo_embedded filo_embedded_modules[];

/* Where the files lie, and nothing else, from the beginning of a page on (made by the build). */
extern const char filo_sources[], filo_sources_end[];

/* Each pushes its module's table. */
int filo_open_crypto(lua_State *L);
int filo_open_store(lua_State *L);
int filo_open_net(lua_State *L);
int filo_open_cbor(lua_State *L);
int filo_open_files(lua_State *L);
int filo_open_editline(lua_State *L);
int filo_open_modules(lua_State *L);
int filo_open_process(lua_State *L);
int filo_open_xml(lua_State *L);

#endif
