#include "lua/arguments.h"

#include <string.h>

#include "store/path.h"

const char *filo_check_text(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  luaL_argcheck(L, !memchr(text, 0, len), index, "a text without NUL expected");
  return text;
}

const char *filo_check_file(lua_State *L, int index) {
  const char *path = filo_check_text(L, index);
  luaL_argcheck(L, *path, index, "a path that is not empty expected");
  return path;
}

const unsigned char *filo_check_hash(lua_State *L, int index, const char *what) {
  size_t len;
  const char *bytes = luaL_checklstring(L, index, &len);
  if (len != 32) luaL_argerror(L, index, lua_pushfstring(L, "%s of 32 bytes expected", what));
  return (const unsigned char *)bytes;
}

const char *filo_check_path(lua_State *L, int index) {
  size_t len;
  struct filo_error err;
  const char *path = luaL_checklstring(L, index, &len);
  if (filo_path_check(path, len, &err) < 0) luaL_argerror(L, index, err.message);
  return path;
}

uint64_t filo_check_count(lua_State *L, int index, lua_Integer otherwise) {
  lua_Integer n = luaL_optinteger(L, index, otherwise);
  luaL_argcheck(L, n >= 0, index, "0 or more");
  return (uint64_t)n;
}

int filo_check_mode(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return -1;
  lua_Integer mode = luaL_checkinteger(L, index);
  luaL_argcheck(L, mode >= 0 && mode <= 0777, index, "permission bits, 0 to 511, expected");
  return (int)mode;
}
