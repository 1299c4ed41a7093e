/* What the bindings of the store share: the open store, objects, partials. Whatever works on the
 * store holds a reference (filo_store_ref). Loop thread. */
#ifndef FILO_LUA_STORE_H
#define FILO_LUA_STORE_H

#include <lauxlib.h>
#include <lua.h>

#include "store/object.h"
#include "store/old.h"
#include "store/sealer.h"
#include "store/store.h"
#include "transfer/partial.h"
#include "transfer/reader.h"

/* What is at index, borrowed; raises when it is closed. */
struct filo_store *filo_check_store(lua_State *L, int index);
struct filo_object *filo_check_object(lua_State *L, int index);
struct filo_partial *filo_check_partial(lua_State *L, int index);

/* The reader at index, which is the caller's from then on; raises when it has begun. */
struct filo_reader *filo_take_reader(lua_State *L, int index);

/* {version, size, tombstone, plain, class, generation, namespace, key_hash,
 * root, nonce} */
void filo_push_fields(lua_State *L, const struct filo_record *fields);

/* The table at index: {key_hash, version, generation, class, meta}. The metadata stays Lua's. */
void filo_check_version(lua_State *L, int index, struct filo_version *ret);

/* Method of a store: pack(namespace, paths). */
int filo_store_pack_deletions(lua_State *L);

/* Methods of a store: add_holder(id), holders(most). */
int filo_store_note_holder(lua_State *L);
int filo_store_list_holders(lua_State *L);

/* Methods of a store: set_aside(namespace, path [, key_hash, version]), bad_copies(most),
 * write_note(name, bytes), read_note(name). */
int filo_store_set_bad_aside(lua_State *L);
int filo_store_list_bad(lua_State *L);
int filo_store_put_note(lua_State *L);
int filo_store_get_note(lua_State *L);

/* Methods of a store: old(kind, bucket), old_of(kind, namespace, key_hash), old_usage(kind), old_owners(), yield_versions(namespace, bytes),
 * keep_versions(namespace, text), restore(old, path), forget_old(old), sweep_old(seconds),
 * keep_deleted(namespace, keeps); and old_object(old), an object. */
int filo_store_list_old(lua_State *L);
int filo_store_list_old_of(lua_State *L);
int filo_store_old_usage(lua_State *L);
int filo_store_old_owners(lua_State *L);
int filo_store_yield_versions(lua_State *L);
int filo_store_keep_versions(lua_State *L);
int filo_store_restore_old(lua_State *L);
int filo_store_forget_old(lua_State *L);
int filo_store_sweep_old(lua_State *L);
int filo_store_keep_deleted(lua_State *L);
int filo_store_open_old(lua_State *L);
/* The table at index, as old(bucket) gives it. */
void filo_check_old(lua_State *L, int index, struct filo_old *ret);

/* Functions of the module: parse(record), peek(record), vouches(record, body),
 * unseal(namespace, record), reseal(namespace, record, version). */
int filo_records_parse(lua_State *L);
int filo_records_peek(lua_State *L);
int filo_records_vouches(lua_State *L);
int filo_records_unseal(lua_State *L);
int filo_records_reseal(lua_State *L);

/* Method of a store: catalogue(keys). */
int filo_store_catalogue(lua_State *L);

/* Register the metatables of their userdata. */
void filo_register_object(lua_State *L);
void filo_register_partial(lua_State *L);
void filo_register_deposit(lua_State *L);
void filo_register_reader(lua_State *L);
void filo_register_walk(lua_State *L);
void filo_register_catalogue(lua_State *L);

/* Methods that make other userdata: of a store ... */
int filo_store_deposit(lua_State *L);
int filo_store_deposit_file(lua_State *L);
int filo_store_partial(lua_State *L);
int filo_store_keep(lua_State *L);
int filo_store_partial_outside(lua_State *L);
int filo_store_tombstone(lua_State *L);
int filo_store_rewrap(lua_State *L);
int filo_store_open_object(lua_State *L);
int filo_store_sealed(lua_State *L);
int filo_store_in_hand(lua_State *L);
int filo_store_walk(lua_State *L);
/* ... and of an object and of a partial. */
int filo_object_reader(lua_State *L);
int filo_partial_reader(lua_State *L);

#endif
