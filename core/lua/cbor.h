/* CBOR (RFC 8949) to Lua values and back: the module filo.core.cbor, and the same for the other
 * bindings. Loop thread only.
 *
 * nil, booleans, integers of 64 bits with sign, doubles, strings and tables. A string that is valid
 * UTF-8 travels as text, any other as bytes. A table whose keys are 1 to n, n > 0, travels as an
 * array, any other as a map with strings and integers as keys. No tags, no indefinite lengths, at
 * most FILO_CBOR_DEPTH tables within one another, at most FILO_CBOR_VALUES values (keys, too) in
 * all of them: a byte may be a table, which takes some 80. At most FILO_CBOR_INTEGER_KEYS keys of
 * maps are integers: Lua puts an integer where its remainder says, so that somebody can choose
 * many that collide, and each costs a walk over those before it. */
#ifndef FILO_LUA_CBOR_H
#define FILO_LUA_CBOR_H

#include <lua.h>

#include "error.h"

enum { FILO_CBOR_DEPTH = 16, FILO_CBOR_VALUES = 1 << 17, FILO_CBOR_INTEGER_KEYS = 1000 };

/* Pushes the encoding of the value at index. Raises an error for what cannot be encoded: the value
 * is the script's own. Metamethods are not called. */
void filo_cbor_encode(lua_State *L, int index);

/* Pushes the one value that the bytes are, or pushes nothing and returns FILO_INVALID: the bytes
 * may be anybody's. They stay valid and unchanged meanwhile. */
int filo_cbor_decode(lua_State *L, const unsigned char *bytes, size_t len, struct filo_error *err);

#endif
