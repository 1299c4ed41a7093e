#include "lua/modules.h"

#include <lauxlib.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lua/resources.h"
#include "runtime/task.h"
#include "runtime/watchdog.h"

static const luaL_Reg core_modules[] = {{"filo.core.runtime", filo_runtime_module},
                                        {"filo.core.crypto", filo_open_crypto},
                                        {"filo.core.cbor", filo_open_cbor},
                                        {"filo.core.store", filo_open_store},
                                        {"filo.core.net", filo_open_net},
                                        {"filo.core.editline", filo_open_editline},
                                        {"filo.core.files", filo_open_files},
                                        {"filo.core.modules", filo_open_modules},
                                        {"filo.core.process", filo_open_process},
                                        {"filo.core.xml", filo_open_xml},
                                        {NULL, NULL}};

/* Others are there to be read: stubs, and what is no Lua. */
static bool is_lua(const struct filo_embedded *module) {
  size_t len = strlen(module->file);
  return len > 4 && strcmp(module->file + len - 4, ".lua") == 0;
}

/* "filo" is filo.lua or, where there is none, filo/init.lua, as Lua's own searcher has it. */
static const struct filo_embedded *find(const char *name) {
  const struct filo_embedded *folder = NULL;
  size_t len = strlen(name);
  for (const struct filo_embedded *module = filo_embedded_modules; module->name; module++) {
    if (strncmp(module->file, "stubs/", 6) == 0 || !is_lua(module)) continue;
    if (strncmp(module->name, name, len) != 0) continue;
    if (module->name[len] == 0) return module;
    if (strcmp(module->name + len, ".init") == 0) folder = module;
  }
  return folder;
}

/* A file of FILO_PATH overrides the embedded one. */
static bool find_in_path(lua_State *L, const char *file) {
  const char *folders = getenv("FILO_PATH");
  while (folders && *folders) {
    size_t len = strcspn(folders, ":");
    lua_pushlstring(L, folders, len);
    lua_pushfstring(L, "%s/%s", lua_tostring(L, -1), file);
    lua_remove(L, -2);
    if (access(lua_tostring(L, -1), R_OK) == 0) return true;
    lua_pop(L, 1);
    folders += len + (folders[len] == ':');
  }
  return false;
}

static int load_embedded(lua_State *L, const struct filo_embedded *module) {
  const char *name = lua_pushfstring(L, "@%s", module->file);
  filo_watchdog_spare(L, name);
  return luaL_loadbufferx(L, module->begin, (size_t)(module->end - module->begin), name, "t");
}

static int load_file(lua_State *L, const char *path) {
  filo_watchdog_spare(L, lua_pushfstring(L, "@%s", path));
  return luaL_loadfile(L, path);
}

static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const struct filo_embedded *module = find(name);
  if (!module) {
    if (strncmp(name, "filo.", 5) != 0) return 0; /* nobody looks for it here */
    lua_pushfstring(L, "no module '%s' within filo", name);
    return 1;
  }
  int status =
      find_in_path(L, module->file) ? load_file(L, lua_tostring(L, -1)) : load_embedded(L, module);
  if (status != LUA_OK) return lua_error(L);
  lua_pushstring(L, module->file);
  return 2;
}

void filo_modules_install(lua_State *L) {
  filo_resources_install(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, core_modules, 0);
  lua_pop(L, 1);

  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) { /* second place: after preload */
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}

/* --- The module filo.core.modules: their sources, and where others are --- */

static int modules_files(lua_State *L) {
  lua_newtable(L);
  for (const struct filo_embedded *module = filo_embedded_modules; module->name; module++) {
    if (!is_lua(module)) continue;
    lua_pushstring(L, module->file);
    lua_seti(L, -2, luaL_len(L, -2) + 1);
  }
  return 1;
}

static int modules_source(lua_State *L) {
  const char *file = luaL_checkstring(L, 1);
  for (const struct filo_embedded *module = filo_embedded_modules; module->name; module++) {
    if (strcmp(module->file, file) != 0) continue;
    lua_pushlstring(L, module->begin, (size_t)(module->end - module->begin));
    return 1;
  }
  return 0;
}

static int modules_override(lua_State *L) {
  return find_in_path(L, luaL_checkstring(L, 1));
}

/* let_go(): a module is loaded once, and its source read again for help at most, from the file then.
 * What else the start left behind is the system's again, too. */
static int modules_let_go(lua_State *L) {
  (void)L;
  size_t size = (size_t)(filo_sources_end - filo_sources);
  madvise((void *)filo_sources, size, MADV_DONTNEED);
  malloc_trim(0);
  return 0;
}

static int modules_default_paths(lua_State *L) {
  lua_pushliteral(L, LUA_PATH_DEFAULT);
  lua_pushliteral(L, LUA_CPATH_DEFAULT);
  return 2;
}

static const luaL_Reg functions[] = {{"files", modules_files},
                                     {"source", modules_source},
                                     {"override", modules_override},
                                     {"let_go", modules_let_go},
                                     {"default_paths", modules_default_paths},
                                     {NULL, NULL}};

int filo_open_modules(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
