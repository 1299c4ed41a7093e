/* What bodies of requests pass on their way (s3/sieve.h). Loop thread. */
#ifndef FILO_LUA_SIEVE_H
#define FILO_LUA_SIEVE_H

#include <lua.h>

#include "transfer/pull.h"

/* The open sieve at index, whose data is taken from now on; raises when somebody takes it already. NULL for any other
 * value. */
struct filo_pull *filo_test_sieve(lua_State *L, int index);

/* sieve(connection or nil, plan) */
int filo_net_sieve(lua_State *L);

void filo_register_sieve(lua_State *L);

#endif
