/* Records of sealed objects: of the module filo.core.store. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lua/call.h"
#include "lua/crypto.h"
#include "lua/store.h"

static void set_bytes(lua_State *L, const char *name, const unsigned char *bytes, size_t len) {
  lua_pushlstring(L, (const char *)bytes, len);
  lua_setfield(L, -2, name);
}

void filo_push_fields(lua_State *L, const struct filo_record *fields) {
  lua_createtable(L, 0, 7);
  lua_pushinteger(L, (lua_Integer)fields->version);
  lua_setfield(L, -2, "version");
  lua_pushinteger(L, (lua_Integer)fields->size);
  lua_setfield(L, -2, "size");
  lua_pushboolean(L, fields->flags & FILO_TOMBSTONE);
  lua_setfield(L, -2, "tombstone");
  lua_pushboolean(L, fields->flags & FILO_PLAIN);
  lua_setfield(L, -2, "plain");
  set_bytes(L, "namespace", fields->ns, 32);
  set_bytes(L, "key_hash", fields->key_hash, 32);
  set_bytes(L, "root", fields->root, 32);
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
  return filo_call(L, &call->base, record_ended);
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

/* unseal(identity, record): content key and metadata */
int filo_records_unseal(lua_State *L) {
  size_t len, meta_len;
  struct filo_error err;
  unsigned char key[FILO_KEY_SIZE], *meta;
  struct filo_identity *identity = filo_check_identity(L, 1);
  const char *record = luaL_checklstring(L, 2, &len);
  if (filo_record_unseal(identity, (const unsigned char *)record, len, key, &meta, &meta_len,
                         &err) < 0)
    return filo_return_error(L, &err);
  lua_pushlstring(L, (const char *)key, sizeof key);
  lua_pushlstring(L, (const char *)meta, meta_len);
  OPENSSL_cleanse(key, sizeof key);
  OPENSSL_cleanse(meta, meta_len);
  free(meta);
  return 2;
}
