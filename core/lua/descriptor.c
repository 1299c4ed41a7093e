#include "lua/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>

#include "bytes.h"
#include "lua/arguments.h"
#include "lua/handle.h"
#include "runtime/task.h"

struct descriptor_box {
  const int *open; /* fd, or NULL */
  int fd;
};

static void release(void *self) {
  struct descriptor_box *box = self;
  if (box->open) close(box->fd);
}

static const struct filo_handle_type type = {
    .name = "filo.descriptor",
    .closed = "the descriptor is closed",
    .size = sizeof(struct descriptor_box),
    .release = release,
};

void filo_push_descriptor(lua_State *L, int fd) {
  struct descriptor_box *box = filo_handle_push(L, &type);
  box->fd = fd;
  box->open = &box->fd;
}

int filo_test_descriptor(lua_State *L, int index) {
  const struct descriptor_box *box = filo_handle_test(L, index, &type);
  return box ? box->fd : -1;
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

static const luaL_Reg methods[] = {{"close", filo_handle_close}, {NULL, NULL}};

void filo_register_descriptor(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
