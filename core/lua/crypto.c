/* Bytes in, bytes out: every string here is raw unless its name says hex. Hashers and ciphers
 * are handles whose box is one pointer.
 *
 * A result is written into a Lua buffer: nothing of C's is owned across a call that can raise. */
#include <lauxlib.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "bytes.h"
#include "crypto/aead.h"
#include "crypto/ctr.h"
#include "crypto/digest.h"
#include "crypto/private_file.h"
#include "crypto/random.h"
#include "crypto/signature.h"
#include "lua/arguments.h"
#include "lua/handle.h"
#include "lua/identity.h"
#include "lua/keys.h"
#include "lua/modules.h"
#include "runtime/task.h"

enum { RANDOM_MAX = 1 << 24 };

static const unsigned char *check_bytes(lua_State *L, int index, size_t want) {
  size_t len;
  const char *bytes = luaL_checklstring(L, index, &len);
  if (len != want)
    luaL_argerror(L, index, lua_pushfstring(L, "%d bytes expected, got %d", (int)want, (int)len));
  return (const unsigned char *)bytes;
}

static enum filo_digest check_digest(lua_State *L, int index) {
  int kind = filo_digest_from_name(luaL_checkstring(L, index));
  luaL_argcheck(L, kind >= 0, index, "a digest: md5, sha1, sha256 or blake3");
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

/* unbase64(text): stricter than OpenSSL, which passes over blanks and takes any number of "=" */
static int unbase64(lua_State *L) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t len;
  luaL_Buffer buffer;
  const char *text = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len < INT_MAX, 1, "too long");
  size_t count = strspn(text, letters), padding = strspn(text + count, "=");
  if (len % 4 != 0 || count + padding != len || padding > 2) {
    lua_pushnil(L);
    return 1;
  }
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, len / 4 * 3);
  int bytes = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
  luaL_pushresultsize(&buffer, (size_t)bytes - padding);
  return 1;
}

static int base64(lua_State *L) {
  size_t len;
  luaL_Buffer buffer;
  const char *bytes = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len < INT_MAX / 2, 1, "too long");
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, (len + 2) / 3 * 4 + 1);
  int count = EVP_EncodeBlock(out, (const unsigned char *)bytes, (int)len);
  luaL_pushresultsize(&buffer, (size_t)count);
  return 1;
}

/* --- Digests --- */

static void release_hasher(void *box) {
  filo_hasher_free(*(struct filo_hasher **)box);
}

static const struct filo_handle_type hasher_type = {
    .name = "filo.hasher",
    .closed = "the hasher is closed",
    .size = sizeof(struct filo_hasher *),
    .release = release_hasher,
};

static struct filo_hasher *check_hasher(lua_State *L) {
  return *(struct filo_hasher **)filo_handle_check(L, 1, &hasher_type);
}

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
  struct filo_error err;
  int rc = filo_hasher_new(kind, filo_handle_push(L, &hasher_type), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

static int hasher_update(lua_State *L) {
  struct filo_hasher *hasher = check_hasher(L);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  struct filo_error err;
  return give_self(L, filo_hasher_update(hasher, data, len, &err), &err);
}

static int hasher_finish(lua_State *L) {
  struct filo_hasher *hasher = check_hasher(L);
  unsigned char out[FILO_DIGEST_MAX];
  struct filo_error err;
  int rc = filo_hasher_finish(hasher, out, &err);
  if (rc == 0) rc = filo_hasher_reset(hasher, &err);
  return give_bytes(L, rc, out, filo_hasher_size(hasher), &err);
}

/* --- AES-256-CTR --- */

static void release_ctr(void *box) {
  filo_ctr_free(*(struct filo_ctr **)box);
}

static const struct filo_handle_type ctr_type = {
    .name = "filo.ctr",
    .closed = "the cipher is closed",
    .size = sizeof(struct filo_ctr *),
    .release = release_ctr,
};

static struct filo_ctr *check_ctr(lua_State *L) {
  return *(struct filo_ctr **)filo_handle_check(L, 1, &ctr_type);
}

static int new_ctr(lua_State *L) {
  const unsigned char *key = check_bytes(L, 1, FILO_KEY_SIZE);
  const unsigned char *iv = check_bytes(L, 2, FILO_IV_SIZE);
  uint64_t offset = filo_check_count(L, 3, 0);
  struct filo_ctr **box = filo_handle_push(L, &ctr_type);
  struct filo_error err;
  int rc = filo_ctr_new(key, iv, box, &err);
  if (rc == 0) rc = filo_ctr_seek(*box, offset, &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

static int ctr_crypt(lua_State *L) {
  struct filo_ctr *ctr = check_ctr(L);
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
  struct filo_ctr *ctr = check_ctr(L);
  luaL_checkany(L, 2);
  struct filo_error err;
  return give_self(L, filo_ctr_seek(ctr, filo_check_count(L, 2, 0), &err), &err);
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
  int rc = filo_aead_seal(key, NULL, ad, ad_len, in, len, out, &err);
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

/* --- Files and signatures --- */

static int write_private(lua_State *L) {
  const char *path = filo_check_file(L, 1);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  struct filo_error err;
  if (filo_private_file_write(path, text, len, &err) < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, true);
  return 1;
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

static const luaL_Reg hasher_methods[] = {{"update", hasher_update},
                                          {"finish", hasher_finish},
                                          {"close", filo_handle_close},
                                          {NULL, NULL}};

static const luaL_Reg ctr_methods[] = {
    {"crypt", ctr_crypt}, {"seek", ctr_seek}, {"close", filo_handle_close}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"random", random_bytes},
                                     {"equal", equal},
                                     {"hex", hex},
                                     {"unhex", unhex},
                                     {"base64", base64},
                                     {"unbase64", unbase64},
                                     {"digest", digest},
                                     {"hasher", new_hasher},
                                     {"hmac_sha256", hmac_sha256},
                                     {"hkdf_sha256", hkdf_sha256},
                                     {"ctr", new_ctr},
                                     {"aead_seal", aead_seal},
                                     {"aead_open", aead_open},
                                     {"identity_generate", filo_identity_open_new},
                                     {"identity_from_seed", filo_identity_open_seed},
                                     {"identity_load", filo_identity_open_file},
                                     {"namespace", filo_keys_open_lines},
                                     {"namespace_load", filo_keys_open_files},
                                     {"verify", verify},
                                     {"write_private", write_private},
                                     {NULL, NULL}};

int filo_open_crypto(lua_State *L) {
  filo_handle_register(L, &hasher_type, hasher_methods);
  filo_handle_register(L, &ctr_type, ctr_methods);
  filo_register_identity(L);
  filo_register_keys(L);
  luaL_newlib(L, functions);
  return 1;
}
