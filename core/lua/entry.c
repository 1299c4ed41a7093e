#include "lua/entry.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* As find(1) has it. */
static const char *kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFREG:
    return "f";
  case S_IFDIR:
    return "d";
  case S_IFLNK:
    return "l";
  case S_IFIFO:
    return "p";
  case S_IFSOCK:
    return "s";
  case S_IFCHR:
    return "c";
  default:
    return "b";
  }
}

static void set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void filo_set_entry(lua_State *L, const struct stat *status, const char *target, bool mounted) {
  lua_pushstring(L, kind_of(status->st_mode));
  lua_setfield(L, -2, "kind");
  set_integer(L, "size", (lua_Integer)status->st_size);
  set_integer(L, "mode", (lua_Integer)(status->st_mode & ~(mode_t)S_IFMT));
  set_integer(L, "modified", (lua_Integer)status->st_mtim.tv_sec);
  set_integer(L, "nanoseconds", (lua_Integer)status->st_mtim.tv_nsec);
  set_integer(L, "owner", (lua_Integer)status->st_uid);
  set_integer(L, "group", (lua_Integer)status->st_gid);
  set_integer(L, "links", (lua_Integer)status->st_nlink);
  set_integer(L, "device", (lua_Integer)status->st_dev);
  set_integer(L, "inode", (lua_Integer)status->st_ino);
  lua_pushboolean(L, status->st_blocks < (status->st_size + 511) / 512);
  lua_setfield(L, -2, "sparse");
  lua_pushstring(L, target); /* nil where there is none */
  lua_setfield(L, -2, "target");
  lua_pushboolean(L, mounted);
  lua_setfield(L, -2, "mounted");
}

bool filo_is_mounted(int fd, const char *name, const struct stat *status) {
  struct statx more;
  return S_ISDIR(status->st_mode) && statx(fd, name, AT_NO_AUTOMOUNT, 0, &more) == 0 &&
         (more.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

char *filo_read_link(int fd, const char *name) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(fd, name, target, sizeof target);
  return length < 0 ? NULL : strndup(target, (size_t)length);
}
