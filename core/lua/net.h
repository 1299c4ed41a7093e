/* The network bindings' shared parts. Loop thread. */
#ifndef FILO_LUA_NET_H
#define FILO_LUA_NET_H

#include <lua.h>

#include "transport/connection.h"

/* The open connection at index; raises when it was closed by the script. */
struct filo_connection *filo_check_connection(lua_State *L, int index);

/* Reads {tls =, rates =, id =, dial_timeout =, handshake_timeout =, silence_timeout =, keepalive =,
 * message_max =}; raises on misuse. The table keeps alive what is borrowed from it. */
void filo_read_options(lua_State *L, int table, struct filo_connection_options *options);

/* Pushes a connection made from an accepted fd, whose handshake is still to come. Takes fd. Returns
 * 1, or 2 with nil and an error. */
int filo_push_accepted(lua_State *L, int fd, const struct filo_connection_options *options);

/* The address at index, which may be a peer's word; FILO_INVALID. */
int filo_read_address(lua_State *L, int index, struct filo_address *ret, struct filo_error *err);

/* dial(address, options) */
int filo_net_dial(lua_State *L);

/* Raw byte connections. push_raw and push_pipe take fd, which does not block; name: of the end of a
 * pipe, for messages. dial_raw(address, seconds). */
int filo_push_raw(lua_State *L, int fd);
int filo_push_pipe(lua_State *L, int fd, bool writes, const char *name);
int filo_net_dial_raw(lua_State *L);

/* The path when the address at index is a Unix socket's, "unix:path"; else NULL. */
const char *filo_local_path(lua_State *L, int index);

/* Methods of a connection that start transfers. */
int filo_connection_send_object(lua_State *L);
int filo_connection_receive_object(lua_State *L);

/* Methods of a connection that make streams between scripts. */
int filo_connection_open_stream(lua_State *L);
int filo_connection_attach_stream(lua_State *L);
int filo_connection_cut_stream(lua_State *L);

/* The rates at index; rates(). */
struct filo_rates *filo_check_rates(lua_State *L, int index);
int filo_net_rates(lua_State *L);

void filo_register_connection(lua_State *L);
void filo_register_rates(lua_State *L);
void filo_register_transfer(lua_State *L);
void filo_register_raw(lua_State *L);
void filo_register_stream(lua_State *L);

#endif
