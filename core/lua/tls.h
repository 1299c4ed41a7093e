/* TLS settings. Loop thread. */
#ifndef FILO_LUA_TLS_H
#define FILO_LUA_TLS_H

#include <lua.h>

#include "transport/tls.h"

/* The TLS settings at index. */
struct filo_tls *filo_check_tls(lua_State *L, int index);

/* tls(identity); tls_server(certificate, key), whose files a worker reads */
int filo_net_tls(lua_State *L);
int filo_net_tls_server(lua_State *L);

void filo_register_tls(lua_State *L);

#endif
