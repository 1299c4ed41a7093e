/* Records of sealed objects: of the module filo.core.store. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lua/call.h"
#include "lua/keys.h"
#include "lua/store.h"

static void set_bytes(lua_State *L, const char *name, const unsigned char *bytes, size_t len) {
  lua_pushlstring(L, (const char *)bytes, len);
  lua_setfield(L, -2, name);
}

void filo_push_fields(lua_State *L, const struct filo_record *fields) {
  lua_createtable(L, 0, 10);
  lua_pushinteger(L, (lua_Integer)fields->version);
  lua_setfield(L, -2, "version");
  lua_pushinteger(L, (lua_Integer)fields->size);
  lua_setfield(L, -2, "size");
  lua_pushboolean(L, fields->flags & FILO_TOMBSTONE);
  lua_setfield(L, -2, "tombstone");
  lua_pushboolean(L, fields->flags & FILO_PLAIN);
  lua_setfield(L, -2, "plain");
  lua_pushinteger(L, fields->generation);
  lua_setfield(L, -2, "generation");
  lua_pushinteger(L, fields->class);
  lua_setfield(L, -2, "class");
  set_bytes(L, "namespace", fields->ns, 32);
  set_bytes(L, "key_hash", fields->key_hash, 32);
  set_bytes(L, "root", fields->root, 32);
  set_bytes(L, "nonce", fields->nonce, sizeof fields->nonce);
}

/* A field of the table at index: a whole number from 0 to most. */
static lua_Integer check_number(lua_State *L, int index, const char *name, lua_Integer most) {
  int is_integer;
  lua_getfield(L, index, name);
  lua_Integer value = lua_tointegerx(L, -1, &is_integer);
  luaL_argcheck(L, is_integer && value >= 0 && value <= most, index,
                lua_pushfstring(L, "%s: a number from 0 to %I expected", name, most));
  lua_pop(L, 1);
  return value;
}

/* A field of the table at index, which keeps it. */
static const char *check_string(lua_State *L, int index, const char *name, size_t *len) {
  lua_getfield(L, index, name);
  const char *value = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, len) : NULL;
  luaL_argcheck(L, value, index, lua_pushfstring(L, "%s: a string expected", name));
  lua_pop(L, 1);
  return value;
}

void filo_check_version(lua_State *L, int index, struct filo_version *ret) {
  size_t len;
  luaL_checktype(L, index, LUA_TTABLE);
  const char *key_hash = check_string(L, index, "key_hash", &len);
  luaL_argcheck(L, len == sizeof ret->key_hash, index, "key_hash: 32 bytes expected");
  memcpy(ret->key_hash, key_hash, sizeof ret->key_hash);
  ret->meta = check_string(L, index, "meta", &ret->meta_len);
  ret->number = (uint64_t)check_number(L, index, "version", LUA_MAXINTEGER);
  ret->generation = (uint32_t)check_number(L, index, "generation", UINT32_MAX);
  ret->class = (unsigned char)check_number(L, index, "class", UINT8_MAX);
}

struct record_call {
  struct filo_call base;
  unsigned char *record;
  size_t record_len;
  struct filo_record fields;
};

static void record_work(struct filo_call *base) {
  struct record_call *call = (struct record_call *)base;
  base->code = filo_record_parse(call->record, call->record_len, &call->fields, &base->err);
}

static void record_at_once(struct filo_call *base) {
  struct record_call *call = (struct record_call *)base;
  base->code = filo_record_parse_at_once(call->record, call->record_len, &call->fields);
}

static void record_discard(struct filo_call *base) {
  free(((struct record_call *)base)->record);
  free(base);
}

static int record_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct record_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  filo_push_fields(L, &call->fields);
  record_discard(&call->base);
  return 1;
}

int filo_records_parse(lua_State *L) {
  size_t len;
  const char *record = luaL_checklstring(L, 1, &len);
  struct record_call *call = filo_call_new(L, sizeof *call, record_work, record_discard);
  call->record = malloc(len ? len : 1);
  if (!call->record) {
    record_discard(&call->base);
    return luaL_error(L, "no memory");
  }
  memcpy(call->record, record, len);
  call->record_len = len;
  return filo_call_at_once(L, &call->base, record_at_once, record_ended);
}

int filo_records_peek(lua_State *L) {
  size_t len;
  struct filo_error err;
  struct filo_record fields;
  const char *record = luaL_checklstring(L, 1, &len);
  if (filo_record_peek((const unsigned char *)record, len, &fields, &err) < 0)
    return filo_return_error(L, &err);
  filo_push_fields(L, &fields);
  return 1;
}

/* vouches(record, body) */
int filo_records_vouches(lua_State *L) {
  size_t len, body_len;
  struct filo_record fields;
  const unsigned char *record = (const unsigned char *)luaL_checklstring(L, 1, &len);
  const unsigned char *body = (const unsigned char *)luaL_checklstring(L, 2, &body_len);
  lua_pushboolean(L, filo_record_peek(record, len, &fields, NULL) == 0 &&
                         filo_record_vouches(&fields, body, body_len));
  return 1;
}

/* unseal(namespace, record): content key and metadata */
int filo_records_unseal(lua_State *L) {
  size_t len, meta_len;
  struct filo_error err;
  unsigned char key[FILO_KEY_SIZE], *meta;
  struct filo_namespace *ns = filo_check_keys(L, 1);
  const char *record = luaL_checklstring(L, 2, &len);
  if (filo_record_unseal(ns, (const unsigned char *)record, len, key, &meta, &meta_len, &err) < 0)
    return filo_return_error(L, &err);
  lua_pushlstring(L, (const char *)key, sizeof key);
  lua_pushlstring(L, (const char *)meta, meta_len);
  OPENSSL_cleanse(key, sizeof key);
  OPENSSL_cleanse(meta, meta_len);
  free(meta);
  return 2;
}
