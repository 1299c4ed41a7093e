/* Open files that another process passed, until they are read. Loop thread. */
#ifndef FILO_LUA_DESCRIPTOR_H
#define FILO_LUA_DESCRIPTOR_H

#include <lua.h>

/* Takes fd. */
void filo_push_descriptor(lua_State *L, int fd);

/* The descriptor at index, which stays its own; -1 when there is none at index. Raises when it is
 * closed. */
int filo_test_descriptor(lua_State *L, int index);

#endif
