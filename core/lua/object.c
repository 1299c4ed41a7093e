/* Objects: published sealed objects, opened for reading and sending. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/descriptor.h"
#include "lua/handle.h"
#include "lua/keys.h"
#include "lua/store.h"

struct object_box {
  struct filo_object *object;
  struct filo_store *store;
};

static void release(void *self) {
  struct object_box *box = self;
  filo_object_unref(box->object);
  filo_store_close(box->store);
  box->store = NULL;
}

static const struct filo_handle_type type = {
    .name = "filo.object",
    .closed = "the object is closed",
    .size = sizeof(struct object_box),
    .release = release,
};

static struct object_box *check_box(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

struct filo_object *filo_check_object(lua_State *L, int index) {
  return ((struct object_box *)filo_handle_check(L, index, &type))->object;
}

/* Takes references. */
static int push_object(lua_State *L, struct filo_store *store, struct filo_object *object) {
  struct object_box *box = filo_handle_push(L, &type);
  box->object = filo_object_ref(object);
  box->store = filo_store_ref(store);
  return 1;
}

/* --- Opening, on a worker --- */

struct object_call {
  struct filo_call base;
  struct filo_store *store;
  unsigned char ns[32];
  unsigned how;
  struct filo_object *object;
  uint64_t chunk;
  uint64_t body_max;
  unsigned char *body;
  size_t body_len;
  int file;                                                /* to be compared; 0: none */
  unsigned char key[FILO_HASH_SIZE], hash[FILO_HASH_SIZE]; /* of a proof */
  char path[];
};

static void discard(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  filo_object_unref(call->object);
  filo_store_close(call->store);
  if (call->file > 0) close(call->file);
  free(call->body);
  free(call);
}

static void open_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  base->code =
      filo_object_open(call->store, call->ns, call->path, call->how, &call->object, &base->err);
}

static void open_at_once(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  base->code = filo_object_open(call->store, call->ns, call->path, call->how | FILO_READ_AT_ONCE,
                                &call->object, &base->err);
}

static int opened(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct object_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  push_object(L, call->store, call->object);
  discard(&call->base);
  return 1;
}

/* store, namespace, path */
static struct object_call *open_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_store *store = filo_check_store(L, 1);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const char *path = filo_check_path(L, 3);
  struct object_call *call = filo_call_new(L, sizeof *call + strlen(path) + 1, work, discard);
  call->store = filo_store_ref(store);
  memcpy(call->ns, ns, 32);
  strcpy(call->path, path);
  return call;
}

/* store:object(namespace, path [, afresh]) */
int filo_store_open_object(lua_State *L) {
  struct object_call *call = open_call(L, open_work);
  if (!lua_toboolean(L, 4)) return filo_call_at_once(L, &call->base, open_at_once, opened);
  call->how = FILO_READ_AFRESH;
  return filo_call(L, &call->base, opened);
}

/* --- Old copies --- */

struct old_call {
  struct filo_call base;
  struct filo_store *store;
  struct filo_old old;
  struct filo_object *object;
};

static void old_discard(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  filo_object_unref(call->object);
  filo_store_close(call->store);
  free(call);
}

static void old_work(struct filo_call *base) {
  struct old_call *call = (struct old_call *)base;
  base->code = filo_old_open(call->store, &call->old, &call->object, &base->err);
}

static int old_opened(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct old_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  push_object(L, call->store, call->object);
  old_discard(&call->base);
  return 1;
}

/* store:old_object(old) */
int filo_store_open_old(lua_State *L) {
  struct filo_old old;
  struct filo_store *store = filo_check_store(L, 1);
  filo_check_old(L, 2, &old);
  struct old_call *call = filo_call_new(L, sizeof *call, old_work, old_discard);
  call->store = filo_store_ref(store);
  call->old = old;
  return filo_call(L, &call->base, old_opened);
}

/* --- Methods --- */

static int object_fields(lua_State *L) {
  filo_push_fields(L, filo_object_fields(filo_check_object(L, 1)));
  return 1;
}

static int object_record(lua_State *L) {
  size_t len;
  const unsigned char *record = filo_object_record(filo_check_object(L, 1), &len);
  lua_pushlstring(L, (const char *)record, len);
  return 1;
}

static int object_set_key(lua_State *L) {
  filo_object_set_key(filo_check_object(L, 1), filo_check_hash(L, 2, "content key"));
  return 0;
}

/* unseal(namespace): the metadata; the content key in it is set */
static int object_unseal(lua_State *L) {
  struct filo_object *object = filo_check_object(L, 1);
  struct filo_namespace *ns = filo_check_keys(L, 2);
  size_t len, meta_len;
  struct filo_error err;
  unsigned char key[FILO_KEY_SIZE], *meta;
  const unsigned char *record = filo_object_record(object, &len);
  if (filo_record_unseal(ns, record, len, key, &meta, &meta_len, &err) < 0)
    return filo_return_error(L, &err);
  filo_object_set_key(object, key);
  OPENSSL_cleanse(key, sizeof key);
  lua_pushlstring(L, (const char *)meta, meta_len);
  OPENSSL_cleanse(meta, meta_len);
  free(meta);
  return 1;
}

/* content(): all of a small object, or nil when a disk would have to be waited for */
static int object_content(lua_State *L) {
  struct filo_object *object = filo_check_object(L, 1);
  struct filo_error err;
  uint64_t size = filo_object_fields(object)->size;
  if (size > FILO_SMALL_SIZE) return 0;
  luaL_Buffer buffer;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, size);
  if (filo_object_read_at_once(object, out, &err) < 0) return 0;
  luaL_pushresultsize(&buffer, size);
  return 1;
}

static struct object_call *object_call(lua_State *L, void (*work)(struct filo_call *),
                                       const char *path) {
  struct filo_object *object = filo_check_object(L, 1);
  struct object_call *call = filo_call_new(L, sizeof *call + strlen(path) + 1, work, discard);
  call->object = filo_object_ref(object);
  strcpy(call->path, path);
  return call;
}

static void verify_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  base->code = filo_object_verify_chunk(call->object, call->chunk, &base->err);
}

static int object_verify_chunk(lua_State *L) {
  lua_Integer chunk = luaL_checkinteger(L, 2);
  struct object_call *call = object_call(L, verify_work, "");
  call->chunk = (uint64_t)chunk;
  return filo_call(L, &call->base, filo_call_ended);
}

static void prove_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  base->code =
      filo_object_prove_chunk(call->object, call->chunk, call->key, call->hash, &base->err);
}

static int proved(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct object_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushlstring(L, (const char *)call->hash, sizeof call->hash);
  discard(&call->base);
  return 1;
}

/* prove_chunk(index, key) */
static int object_prove_chunk(lua_State *L) {
  lua_Integer chunk = luaL_checkinteger(L, 2);
  const unsigned char *key = filo_check_hash(L, 3, "key");
  struct object_call *call = object_call(L, prove_work, "");
  call->chunk = (uint64_t)chunk;
  memcpy(call->key, key, sizeof call->key);
  return filo_call(L, &call->base, proved);
}

static void compare_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  base->code = filo_object_compare_chunk(call->object, call->file, call->chunk, &base->err);
}

static int compared(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct object_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushboolean(L, call->base.code);
  discard(&call->base);
  return 1;
}

/* compare_chunk(index, descriptor) */
static int object_compare_chunk(lua_State *L) {
  lua_Integer chunk = luaL_checkinteger(L, 2);
  int fd = filo_test_descriptor(L, 3);
  luaL_argcheck(L, fd >= 0, 3, "an open file expected");
  struct object_call *call = object_call(L, compare_work, "");
  call->chunk = (uint64_t)chunk;
  call->file = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (call->file >= 0) return filo_call(L, &call->base, compared);
  int error = errno;
  call->base.code = filo_fail_errno(&call->base.err, error, "cannot read the file");
  return filo_call_return(L, &call->base);
}

static void set_aside_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  base->code = filo_object_set_aside(call->object, call->store, call->path, &base->err);
}

/* set_aside(path): only the very file that this object has open */
static int object_set_aside(lua_State *L) {
  struct object_box *box = check_box(L);
  const char *path = filo_check_path(L, 2);
  struct object_call *call = object_call(L, set_aside_work, path);
  call->store = filo_store_ref(box->store);
  return filo_call(L, &call->base, filo_call_ended);
}

static void mark_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  filo_object_mark_verified(call->object, call->store);
}

/* mark_verified(): every chunk was good just now */
static int object_mark_verified(lua_State *L) {
  struct object_box *box = check_box(L);
  struct object_call *call = object_call(L, mark_work, "");
  call->store = filo_store_ref(box->store);
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- Small objects whole, in one trip to a worker --- */

static bool make_body(struct object_call *call) {
  uint64_t size = filo_object_fields(call->object)->size;
  struct filo_error *err = &call->base.err;
  call->body_len = 32 * (size_t)filo_chunk_count(size) + (size_t)size;
  call->body = malloc(call->body_len + 1);
  if (!call->body)
    call->base.code = filo_fail(err, FILO_NO_MEMORY, "no memory for an object's bytes");
  return call->body != NULL;
}

static bool wants_body(const struct object_call *call) {
  return call->base.code == 0 && filo_object_fields(call->object)->size <= call->body_max;
}

static void sealed_work(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  open_work(base);
  if (!wants_body(call) || !make_body(call)) return;
  base->code = filo_object_read_body(call->object, 0, call->body, &base->err);
}

static void sealed_at_once(struct filo_call *base) {
  struct object_call *call = (struct object_call *)base;
  open_at_once(base);
  if (!wants_body(call) || !make_body(call)) return;
  base->code = filo_object_read_body(call->object, FILO_READ_AT_ONCE, call->body, &base->err);
  if (base->code != FILO_BUSY) return;
  free(call->body);
  filo_object_unref(call->object);
  call->body = NULL;
  call->object = NULL;
}

static int sealed_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct object_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  size_t len;
  const unsigned char *record = filo_object_record(call->object, &len);
  filo_push_fields(L, filo_object_fields(call->object));
  lua_pushlstring(L, (const char *)record, len);
  if (call->body)
    lua_pushlstring(L, (const char *)call->body, call->body_len);
  else
    lua_pushnil(L);
  int64_t verified = filo_object_verified(call->object);
  if (verified)
    lua_pushinteger(L, (lua_Integer)verified);
  else
    lua_pushnil(L);
  unsigned char bringer[FILO_ID_SIZE];
  if (filo_object_bringer(call->object, bringer))
    lua_pushlstring(L, (const char *)bringer, sizeof bringer);
  else
    lua_pushnil(L);
  discard(&call->base);
  return 5;
}

/* store:sealed(namespace, path, most [, unsigned]): fields, record, when the content has at most that many bytes
 * (up to a chunk) the body (hashes, then ciphertext) or nil, when it was last known good, and the
 * node that brought it */
int filo_store_sealed(lua_State *L) {
  lua_Integer most = luaL_checkinteger(L, 4);
  luaL_argcheck(L, most >= 0 && most <= FILO_CHUNK_SIZE, 4, "bytes, at most a chunk");
  struct object_call *call = open_call(L, sealed_work);
  call->body_max = (uint64_t)most;
  if (lua_toboolean(L, 5)) call->how = FILO_READ_UNSIGNED;
  return filo_call_at_once(L, &call->base, sealed_at_once, sealed_ended);
}

/* store:in_hand(record, body): an object that has come whole; nil when its record was not verified */
int filo_store_in_hand(lua_State *L) {
  size_t record_len, body_len;
  struct filo_error err;
  struct filo_store *store = filo_check_store(L, 1);
  const char *record = luaL_checklstring(L, 2, &record_len);
  const char *body = luaL_checklstring(L, 3, &body_len);
  struct filo_object *object;
  int rc = filo_object_in_hand((const unsigned char *)record, record_len,
                               (const unsigned char *)body, body_len, &object, &err);
  if (rc == FILO_BUSY) return 0;
  if (rc < 0) return filo_return_error(L, &err);
  push_object(L, store, object);
  filo_object_unref(object);
  return 1;
}

/* share(): another handle on the same open file, to be closed on its own */
static int object_share(lua_State *L) {
  struct object_box *box = check_box(L);
  return push_object(L, box->store, box->object);
}

static const luaL_Reg methods[] = {
    {"fields", object_fields},           {"record", object_record},
    {"set_key", object_set_key},         {"unseal", object_unseal},
    {"content", object_content},         {"verify_chunk", object_verify_chunk},
    {"prove_chunk", object_prove_chunk}, {"compare_chunk", object_compare_chunk},
    {"set_aside", object_set_aside},     {"mark_verified", object_mark_verified},
    {"reader", filo_object_reader},      {"share", object_share},
    {"close", filo_handle_close},        {NULL, NULL}};

void filo_register_object(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
