/* What a file looks like from outside: what tells whether its content may have changed. Loop
 * thread. */
#ifndef FILO_LUA_SEEN_H
#define FILO_LUA_SEEN_H

#include <lua.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Whether it is a file whose size and times mean something: a regular one, and none of /proc, whose
 * size is given as 0 though there is content. */
bool filo_has_times(int fd, const struct stat *status);

/* Pushes {size, modified, changed, stamp}. */
void filo_push_seen(lua_State *L, const struct stat *status);

/* Pushes the same of an open file, or nil where that says nothing; returns 1. */
int filo_return_seen(lua_State *L, int fd);

/* seen(file): of a descriptor, or a file of Lua's. */
int filo_file_seen(lua_State *L);

#endif
