/* The module filo.core.store: roots, paths, and the store's own methods. */
#include "lua/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/handle.h"
#include "lua/identity.h"
#include "lua/modules.h"
#include "lua/seen.h"
#include "store/partial_file.h"

/* --- The handle --- */

struct store_box {
  struct filo_store *store;
  struct filo_event idle;
};

static void on_idle(void *ctx) {
  struct store_box *box = ctx;
  filo_event_set(&box->idle);
}

static void release(void *self) {
  struct store_box *box = self;
  if (box->store) filo_store_on_idle(box->store, NULL, NULL);
  filo_store_close(box->store);
  filo_event_set(&box->idle);
}

static const struct filo_handle_type type = {
    .name = "filo.store",
    .closed = "the store is closed",
    .size = sizeof(struct store_box),
    .release = release,
};

static struct store_box *check_box(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

struct filo_store *filo_check_store(lua_State *L, int index) {
  return ((struct store_box *)filo_handle_check(L, index, &type))->store;
}

/* --- Opening --- */

struct open_call {
  struct filo_call base;
  struct filo_store_options options;
  char *root;
  struct filo_store *store;
};

static void open_work(struct filo_call *base) {
  struct open_call *call = (struct open_call *)base;
  base->code = filo_store_open(&call->options, &call->store, &base->err);
}

static void open_discard(struct filo_call *base) {
  struct open_call *call = (struct open_call *)base;
  if (call->store) filo_store_close(call->store);
  free(call->root);
  free(call);
}

static int opened(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct open_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  struct store_box *box = filo_handle_push(L, &type);
  box->store = call->store;
  filo_store_on_idle(box->store, on_idle, box);
  call->store = NULL;
  open_discard(&call->base);
  return 1;
}

static enum filo_durability check_durability(lua_State *L, int index) {
  static const char *const names[] = {"full", "group", "none", NULL};
  return (enum filo_durability)luaL_checkoption(L, index, "full", names);
}

/* open(root, owner, durability, reserve [, readonly]) */
static int store_open(lua_State *L) {
  const char *root = filo_check_text(L, 1);
  const unsigned char *owner = filo_check_hash(L, 2, "owner");
  enum filo_durability durability = check_durability(L, 3);
  lua_Integer reserve = luaL_optinteger(L, 4, 0);
  luaL_argcheck(L, reserve >= 0, 4, "bytes, 0 or more");
  struct open_call *call = filo_call_new(L, sizeof *call, open_work, open_discard);
  call->root = strdup(root);
  if (!call->root) {
    open_discard(&call->base);
    return luaL_error(L, "no memory");
  }
  call->options.root = call->root;
  memcpy(call->options.owner, owner, 32);
  call->options.durability = durability;
  call->options.reserve = (uint64_t)reserve;
  call->options.readonly = lua_toboolean(L, 5);
  return filo_call(L, &call->base, opened);
}

/* --- wait_idle([seconds]): until nothing that came from it keeps the root --- */

static int wait_idle_until(lua_State *L, struct store_box *box);

static int woken(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct store_box *box = filo_handle_box(L, 1, &type);
  enum filo_why why = filo_event_why(L, &box->idle);
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  struct filo_error err;
  if (why == FILO_TIMED_OUT) {
    filo_fail(&err, FILO_TIMEOUT, "the store is still in use: close what was opened in it");
    return filo_return_error(L, &err);
  }
  if (!box->store) {
    filo_fail(&err, FILO_CLOSED, "the store was closed while it was in use");
    return filo_return_error(L, &err);
  }
  return wait_idle_until(L, box); /* another task may have used it since this one was woken */
}

/* The deadline is at index 2; nil: none. */
static int wait_idle_until(lua_State *L, struct store_box *box) {
  if (!filo_store_in_use(box->store)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (!box->idle.waiter) box->idle.set = false;
  double left = lua_isnil(L, 2) ? FILO_NO_DEADLINE : lua_tonumber(L, 2) - filo_now();
  return filo_event_wait(L, &box->idle, left, 0, woken);
}

static int store_wait_idle(lua_State *L) {
  struct store_box *box = check_box(L);
  double seconds = filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE);
  lua_settop(L, 1);
  if (seconds == FILO_NO_DEADLINE)
    lua_pushnil(L);
  else
    lua_pushnumber(L, filo_now() + seconds);
  return wait_idle_until(L, box);
}

/* --- Calls on what lies at a path --- */

struct path_call {
  struct filo_call base;
  struct filo_store *store;
  unsigned char ns[32];
  uint64_t version;
  bool keep;
  struct filo_record fields;
  unsigned char *record;
  size_t record_len;
  uint64_t numbers[2];
  char path[];
};

static void path_discard(struct filo_call *base) {
  struct path_call *call = (struct path_call *)base;
  filo_store_close(call->store);
  free(call->record);
  free(call);
}

/* store, namespace, path */
static struct path_call *path_call(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_store *store = filo_check_store(L, 1);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const char *path = filo_check_path(L, 3);
  struct path_call *call = filo_call_new(L, sizeof *call + strlen(path) + 1, work, path_discard);
  call->store = filo_store_ref(store);
  memcpy(call->ns, ns, 32);
  strcpy(call->path, path);
  return call;
}

static void stat_as(struct path_call *call, unsigned how) {
  call->base.code = filo_object_stat(call->store, call->ns, call->path, how, &call->fields,
                                     &call->record, &call->record_len, &call->base.err);
}

static void stat_work(struct filo_call *base) {
  stat_as((struct path_call *)base, 0);
}

static void stat_at_once(struct filo_call *base) {
  stat_as((struct path_call *)base, FILO_READ_AT_ONCE);
}

static int push_stat(lua_State *L, struct path_call *call) {
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  filo_push_fields(L, &call->fields);
  lua_pushlstring(L, (const char *)call->record, call->record_len);
  path_discard(&call->base);
  return 2;
}

static int stat_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return push_stat(L, filo_call_end(L, ctx));
}

/* stat(namespace, path [, at_once]) */
static int store_stat(lua_State *L) {
  struct path_call *call = path_call(L, stat_work);
  if (!lua_toboolean(L, 4)) return filo_call_at_once(L, &call->base, stat_at_once, stat_ended);
  stat_at_once(&call->base);
  if (call->base.code == FILO_BUSY)
    filo_fail(&call->base.err, FILO_BUSY, "what lies at %s is not known yet", call->path);
  return push_stat(L, call);
}

static void remove_work(struct filo_call *base) {
  struct path_call *call = (struct path_call *)base;
  base->code =
      filo_store_remove(call->store, call->ns, call->path, call->version, call->keep, &base->err);
}

/* remove(namespace, path [, version [, keep]]) */
static int store_remove(lua_State *L) {
  lua_Integer version = luaL_optinteger(L, 4, 0);
  struct path_call *call = path_call(L, remove_work);
  call->version = (uint64_t)version;
  call->keep = lua_toboolean(L, 5);
  return filo_call(L, &call->base, filo_call_ended);
}

static void space_work(struct filo_call *base) {
  struct path_call *call = (struct path_call *)base;
  base->code = filo_store_space(call->store, &call->numbers[0], &call->numbers[1], &base->err);
}

static int two_numbers_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct path_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushinteger(L, (lua_Integer)call->numbers[0]);
  lua_pushinteger(L, (lua_Integer)call->numbers[1]);
  path_discard(&call->base);
  return 2;
}

static void bad_work(struct filo_call *base) {
  struct path_call *call = (struct path_call *)base;
  base->code = filo_store_bad(call->store, &call->numbers[0], &call->numbers[1], &base->err);
}

static int two_numbers(lua_State *L, void (*work)(struct filo_call *)) {
  struct filo_store *store = filo_check_store(L, 1);
  struct path_call *call = filo_call_new(L, sizeof *call, work, path_discard);
  call->store = filo_store_ref(store);
  return filo_call(L, &call->base, two_numbers_ended);
}

/* space(): free and total bytes; a disk on the network may take its time to tell */
static int store_space(lua_State *L) {
  return two_numbers(L, space_work);
}

/* bad(): copies set aside, and their bytes */
static int store_bad(lua_State *L) {
  return two_numbers(L, bad_work);
}

static void sweep_work(struct filo_call *base) {
  filo_store_sweep(((struct path_call *)base)->store);
}

static int store_sweep(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  struct path_call *call = filo_call_new(L, sizeof *call, sweep_work, path_discard);
  call->store = filo_store_ref(store);
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- Where objects lie --- */

static int store_layout(lua_State *L) {
  lua_pushstring(L, filo_store_layout(filo_check_store(L, 1)));
  return 1;
}

struct layout_call {
  struct filo_call base;
  struct filo_store *store;
  unsigned char ns[32];
  char from[FILO_PATH_MAX], to[FILO_PATH_MAX];
  char layout[FILO_LAYOUT_MAX + 1];
};

static void layout_discard(struct filo_call *base) {
  struct layout_call *call = (struct layout_call *)base;
  filo_store_close(call->store);
  free(call);
}

static void set_layout_work(struct filo_call *base) {
  struct layout_call *call = (struct layout_call *)base;
  base->code = filo_store_set_layout(call->store, call->layout, &base->err);
}

/* set_layout(text) */
static int store_set_layout(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  const char *text = filo_check_text(L, 2);
  size_t len = strlen(text);
  luaL_argcheck(L, len > 0 && len <= FILO_LAYOUT_MAX && !strchr(text, '\n'), 2,
                "a line of at most 200 bytes");
  struct layout_call *call = filo_call_new(L, sizeof *call, set_layout_work, layout_discard);
  call->store = filo_store_ref(store);
  memcpy(call->layout, text, len + 1);
  return filo_call(L, &call->base, filo_call_ended);
}

static void move_work(struct filo_call *base) {
  struct layout_call *call = (struct layout_call *)base;
  base->code = filo_store_move(call->store, call->ns, call->from, call->to, &base->err);
}

/* move(namespace, from, to) */
static int store_move(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const char *from = filo_check_path(L, 3), *to = filo_check_path(L, 4);
  struct layout_call *call = filo_call_new(L, sizeof *call, move_work, layout_discard);
  call->store = filo_store_ref(store);
  memcpy(call->ns, ns, 32);
  strcpy(call->from, from);
  strcpy(call->to, to);
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- Paths --- */

/* What is out of range stays so. */
static unsigned count_argument(lua_State *L, int index) {
  lua_Integer n = luaL_checkinteger(L, index);
  return n < 0 || n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

/* cas_path(digest, width, depth, key_hash) */
static int cas_path(lua_State *L) {
  struct filo_error err;
  char path[FILO_PATH_MAX];
  int digest = filo_digest_from_name(luaL_checkstring(L, 1));
  luaL_argcheck(L, digest >= 0, 1, "a digest: md5, sha1, sha256 or blake3");
  struct filo_cas cas = {(enum filo_digest)digest, count_argument(L, 2), count_argument(L, 3)};
  const unsigned char *hash = filo_check_hash(L, 4, "key hash");
  if (filo_cas_check(&cas, &err) < 0 || filo_cas_path(&cas, hash, path, &err) < 0)
    return filo_return_error(L, &err);
  lua_pushstring(L, path);
  return 1;
}

static int check_path(lua_State *L) {
  size_t len;
  struct filo_error err;
  const char *path = luaL_checklstring(L, 1, &len);
  if (filo_path_check(path, len, &err) < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg store_methods[] = {{"close", filo_handle_close},
                                         {"wait_idle", store_wait_idle},
                                         {"stat", store_stat},
                                         {"remove", store_remove},
                                         {"set_aside", filo_store_set_bad_aside},
                                         {"bad_copies", filo_store_list_bad},
                                         {"old", filo_store_list_old},
                                         {"old_of", filo_store_list_old_of},
                                         {"old_usage", filo_store_old_usage},
                                         {"old_owners", filo_store_old_owners},
                                         {"yield_versions", filo_store_yield_versions},
                                         {"keep_versions", filo_store_keep_versions},
                                         {"old_object", filo_store_open_old},
                                         {"restore", filo_store_restore_old},
                                         {"forget_old", filo_store_forget_old},
                                         {"sweep_old", filo_store_sweep_old},
                                         {"keep_deleted", filo_store_keep_deleted},
                                         {"write_note", filo_store_put_note},
                                         {"read_note", filo_store_get_note},
                                         {"space", store_space},
                                         {"bad", store_bad},
                                         {"sweep", store_sweep},
                                         {"pack", filo_store_pack_deletions},
                                         {"layout", store_layout},
                                         {"set_layout", store_set_layout},
                                         {"move", store_move},
                                         {"add_holder", filo_store_note_holder},
                                         {"holders", filo_store_list_holders},
                                         {"deposit", filo_store_deposit},
                                         {"deposit_file", filo_store_deposit_file},
                                         {"partial", filo_store_partial},
                                         {"keep", filo_store_keep},
                                         {"partial_outside", filo_store_partial_outside},
                                         {"walk", filo_store_walk},
                                         {"catalogue", filo_store_catalogue},
                                         {"sealed", filo_store_sealed},
                                         {"in_hand", filo_store_in_hand},
                                         {"object", filo_store_open_object},
                                         {"tombstone", filo_store_tombstone},
                                         {"rewrap", filo_store_rewrap},
                                         {NULL, NULL}};

static int prepare(lua_State *L) {
  struct filo_error err;
  if (filo_store_prepare(filo_check_text(L, 1), &err) < 0) return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* look(root): "empty", "begun" or "made" */
static int look(lua_State *L) {
  static const char *const names[] = {"empty", "begun", "made"};
  struct filo_error err;
  enum filo_root_state state;
  if (filo_store_look(filo_check_text(L, 1), &state, &err) < 0) return filo_return_error(L, &err);
  lua_pushstring(L, names[state]);
  return 1;
}

/* marker(root): its owner in hexadecimal, and where objects lie */
static int marker(lua_State *L) {
  char owner[2 * FILO_ID_SIZE + 1], layout[FILO_LAYOUT_MAX + 1];
  struct filo_error err;
  if (filo_store_marker(filo_check_text(L, 1), owner, layout, &err) < 0)
    return filo_return_error(L, &err);
  lua_pushstring(L, owner);
  lua_pushstring(L, layout);
  return 2;
}

static const luaL_Reg functions[] = {{"look", look},
                                     {"marker", marker},
                                     {"prepare", prepare},
                                     {"open", store_open},
                                     {"cas_path", cas_path},
                                     {"check_path", check_path},
                                     {"parse", filo_records_parse},
                                     {"peek", filo_records_peek},
                                     {"vouches", filo_records_vouches},
                                     {"unseal", filo_records_unseal},
                                     {"reseal", filo_records_reseal},
                                     {"seen", filo_file_seen},
                                     {NULL, NULL}};

int filo_open_store(lua_State *L) {
  filo_handle_register(L, &type, store_methods);
  filo_register_object(L);
  filo_register_partial(L);
  filo_register_deposit(L);
  filo_register_reader(L);
  filo_register_walk(L);
  filo_register_catalogue(L);
  luaL_newlib(L, functions);
  lua_pushinteger(L, FILO_CHUNK_SIZE);
  lua_setfield(L, -2, "chunk_size");
  return 1;
}
