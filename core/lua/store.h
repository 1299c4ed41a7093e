/* The store bindings' shared parts: store handles, options from tables, the desk. Loop thread. */
#ifndef FILO_LUA_STORE_H
#define FILO_LUA_STORE_H

#include <lauxlib.h>
#include <lua.h>

#include "store/object.h"
#include "store/store.h"
#include "transfer/desk.h"
#include "transfer/partial.h"

#define FILO_STORE_TYPE "filo.store"
#define FILO_OBJECT_TYPE "filo.object"
#define FILO_PARTIAL_TYPE "filo.partial"

/* An open store; whatever works on it holds a reference. It closes when Lua closed it and the last
 * reference is gone. */
struct filo_store_handle {
  struct filo_store *store;
  unsigned refs;
};

struct filo_store_handle *filo_store_handle_ref(struct filo_store_handle *handle);
void filo_store_handle_unref(struct filo_store_handle *handle);

/* The handle at index; raises when it is closed. */
struct filo_store_handle *filo_check_store(lua_State *L, int index);
struct filo_object *filo_check_object(lua_State *L, int index);
struct filo_partial *filo_check_partial(lua_State *L, int index);

/* 32 raw bytes. */
const unsigned char *filo_check_hash(lua_State *L, int index, const char *what);
/* A path that stays within the store. */
const char *filo_check_path(lua_State *L, int index);

/* {version, size, tombstone, plain, namespace, key_hash, root} */
void filo_push_fields(lua_State *L, const struct filo_record *fields);

/* Pushes the userdata; takes the reference. */
void filo_push_object(lua_State *L, struct filo_store_handle *store, struct filo_object *object);
void filo_push_partial(lua_State *L, struct filo_store_handle *store, struct filo_partial *partial);

/* The desk of this lua_State, made by filo_desk_install. */
struct filo_desk *filo_desk_of(lua_State *L);
void filo_desk_install(lua_State *L);

/* Register the metatables of their userdata. */
void filo_register_object(lua_State *L);
void filo_register_partial(lua_State *L);
void filo_register_deposit(lua_State *L);
void filo_register_reader(lua_State *L);
void filo_register_walk(lua_State *L);

/* Methods that make other userdata: of a store ... */
int filo_store_deposit(lua_State *L);
int filo_store_deposit_file(lua_State *L);
int filo_store_incoming(lua_State *L);
int filo_store_tombstone(lua_State *L);
int filo_store_open_object(lua_State *L);
int filo_store_sealed(lua_State *L);
int filo_store_walk(lua_State *L);
/* ... and of an object and of a partial. */
int filo_object_reader(lua_State *L);
int filo_partial_reader(lua_State *L);

#endif
