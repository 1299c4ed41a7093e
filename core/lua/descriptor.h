/* Open files to pass to another process, or that it passed, until they are read. Loop thread. */
#ifndef FILO_LUA_DESCRIPTOR_H
#define FILO_LUA_DESCRIPTOR_H

#include <lua.h>

/* Takes fd. */
void filo_push_descriptor(lua_State *L, int fd);

/* The descriptor at index, which stays its own; -1 when there is none at index. Raises when it is
 * closed. */
int filo_test_descriptor(lua_State *L, int index);

/* open(path): a file to read. Does not wait for a writer of a named pipe. */
int filo_open_descriptor(lua_State *L);

void filo_register_descriptor(lua_State *L);

#endif
