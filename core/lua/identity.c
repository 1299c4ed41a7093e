#include "lua/identity.h"

#include <lauxlib.h>
#include <openssl/crypto.h>

#include "bytes.h"
#include "lua/arguments.h"
#include "lua/guard.h"
#include "lua/handle.h"
#include "lua/keys.h"
#include "runtime/task.h"

static void release(void *box) {
  filo_identity_unref(*(struct filo_identity **)box);
}

static const struct filo_handle_type type = {
    .name = "filo.identity",
    .closed = "the identity is closed",
    .size = sizeof(struct filo_identity *),
    .release = release,
};

static struct filo_identity **push(lua_State *L) {
  filo_guard_keys();
  return filo_handle_push(L, &type);
}

struct filo_identity *filo_check_identity(lua_State *L, int index) {
  return *(struct filo_identity **)filo_handle_check(L, index, &type);
}

/* identity_generate() */
int filo_identity_open_new(lua_State *L) {
  struct filo_error err;
  int rc = filo_identity_generate(push(L), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

/* identity_from_seed(seed) */
int filo_identity_open_seed(lua_State *L) {
  const unsigned char *seed = filo_check_hash(L, 1, "seed");
  struct filo_error err;
  int rc = filo_identity_from_seed(seed, push(L), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

/* identity_load(path) */
int filo_identity_open_file(lua_State *L) {
  const char *path = filo_check_file(L, 1);
  struct filo_error err;
  int rc = filo_identity_load(path, push(L), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

static int save(lua_State *L) {
  struct filo_identity *identity = filo_check_identity(L, 1);
  struct filo_error err;
  if (filo_identity_save(identity, filo_check_file(L, 2), &err) < 0)
    return filo_return_error(L, &err);
  lua_settop(L, 1);
  return 1;
}

static int id(lua_State *L) {
  char text[2 * FILO_ID_SIZE + 1];
  filo_hex(text, filo_identity_id(filo_check_identity(L, 1)), FILO_ID_SIZE);
  lua_pushlstring(L, text, sizeof text - 1);
  return 1;
}

static int raw_id(lua_State *L) {
  lua_pushlstring(L, (const char *)filo_identity_id(filo_check_identity(L, 1)), FILO_ID_SIZE);
  return 1;
}

static int sign(lua_State *L) {
  struct filo_identity *identity = filo_check_identity(L, 1);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  unsigned char signature[FILO_SIGNATURE_SIZE];
  struct filo_error err;
  if (filo_identity_sign(identity, data, len, signature, &err) < 0)
    return filo_return_error(L, &err);
  lua_pushlstring(L, (const char *)signature, sizeof signature);
  return 1;
}

static int seed(lua_State *L) {
  unsigned char bytes[FILO_SEED_SIZE];
  filo_identity_seed(filo_check_identity(L, 1), bytes);
  lua_pushlstring(L, (const char *)bytes, sizeof bytes);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return 1;
}

static int namespace(lua_State *L) {
  return filo_keys_push_own(L, filo_check_identity(L, 1));
}

void filo_register_identity(lua_State *L) {
  static const luaL_Reg methods[] = {{"id", id},
                                     {"raw_id", raw_id},
                                     {"sign", sign},
                                     {"namespace", namespace},
                                     {"seed", seed},
                                     {"save", save},
                                     {"close", filo_handle_close},
                                     {NULL, NULL}};
  filo_handle_register(L, &type, methods);
}
