/* Partials: copies on their way in; and small objects that come whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/descriptor.h"
#include "lua/handle.h"
#include "lua/store.h"

struct partial_box {
  struct filo_partial *partial;
  struct filo_store *store;
};

static void release(void *self) {
  struct partial_box *box = self;
  filo_partial_unref(box->partial);
  filo_store_close(box->store);
  box->store = NULL;
}

static const struct filo_handle_type type = {
    .name = "filo.partial",
    .closed = "the partial is closed",
    .size = sizeof(struct partial_box),
    .release = release,
};

static struct partial_box *check_box(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

struct filo_partial *filo_check_partial(lua_State *L, int index) {
  return ((struct partial_box *)filo_handle_check(L, index, &type))->partial;
}

/* --- Opening, on a worker --- */

struct partial_call {
  struct filo_call base;
  struct filo_store *store;
  char path[FILO_PATH_MAX];
  unsigned char *bytes; /* record, then body */
  size_t record_len, body_len;
  bool whole;
  unsigned how; /* enum filo_partial_how */
  bool has_bringer;
  unsigned char bringer[FILO_ID_SIZE];
  int outside; /* a file of the caller's, or -1 */
  struct filo_partial_file *file;
  struct filo_partial *partial;
  struct filo_publication publication;
};

static void discard(struct filo_call *base) {
  struct partial_call *call = (struct partial_call *)base;
  filo_partial_file_free(call->file);
  filo_partial_unref(call->partial);
  filo_store_close(call->store);
  filo_close_fd(&call->outside);
  free(call->bytes);
  free(call);
}

static void set_bringer(struct partial_call *call) {
  filo_partial_file_set_bringer(call->file, call->has_bringer ? call->bringer : NULL);
}

static void open_work(struct filo_call *base) {
  struct partial_call *call = (struct partial_call *)base;
  struct filo_store *store = call->store;
  if (call->whole)
    base->code = filo_partial_file_whole(store, call->path, call->bytes, call->record_len,
                                         call->bytes + call->record_len, call->body_len, call->how,
                                         &call->file, &base->err);
  else
    base->code = filo_partial_file_open(store, call->path, call->bytes, call->record_len, call->how,
                                        &call->file, &base->err);
  if (base->code == 0) set_bringer(call);
}

static void outside_work(struct filo_call *base) {
  struct partial_call *call = (struct partial_call *)base;
  int fd = call->outside;
  call->outside = -1;
  base->code = filo_partial_file_outside(call->store, fd, call->bytes, call->record_len,
                                         &call->file, &base->err);
}

static int opened(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct partial_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  struct partial_box *box = filo_handle_push(L, &type);
  call->base.code = filo_partial_new(call->file, &box->partial, &call->base.err);
  call->file = NULL;
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  box->store = filo_store_ref(call->store);
  discard(&call->base);
  return 1;
}

static struct partial_call *new_call(lua_State *L, struct filo_store *store,
                                     void (*work)(struct filo_call *)) {
  struct partial_call *call = filo_call_new(L, sizeof *call, work, discard);
  call->store = filo_store_ref(store);
  call->outside = -1;
  return call;
}

static void take_bytes(lua_State *L, struct partial_call *call, const char *record,
                       size_t record_len, const char *body, size_t body_len) {
  call->record_len = record_len;
  call->body_len = body_len;
  call->bytes = malloc(record_len + body_len + 1);
  if (!call->bytes) {
    discard(&call->base);
    luaL_error(L, "no memory");
    return;
  }
  memcpy(call->bytes, record, record_len);
  if (body) memcpy(call->bytes + record_len, body, body_len);
}

/* `beside`, `trusted` and `bringer`, which raises what is wrong with it before there is a call */
struct how {
  unsigned flags;
  const unsigned char *bringer;
};

static struct how check_how(lua_State *L) {
  return (struct how){(lua_toboolean(L, 5) ? FILO_PARTIAL_BESIDE : 0) |
                          (lua_toboolean(L, 6) ? FILO_PARTIAL_TRUSTED : 0),
                      lua_isnoneornil(L, 7) ? NULL : filo_check_hash(L, 7, "node ID")};
}

static void take_how(struct partial_call *call, const struct how *how) {
  call->how = how->flags;
  call->has_bringer = how->bringer != NULL;
  if (how->bringer) memcpy(call->bringer, how->bringer, sizeof call->bringer);
}

static void end_publishing(struct partial_call *call, int code, const struct filo_error *err) {
  call->base.code = code;
  if (code < 0) call->base.err = *err;
  if (call->base.abandoned)
    discard(&call->base);
  else
    filo_event_set(&call->base.ended);
}

/* store:partial(path, record [, body [, beside [, trusted [, bringer]]]]): with a body, a small object is whole
 * already */
int filo_store_partial(lua_State *L) {
  size_t record_len, body_len = 0;
  struct filo_store *store = filo_check_store(L, 1);
  const char *path = filo_check_path(L, 2);
  const char *record = luaL_checklstring(L, 3, &record_len);
  const char *body = luaL_optlstring(L, 4, NULL, &body_len);
  struct how how = check_how(L);
  struct partial_call *call = new_call(L, store, open_work);
  call->whole = body != NULL;
  take_how(call, &how);
  strcpy(call->path, path);
  take_bytes(L, call, record, record_len, body, body_len);
  return filo_call(L, &call->base, opened);
}

static struct partial_call *owner(struct filo_publication *publication) {
  return (struct partial_call *)((char *)publication - offsetof(struct partial_call, publication));
}

static int keep_work(struct filo_publication *publication, struct filo_error *err) {
  struct partial_call *call = owner(publication);
  int rc = filo_partial_file_whole(call->store, call->path, call->bytes, call->record_len,
                                   call->bytes + call->record_len, call->body_len, call->how,
                                   &call->file, err);
  if (rc < 0) return rc;
  set_bringer(call);
  filo_partial_file_publish(call->file, filo_publication_ended, publication);
  return 0;
}

static void kept(struct filo_publication *publication) {
  struct partial_call *call = owner(publication);
  end_publishing(call, publication->code, &publication->err);
}

/* store:keep(path, record, body [, beside [, trusted [, bringer]]]): a small object that has come whole, in one
 * trip to a worker */
int filo_store_keep(lua_State *L) {
  size_t record_len, body_len;
  struct filo_store *store = filo_check_store(L, 1);
  const char *path = filo_check_path(L, 2);
  const char *record = luaL_checklstring(L, 3, &record_len);
  const char *body = luaL_checklstring(L, 4, &body_len);
  struct how how = check_how(L);
  struct partial_call *call = new_call(L, store, NULL);
  take_how(call, &how);
  strcpy(call->path, path);
  take_bytes(L, call, record, record_len, body, body_len);
  call->publication.work = keep_work;
  call->publication.done = kept;
  filo_publication_start(&call->publication, filo_loop_pool(filo_runtime_loop(filo_runtime_of(L))));
  return filo_call_wait(L, &call->base, filo_call_ended);
}

/* The descriptor, or that of the Lua file, at index. */
static int check_file(lua_State *L, int index) {
  int fd = filo_test_descriptor(L, index);
  if (fd >= 0) return fd;
  const luaL_Stream *file = luaL_checkudata(L, index, LUA_FILEHANDLE);
  luaL_argcheck(L, file->closef, index, "an open file expected");
  return fileno(file->f);
}

/* store:partial_outside(file, record) */
int filo_store_partial_outside(lua_State *L) {
  size_t record_len;
  struct filo_store *store = filo_check_store(L, 1);
  int fd = check_file(L, 2);
  const char *record = luaL_checklstring(L, 3, &record_len);
  struct partial_call *call = new_call(L, store, outside_work);
  call->outside = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (call->outside < 0) {
    call->base.code = filo_fail_errno(&call->base.err, errno, "cannot use the file to fetch to");
    return filo_call_return(L, &call->base);
  }
  take_bytes(L, call, record, record_len, NULL, 0);
  return filo_call(L, &call->base, opened);
}

/* --- Publishing --- */

static void on_published(void *ctx, int code, const struct filo_error *err) {
  end_publishing(ctx, code, err);
}

static int partial_publish(lua_State *L) {
  struct partial_box *box = check_box(L);
  struct filo_partial *partial = box->partial;
  luaL_argcheck(L, !partial->publishing, 1, "it is being published already");
  struct partial_call *call = new_call(L, box->store, NULL);
  call->partial = filo_partial_ref(partial);
  partial->published = on_published;
  partial->ctx = call;
  filo_partial_publish(partial, filo_loop_pool(filo_runtime_loop(filo_runtime_of(L))));
  return filo_call_wait(L, &call->base, filo_call_ended);
}

/* --- Methods --- */

static int partial_fields(lua_State *L) {
  filo_push_fields(L, filo_partial_file_fields(filo_check_partial(L, 1)->file));
  return 1;
}

static int partial_has_hashes(lua_State *L) {
  lua_pushboolean(L, filo_partial_file_has_hashes(filo_check_partial(L, 1)->file));
  return 1;
}

static int partial_has(lua_State *L) {
  lua_Integer chunk = luaL_checkinteger(L, 2);
  lua_pushboolean(L, filo_partial_file_has(filo_check_partial(L, 1)->file, (uint64_t)chunk));
  return 1;
}

static int partial_missing(lua_State *L) {
  lua_Integer from = luaL_optinteger(L, 2, 0);
  uint64_t chunk = filo_partial_file_missing(filo_check_partial(L, 1)->file, (uint64_t)from);
  lua_pushinteger(L, (lua_Integer)chunk);
  return 1;
}

static int partial_set_key(lua_State *L) {
  filo_partial_file_set_key(filo_check_partial(L, 1)->file, filo_check_hash(L, 2, "content key"));
  return 0;
}

/* fail(code, message): readers get this error after what is here. */
static int partial_fail(lua_State *L) {
  struct filo_partial *partial = filo_check_partial(L, 1);
  int code = filo_code_from_name(luaL_checkstring(L, 2));
  filo_partial_fail(partial, code ? code : FILO_IO, luaL_checkstring(L, 3));
  return 0;
}

/* share(): another handle on the same partial, to be closed on its own */
static int partial_share(lua_State *L) {
  struct partial_box *box = check_box(L), *other = filo_handle_push(L, &type);
  other->partial = filo_partial_ref(box->partial);
  other->store = filo_store_ref(box->store);
  return 1;
}

/* retry(): after fail, chunks will come again. */
static int partial_retry(lua_State *L) {
  filo_check_partial(L, 1)->code = 0;
  return 0;
}

static const luaL_Reg methods[] = {{"fields", partial_fields},   {"has_hashes", partial_has_hashes},
                                   {"has", partial_has},         {"missing", partial_missing},
                                   {"set_key", partial_set_key}, {"reader", filo_partial_reader},
                                   {"publish", partial_publish}, {"fail", partial_fail},
                                   {"share", partial_share},     {"retry", partial_retry},
                                   {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_partial(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
