/* Identities: of the module filo.core.crypto, and for the other bindings. Loop thread only. */
#ifndef FILO_LUA_IDENTITY_H
#define FILO_LUA_IDENTITY_H

#include <lua.h>

#include "crypto/identity.h"

/* The identity at a stack index, borrowed: take a reference to keep it. Raises an argument error
 * for any other value and for a closed identity. */
struct filo_identity *filo_check_identity(lua_State *L, int index);

/* Functions of the module: identity_generate(), identity_from_seed(seed), identity_load(path). */
int filo_identity_open_new(lua_State *L);
int filo_identity_open_seed(lua_State *L);
int filo_identity_open_file(lua_State *L);

/* Registers the metatable. */
void filo_register_identity(lua_State *L);

#endif
