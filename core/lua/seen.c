#include "lua/seen.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <unistd.h>

#include "lua/descriptor.h"

bool filo_has_times(int fd, const struct stat *status) {
  char byte;
  return S_ISREG(status->st_mode) && (status->st_size > 0 || pread(fd, &byte, 1, 0) <= 0);
}

/* The time of change tells what that of modification does not: it cannot be set. The device is left
 * out, since its number may differ after the next start of the machine. */
void filo_push_seen(lua_State *L, const struct stat *status) {
  const struct timespec *modified = &status->st_mtim, *changed = &status->st_ctim;
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, (lua_Integer)status->st_size);
  lua_setfield(L, -2, "size");
  lua_pushinteger(L, (lua_Integer)modified->tv_sec);
  lua_setfield(L, -2, "modified");
  lua_pushnumber(L, (lua_Number)changed->tv_sec + (lua_Number)changed->tv_nsec / 1e9);
  lua_setfield(L, -2, "changed");
  char stamp[128];
  snprintf(stamp, sizeof stamp, "%lld.%09ld %lld.%09ld %lld %llu", (long long)modified->tv_sec,
           modified->tv_nsec, (long long)changed->tv_sec, changed->tv_nsec,
           (long long)status->st_size, (unsigned long long)status->st_ino);
  lua_pushstring(L, stamp);
  lua_setfield(L, -2, "stamp");
}

int filo_return_seen(lua_State *L, int fd) {
  struct stat status;
  if (fd >= 0 && fstat(fd, &status) == 0 && filo_has_times(fd, &status))
    filo_push_seen(L, &status);
  else
    lua_pushnil(L);
  return 1;
}

int filo_file_seen(lua_State *L) {
  int fd = filo_test_descriptor(L, 1);
  if (fd < 0) {
    const luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    luaL_argcheck(L, file->closef, 1, "the file is closed");
    fd = fileno(file->f);
  }
  return filo_return_seen(L, fd);
}
