#include "lua/keys.h"

#include <lauxlib.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto/private_file.h"
#include "lua/arguments.h"
#include "lua/guard.h"
#include "lua/handle.h"
#include "runtime/task.h"

enum { FILE_MAX = 1 << 20 };

static const char *const access_names[] = {"keep", "read-one", "read", "write", NULL};

static void release(void *box) {
  filo_namespace_unref(*(struct filo_namespace **)box);
}

static const struct filo_handle_type type = {
    .name = "filo.keys",
    .closed = "the keys are closed",
    .size = sizeof(struct filo_namespace *),
    .release = release,
};

static struct filo_namespace **push(lua_State *L) {
  filo_guard_keys();
  return filo_handle_push(L, &type);
}

struct filo_namespace *filo_check_keys(lua_State *L, int index) {
  return *(struct filo_namespace **)filo_handle_check(L, index, &type);
}

int filo_keys_push_own(lua_State *L, const struct filo_identity *identity) {
  struct filo_error err;
  int rc = filo_namespace_of_identity(identity, push(L), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

/* --- Lines of capabilities --- */

static size_t count_lines(const char *text, size_t len) {
  size_t lines = 1; /* nobody wants a block of no bytes */
  for (size_t i = 0; i < len; i++) lines += text[i] != '\n' && (i == 0 || text[i - 1] == '\n');
  return lines;
}

/* Reads the lines that are not empty; gives how many, or an error's code. */
static int read_lines(const char *text, size_t len, struct filo_capability *out,
                      struct filo_error *err) {
  int count = 0;
  for (const char *line = text, *end = text + len; line < end;) {
    const char *next = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((next ? next : end) - line);
    int rc = length ? filo_capability_read(line, length, &out[count], err) : 0;
    if (rc < 0) return rc;
    count += length > 0;
    line += length + 1;
  }
  return count ? count : filo_fail(err, FILO_INVALID, "there is no capability in it");
}

static int open_text(const char *text, size_t len, struct filo_namespace **ret,
                     struct filo_error *err) {
  size_t size = count_lines(text, len) * sizeof(struct filo_capability);
  struct filo_capability *capabilities = malloc(size);
  if (!capabilities) return filo_fail(err, FILO_NO_MEMORY, "no memory for capabilities");
  int count = read_lines(text, len, capabilities, err);
  if (count > 0) count = filo_namespace_new(capabilities, (size_t)count, ret, err);
  OPENSSL_clear_free(capabilities, size);
  return count;
}

/* namespace(lines) */
int filo_keys_open_lines(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len <= FILE_MAX, 1, "too many capabilities");
  struct filo_error err;
  int rc = open_text(text, len, push(L), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

/* Reads the files whose paths are at the indices 1 to count, with a newline after each. */
static int read_files(lua_State *L, int count, char *text, size_t *len, struct filo_error *err) {
  int rc = 0;
  *len = 0;
  for (int i = 1; i <= count && rc == 0; i++) {
    size_t got = 0;
    rc = filo_private_file_read(lua_tostring(L, i), "keys", "filo-", text + *len, FILE_MAX - *len,
                                &got, err);
    *len += got;
    if (rc == 0 && *len >= FILE_MAX) rc = filo_fail(err, FILO_TOO_LARGE, "too many capabilities");
    if (rc == 0) text[(*len)++] = '\n';
  }
  return rc;
}

static int open_files(lua_State *L, int count, struct filo_namespace **ret,
                      struct filo_error *err) {
  size_t len;
  struct filo_error why;
  const char *first = lua_tostring(L, 1);
  char *text = malloc(FILE_MAX + 1);
  if (!text) return filo_fail(err, FILO_NO_MEMORY, "no memory for %s", first);
  int rc = read_files(L, count, text, &len, err);
  if (rc == 0) {
    rc = open_text(text, len, ret, &why);
    if (rc < 0) filo_fail(err, rc, "%s: %s", first, why.message);
  }
  OPENSSL_clear_free(text, FILE_MAX + 1);
  return rc;
}

/* namespace_load(path, ...) */
int filo_keys_open_files(lua_State *L) {
  int count = lua_gettop(L);
  luaL_argcheck(L, count > 0, 1, "a path expected");
  for (int i = 1; i <= count; i++) filo_check_file(L, i);
  struct filo_error err;
  int rc = open_files(L, count, push(L), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

/* --- Methods --- */

static int id(lua_State *L) {
  char text[2 * FILO_ID_SIZE + 1];
  filo_hex(text, filo_namespace_id(filo_check_keys(L, 1)), FILO_ID_SIZE);
  lua_pushlstring(L, text, sizeof text - 1);
  return 1;
}

static int raw_id(lua_State *L) {
  lua_pushlstring(L, (const char *)filo_namespace_id(filo_check_keys(L, 1)), FILO_ID_SIZE);
  return 1;
}

static int access_of(lua_State *L) {
  lua_pushstring(L, access_names[filo_namespace_access(filo_check_keys(L, 1))]);
  return 1;
}

static int give(lua_State *L, int rc, const unsigned char *bytes, size_t len,
                const struct filo_error *err) {
  if (rc < 0) return filo_return_error(L, err);
  lua_pushlstring(L, (const char *)bytes, len);
  return 1;
}

static int key_hash(lua_State *L) {
  struct filo_namespace *ns = filo_check_keys(L, 1);
  size_t len;
  const char *key = luaL_checklstring(L, 2, &len);
  unsigned char hash[32];
  struct filo_error err;
  return give(L, filo_namespace_key_hash(ns, key, len, hash, &err), hash, sizeof hash, &err);
}

static int sign(lua_State *L) {
  struct filo_namespace *ns = filo_check_keys(L, 1);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  unsigned char signature[FILO_SIGNATURE_SIZE];
  struct filo_error err;
  return give(L, filo_namespace_sign(ns, data, len, signature, &err), signature, sizeof signature,
              &err);
}

/* newest([key hash]): the largest generation that was given */
static int newest(lua_State *L) {
  struct filo_namespace *ns = filo_check_keys(L, 1);
  const unsigned char *hash = lua_isnoneornil(L, 2) ? NULL : filo_check_hash(L, 2, "key hash");
  lua_pushinteger(L, filo_namespace_newest(ns, hash));
  return 1;
}

/* grant(access, generation, key): a line */
static int grant(lua_State *L) {
  struct filo_namespace *ns = filo_check_keys(L, 1);
  enum filo_access access = (enum filo_access)luaL_checkoption(L, 2, NULL, access_names);
  lua_Integer generation = luaL_optinteger(L, 3, 0);
  luaL_argcheck(L, generation >= 0 && generation <= UINT32_MAX, 3, "0 to 4294967295 expected");
  size_t len;
  const char *key = luaL_optlstring(L, 4, "", &len);
  struct filo_capability capability;
  char text[FILO_CAPABILITY_MAX];
  struct filo_error err;
  int rc = filo_namespace_grant(ns, access, (uint32_t)generation, key, len, &capability, &err);
  if (rc == 0) rc = filo_capability_write(&capability, text, &err);
  OPENSSL_cleanse(&capability, sizeof capability);
  if (rc == 0) lua_pushstring(L, text);
  OPENSSL_cleanse(text, sizeof text);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

void filo_register_keys(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"id", id},         {"raw_id", raw_id}, {"access", access_of}, {"key_hash", key_hash},
      {"newest", newest}, {"sign", sign},     {"grant", grant},      {"close", filo_handle_close},
      {NULL, NULL}};
  filo_handle_register(L, &type, methods);
}
