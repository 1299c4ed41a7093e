/* The keys to namespaces: of the module filo.core.crypto, and for the other bindings. Loop thread only. */
#ifndef FILO_LUA_KEYS_H
#define FILO_LUA_KEYS_H

#include <lua.h>

#include "crypto/namespace.h"

/* The keys at a stack index, borrowed: take a reference to keep them. Raises an argument error for any
 * other value and when they are closed. */
struct filo_namespace *filo_check_keys(lua_State *L, int index);

/* Pushes the keys to a node's own namespace; or nil and an error. Gives how many values. */
int filo_keys_push_own(lua_State *L, const struct filo_identity *identity);

/* Functions of the module: namespace(lines), namespace_load(path, ...). */
int filo_keys_open_lines(lua_State *L);
int filo_keys_open_files(lua_State *L);

/* Registers the metatable. */
void filo_register_keys(lua_State *L);

#endif
