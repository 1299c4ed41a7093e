/* Handles: userdata that own something of C's and can be closed.
 *
 * A handle's memory is its box, a struct whose first member points to what the handle owns: NULL
 * while it is closed. It is born closed, so that what is acquired for it has an owner when a later
 * call raises. It may be closed any number of times: `__gc`, `__close` and, where there is no more
 * to say about it, the method `close` are one function, filo_handle_close. Using it when it is
 * closed is an argument error.
 *
 * What a task waits for lies in a box, too: the handle is at the bottom of the stack of who waits,
 * and lives as long. What must live as long as the handle is one of its user values, or is counted.
 * Loop thread.
 */
#ifndef FILO_LUA_HANDLE_H
#define FILO_LUA_HANDLE_H

#include <lauxlib.h>

struct filo_handle_type {
  const char *name;   /* the metatable's: "filo.reader" */
  const char *closed; /* the argument error: "the reader is closed" */
  size_t size;        /* of the box */
  int values;         /* user values */
  /* Frees what the box owns and wakes who waits for it; the box may be closed already, or only half
   * made. The first member is set to NULL afterwards. */
  void (*release)(void *box);
};

/* Makes the metatable. Each method has the type as its upvalue, for filo_handle_close. */
void filo_handle_register(lua_State *L, const struct filo_handle_type *type,
                          const luaL_Reg *methods);

/* Pushes a closed handle; its box is all zero. */
void *filo_handle_push(lua_State *L, const struct filo_handle_type *type);

/* The box of the handle at index. Each raises for any other value, _check for a closed handle, too;
 * _test gives NULL for any other value. */
void *filo_handle_check(lua_State *L, int index, const struct filo_handle_type *type);
void *filo_handle_box(lua_State *L, int index, const struct filo_handle_type *type);
void *filo_handle_test(lua_State *L, int index, const struct filo_handle_type *type);

/* Closes the handle at index. */
void filo_handle_release(lua_State *L, int index, const struct filo_handle_type *type);

/* The method `close`. */
int filo_handle_close(lua_State *L);

#endif
