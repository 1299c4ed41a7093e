/* Bytes in, bytes out: every string here is raw unless its name says hex. Hashers, ciphers and
 * identities are userdata that hold one pointer, NULL when closed; closing twice is allowed.
 *
 * A result is written into a Lua buffer: nothing of C's is owned across a call that can raise. */
#include "lua/crypto.h"

#include <lauxlib.h>
#include <openssl/crypto.h>
#include <string.h>

#include "bytes.h"
#include "crypto/aead.h"
#include "crypto/ctr.h"
#include "crypto/digest.h"
#include "crypto/private_file.h"
#include "crypto/random.h"
#include "lua/modules.h"
#include "lua/type.h"
#include "runtime/task.h"

#define HASHER_TYPE "filo.hasher"
#define CTR_TYPE "filo.ctr"
#define IDENTITY_TYPE "filo.identity"

enum { RANDOM_MAX = 1 << 24 };

/* Born closed: what is acquired into *box afterwards has an owner already. */
static void **new_box(lua_State *L, const char *type) {
  void **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, type);
  return box;
}

static void *check_open(lua_State *L, int index, const char *type) {
  void **box = luaL_checkudata(L, index, type);
  luaL_argcheck(L, *box, index, "it is closed");
  return *box;
}

static const unsigned char *check_bytes(lua_State *L, int index, size_t want) {
  size_t len;
  const char *bytes = luaL_checklstring(L, index, &len);
  if (len != want)
    luaL_argerror(L, index, lua_pushfstring(L, "%d bytes expected, got %d", (int)want, (int)len));
  return (const unsigned char *)bytes;
}

static enum filo_digest check_digest(lua_State *L, int index) {
  int kind = filo_digest_from_name(luaL_checkstring(L, index));
  luaL_argcheck(L, kind >= 0, index, "a digest: md5, sha1 or sha256");
  return (enum filo_digest)kind;
}

static int give_bytes(lua_State *L, int rc, const unsigned char *bytes, size_t len,
                      const struct filo_error *err) {
  if (rc < 0) return filo_return_error(L, err);
  lua_pushlstring(L, (const char *)bytes, len);
  return 1;
}

static int give_self(lua_State *L, int rc, const struct filo_error *err) {
  if (rc < 0) return filo_return_error(L, err);
  lua_settop(L, 1);
  return 1;
}

/* --- Bytes --- */

static int random_bytes(lua_State *L) {
  lua_Integer len = luaL_checkinteger(L, 1);
  luaL_argcheck(L, len >= 0 && len <= RANDOM_MAX, 1, "0 to 16777216 bytes");
  luaL_Buffer buffer;
  struct filo_error err;
  int rc = filo_random(luaL_buffinitsize(L, &buffer, (size_t)len), (size_t)len, &err);
  if (rc < 0) return filo_return_error(L, &err);
  luaL_pushresultsize(&buffer, (size_t)len);
  return 1;
}

static int equal(lua_State *L) {
  size_t a_len, b_len;
  const char *a = luaL_checklstring(L, 1, &a_len), *b = luaL_checklstring(L, 2, &b_len);
  lua_pushboolean(L, a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0);
  return 1;
}

static int hex(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len < (SIZE_MAX - 1) / 2, 1, "too long");
  luaL_Buffer buffer;
  filo_hex(luaL_buffinitsize(L, &buffer, 2 * len + 1), (const unsigned char *)bytes, len);
  luaL_pushresultsize(&buffer, 2 * len);
  return 1;
}

static int unhex(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  luaL_Buffer buffer;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, len / 2);
  if (len % 2 || filo_unhex(out, text, len / 2) < 0) {
    struct filo_error err;
    filo_fail(&err, FILO_INVALID, "no hexadecimal digits in pairs");
    return filo_return_error(L, &err);
  }
  luaL_pushresultsize(&buffer, len / 2);
  return 1;
}

/* --- Digests --- */

static int digest(lua_State *L) {
  enum filo_digest kind = check_digest(L, 1);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  unsigned char out[FILO_DIGEST_MAX];
  struct filo_error err;
  int rc = filo_digest(kind, data, len, out, &err);
  return give_bytes(L, rc, out, filo_digest_size(kind), &err);
}

static int hmac_sha256(lua_State *L) {
  size_t key_len, len;
  const char *key = luaL_checklstring(L, 1, &key_len), *data = luaL_checklstring(L, 2, &len);
  unsigned char out[FILO_HASH_SIZE];
  struct filo_error err;
  int rc = filo_hmac_sha256(key, key_len, data, len, out, &err);
  return give_bytes(L, rc, out, sizeof out, &err);
}

static int hkdf_sha256(lua_State *L) {
  size_t secret_len, salt_len, info_len;
  const char *secret = luaL_checklstring(L, 1, &secret_len);
  const char *salt = luaL_optlstring(L, 2, "", &salt_len);
  const char *info = luaL_checklstring(L, 3, &info_len);
  lua_Integer len = luaL_checkinteger(L, 4);
  unsigned char out[255 * FILO_HASH_SIZE];
  luaL_argcheck(L, len >= 1 && len <= (lua_Integer)sizeof out, 4, "1 to 8160 bytes");
  struct filo_error err;
  int rc =
      filo_hkdf_sha256(secret, secret_len, salt, salt_len, info, info_len, out, (size_t)len, &err);
  if (rc < 0) return filo_return_error(L, &err);
  lua_pushlstring(L, (const char *)out, (size_t)len);
  OPENSSL_cleanse(out, (size_t)len);
  return 1;
}

static int new_hasher(lua_State *L) {
  enum filo_digest kind = check_digest(L, 1);
  void **box = new_box(L, HASHER_TYPE);
  struct filo_hasher *hasher;
  struct filo_error err;
  int rc = filo_hasher_new(kind, &hasher, &err);
  if (rc < 0) return filo_return_error(L, &err);
  *box = hasher;
  return 1;
}

static int hasher_update(lua_State *L) {
  struct filo_hasher *hasher = check_open(L, 1, HASHER_TYPE);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  struct filo_error err;
  return give_self(L, filo_hasher_update(hasher, data, len, &err), &err);
}

static int hasher_finish(lua_State *L) {
  struct filo_hasher *hasher = check_open(L, 1, HASHER_TYPE);
  unsigned char out[FILO_DIGEST_MAX];
  struct filo_error err;
  int rc = filo_hasher_finish(hasher, out, &err);
  if (rc == 0) rc = filo_hasher_reset(hasher, &err);
  return give_bytes(L, rc, out, filo_hasher_size(hasher), &err);
}

static int hasher_close(lua_State *L) {
  void **box = luaL_checkudata(L, 1, HASHER_TYPE);
  filo_hasher_free(*box);
  *box = NULL;
  return 0;
}

/* --- AES-256-CTR --- */

static uint64_t check_offset(lua_State *L, int index, lua_Integer missing) {
  lua_Integer offset = luaL_optinteger(L, index, missing);
  luaL_argcheck(L, offset >= 0, index, "an offset of 0 or more");
  return (uint64_t)offset;
}

static int new_ctr(lua_State *L) {
  const unsigned char *key = check_bytes(L, 1, FILO_KEY_SIZE);
  const unsigned char *iv = check_bytes(L, 2, FILO_IV_SIZE);
  uint64_t offset = check_offset(L, 3, 0);
  void **box = new_box(L, CTR_TYPE);
  struct filo_ctr *ctr;
  struct filo_error err;
  int rc = filo_ctr_new(key, iv, &ctr, &err);
  if (rc == 0) {
    *box = ctr;
    rc = filo_ctr_seek(ctr, offset, &err);
  }
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

static int ctr_crypt(lua_State *L) {
  struct filo_ctr *ctr = check_open(L, 1, CTR_TYPE);
  size_t len;
  const char *in = luaL_checklstring(L, 2, &len);
  luaL_Buffer buffer;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, len);
  struct filo_error err;
  int rc = filo_ctr_crypt(ctr, (const unsigned char *)in, out, len, &err);
  if (rc < 0) return filo_return_error(L, &err);
  luaL_pushresultsize(&buffer, len);
  return 1;
}

static int ctr_seek(lua_State *L) {
  struct filo_ctr *ctr = check_open(L, 1, CTR_TYPE);
  luaL_checkany(L, 2);
  struct filo_error err;
  return give_self(L, filo_ctr_seek(ctr, check_offset(L, 2, 0), &err), &err);
}

static int ctr_close(lua_State *L) {
  void **box = luaL_checkudata(L, 1, CTR_TYPE);
  filo_ctr_free(*box);
  *box = NULL;
  return 0;
}

/* --- AES-256-GCM --- */

static int aead_seal(lua_State *L) {
  const unsigned char *key = check_bytes(L, 1, FILO_KEY_SIZE);
  size_t len, ad_len;
  const char *in = luaL_checklstring(L, 2, &len), *ad = luaL_optlstring(L, 3, "", &ad_len);
  luaL_argcheck(L, len <= SIZE_MAX / 2, 2, "too long");
  luaL_Buffer buffer;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, len + FILO_AEAD_OVERHEAD);
  struct filo_error err;
  int rc = filo_aead_seal(key, ad, ad_len, in, len, out, &err);
  if (rc < 0) return filo_return_error(L, &err);
  luaL_pushresultsize(&buffer, len + FILO_AEAD_OVERHEAD);
  return 1;
}

static int aead_open(lua_State *L) {
  const unsigned char *key = check_bytes(L, 1, FILO_KEY_SIZE);
  size_t len, ad_len;
  const char *in = luaL_checklstring(L, 2, &len), *ad = luaL_optlstring(L, 3, "", &ad_len);
  luaL_Buffer buffer;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, len);
  struct filo_error err;
  int rc = filo_aead_open(key, ad, ad_len, (const unsigned char *)in, len, out, &err);
  if (rc < 0) return filo_return_error(L, &err);
  luaL_pushresultsize(&buffer, len - FILO_AEAD_OVERHEAD);
  return 1;
}

/* --- Identities --- */

struct filo_identity *filo_check_identity(lua_State *L, int index) {
  return check_open(L, index, IDENTITY_TYPE);
}

static int give_identity(lua_State *L, void **box, int rc, struct filo_identity *identity,
                         const struct filo_error *err) {
  if (rc < 0) return filo_return_error(L, err);
  *box = identity;
  return 1;
}

static const char *check_path(lua_State *L, int index) {
  size_t len;
  const char *path = luaL_checklstring(L, index, &len);
  luaL_argcheck(L, len > 0 && strlen(path) == len, index, "a path without NUL bytes");
  return path;
}

static int identity_generate(lua_State *L) {
  void **box = new_box(L, IDENTITY_TYPE);
  struct filo_identity *identity = NULL;
  struct filo_error err;
  int rc = filo_identity_generate(&identity, &err);
  return give_identity(L, box, rc, identity, &err);
}

static int identity_from_secrets(lua_State *L) {
  const unsigned char *key = check_bytes(L, 1, 32), *secret = check_bytes(L, 2, 32);
  void **box = new_box(L, IDENTITY_TYPE);
  struct filo_identity *identity = NULL;
  struct filo_error err;
  int rc = filo_identity_from_secrets(key, secret, &identity, &err);
  return give_identity(L, box, rc, identity, &err);
}

static int identity_load(lua_State *L) {
  const char *path = check_path(L, 1);
  void **box = new_box(L, IDENTITY_TYPE);
  struct filo_identity *identity = NULL;
  struct filo_error err;
  int rc = filo_identity_load(path, &identity, &err);
  return give_identity(L, box, rc, identity, &err);
}

static int identity_save(lua_State *L) {
  struct filo_identity *identity = filo_check_identity(L, 1);
  struct filo_error err;
  return give_self(L, filo_identity_save(identity, check_path(L, 2), &err), &err);
}

static int write_private(lua_State *L) {
  const char *path = check_path(L, 1);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  struct filo_error err;
  if (filo_private_file_write(path, text, len, &err) < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, true);
  return 1;
}

static int identity_id(lua_State *L) {
  char text[2 * FILO_ID_SIZE + 1];
  filo_hex(text, filo_identity_id(filo_check_identity(L, 1)), FILO_ID_SIZE);
  lua_pushlstring(L, text, sizeof text - 1);
  return 1;
}

static int identity_raw_id(lua_State *L) {
  lua_pushlstring(L, (const char *)filo_identity_id(filo_check_identity(L, 1)), FILO_ID_SIZE);
  return 1;
}

static int identity_sign(lua_State *L) {
  struct filo_identity *identity = filo_check_identity(L, 1);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  unsigned char signature[FILO_SIGNATURE_SIZE];
  struct filo_error err;
  int rc = filo_identity_sign(identity, data, len, signature, &err);
  return give_bytes(L, rc, signature, sizeof signature, &err);
}

static int identity_derive(lua_State *L) {
  struct filo_identity *identity = filo_check_identity(L, 1);
  size_t label_len;
  const char *label = luaL_checklstring(L, 2, &label_len);
  luaL_argcheck(L, strlen(label) == label_len, 2, "a label without NUL bytes");
  lua_Integer len = luaL_checkinteger(L, 3);
  unsigned char out[64];
  luaL_argcheck(L, len >= 1 && len <= (lua_Integer)sizeof out, 3, "1 to 64 bytes");
  struct filo_error err;
  int rc = filo_identity_derive(identity, label, out, (size_t)len, &err);
  if (rc < 0) return filo_return_error(L, &err);
  lua_pushlstring(L, (const char *)out, (size_t)len);
  OPENSSL_cleanse(out, sizeof out);
  return 1;
}

static int identity_close(lua_State *L) {
  void **box = luaL_checkudata(L, 1, IDENTITY_TYPE);
  filo_identity_unref(*box);
  *box = NULL;
  return 0;
}

/* The ID and the signature may be a peer's word: they never raise. */
static int check_signature(const char *id, size_t id_len, const char *data, size_t len,
                           const char *signature, size_t signature_len, struct filo_error *err) {
  unsigned char raw[FILO_ID_SIZE];
  if (id_len == FILO_ID_SIZE)
    memcpy(raw, id, FILO_ID_SIZE);
  else if (id_len != (size_t)2 * FILO_ID_SIZE || filo_unhex(raw, id, FILO_ID_SIZE) < 0)
    return filo_fail(err, FILO_INVALID, "a node ID is 64 hexadecimal digits or 32 bytes");
  if (signature_len != FILO_SIGNATURE_SIZE)
    return filo_fail(err, FILO_INVALID, "a signature is 64 bytes, not %zu", signature_len);
  return filo_verify(raw, data, len, (const unsigned char *)signature, err);
}

static int verify(lua_State *L) {
  size_t id_len, len, signature_len;
  const char *id = luaL_checklstring(L, 1, &id_len);
  const char *data = luaL_checklstring(L, 2, &len);
  const char *signature = luaL_checklstring(L, 3, &signature_len);
  struct filo_error err;
  int rc = check_signature(id, id_len, data, len, signature, signature_len, &err);
  if (rc < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- The module --- */

static const luaL_Reg hasher_methods[] = {
    {"update", hasher_update}, {"finish", hasher_finish}, {"close", hasher_close}, {NULL, NULL}};

static const luaL_Reg ctr_methods[] = {
    {"crypt", ctr_crypt}, {"seek", ctr_seek}, {"close", ctr_close}, {NULL, NULL}};

static const luaL_Reg identity_methods[] = {{"id", identity_id},
                                            {"raw_id", identity_raw_id},
                                            {"sign", identity_sign},
                                            {"derive", identity_derive},
                                            {"save", identity_save},
                                            {"close", identity_close},
                                            {NULL, NULL}};

static const luaL_Reg functions[] = {{"random", random_bytes},
                                     {"equal", equal},
                                     {"hex", hex},
                                     {"unhex", unhex},
                                     {"digest", digest},
                                     {"hasher", new_hasher},
                                     {"hmac_sha256", hmac_sha256},
                                     {"hkdf_sha256", hkdf_sha256},
                                     {"ctr", new_ctr},
                                     {"aead_seal", aead_seal},
                                     {"aead_open", aead_open},
                                     {"identity_generate", identity_generate},
                                     {"identity_from_secrets", identity_from_secrets},
                                     {"identity_load", identity_load},
                                     {"verify", verify},
                                     {"write_private", write_private},
                                     {NULL, NULL}};

int filo_open_crypto(lua_State *L) {
  filo_register_type(L, HASHER_TYPE, hasher_methods, hasher_close);
  filo_register_type(L, CTR_TYPE, ctr_methods, ctr_close);
  filo_register_type(L, IDENTITY_TYPE, identity_methods, identity_close);
  luaL_newlib(L, functions);
  return 1;
}
