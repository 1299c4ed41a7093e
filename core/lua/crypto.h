/* The module filo.core.crypto, and identities for the other bindings. Loop thread only. */
#ifndef FILO_LUA_CRYPTO_H
#define FILO_LUA_CRYPTO_H

#include <lua.h>

#include "crypto/identity.h"

/* The identity at a stack index, borrowed: take a reference to keep it. Raises an argument error
 * for any other value and for a closed identity. */
struct filo_identity *filo_check_identity(lua_State *L, int index);

#endif
