/* Connections of HTTP clients. Loop thread. */
#ifndef FILO_LUA_HTTP_H
#define FILO_LUA_HTTP_H

#include <lua.h>

#include "http/connection.h"

/* Pushes a connection made from an accepted fd; the table at index has {tls =, idle =, head =, stall =}, seconds. Takes
 * fd. Returns 1, or 2 with nil and an error. */
int filo_push_http(lua_State *L, int fd, int index);

/* The open connection at index, borrowed. */
struct filo_http *filo_check_http(lua_State *L, int index);

/* The same, whose body is taken from now on; raises when somebody takes it already. _test gives NULL for any other value. */
struct filo_pull *filo_check_http_body(lua_State *L, int index);
struct filo_pull *filo_test_http_body(lua_State *L, int index);

void filo_register_http(lua_State *L);

#endif
