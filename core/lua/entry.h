/* What lies at a path, as a table for Lua: the class filo.FileEntry in lua/stubs/files.lua. */
#ifndef FILO_LUA_ENTRY_H
#define FILO_LUA_ENTRY_H

#include <lua.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Sets the fields of the table on top, but for name and path. target: of a symbolic link, or NULL;
 * mounted: see below. */
void filo_set_entry(lua_State *L, const struct stat *status, const char *target, bool mounted);

/* Whether something is mounted at the folder `name` in the folder `fd`, be it of the same file
 * system. false where the system does not tell (before Linux 5.8). Workers. */
bool filo_is_mounted(int fd, const char *name, const struct stat *status);

/* Where a symbolic link in the folder `fd` leads; malloc'ed. NULL and errno. Workers. */
char *filo_read_link(int fd, const char *name);

#endif
