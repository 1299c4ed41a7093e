#include "lua/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>

#include "bytes.h"
#include "lua/net.h"
#include "lua/type.h"
#include "runtime/task.h"

#define DESCRIPTOR_TYPE "filo.descriptor"

void filo_push_descriptor(lua_State *L, int fd) {
  int *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = fd;
  luaL_setmetatable(L, DESCRIPTOR_TYPE);
}

int filo_test_descriptor(lua_State *L, int index) {
  const int *box = luaL_testudata(L, index, DESCRIPTOR_TYPE);
  if (!box) return -1;
  luaL_argcheck(L, *box >= 0, index, "the descriptor is closed");
  return *box;
}

int filo_open_descriptor(lua_State *L) {
  struct filo_error err;
  const char *path = filo_check_text(L, 1);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  int sys_errno = errno;
  if (fd >= 0) {
    filo_push_descriptor(L, fd);
    return 1;
  }
  filo_fail_errno(&err, sys_errno, "cannot open %s", path);
  return filo_return_error(L, &err);
}

static int descriptor_close(lua_State *L) {
  int *box = luaL_checkudata(L, 1, DESCRIPTOR_TYPE);
  filo_close_fd(box);
  *box = -1;
  return 0;
}

static const luaL_Reg methods[] = {{"close", descriptor_close}, {NULL, NULL}};

void filo_register_descriptor(lua_State *L) {
  filo_register_type(L, DESCRIPTOR_TYPE, methods, descriptor_close);
}
