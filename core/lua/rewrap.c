/* store:rewrap, and reseal of the module filo.core.store: other records for content that is here. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/keys.h"
#include "lua/resources.h"
#include "lua/store.h"
#include "store/rewrap.h"
#include "transfer/publication.h"

/* --- reseal(keys, record, version) --- */

struct reseal_call {
  struct filo_call base;
  struct filo_namespace *ns;
  struct filo_version version;
  unsigned char *old, *record; /* old: then the metadata */
  size_t old_len, record_len;
};

static void reseal_discard(struct filo_call *base) {
  struct reseal_call *call = (struct reseal_call *)base;
  filo_namespace_unref(call->ns);
  free(call->old);
  free(call->record);
  free(call);
}

static void reseal_work(struct filo_call *base) {
  struct reseal_call *call = (struct reseal_call *)base;
  base->code = filo_record_rewrap(call->ns, call->old, call->old_len, &call->version, &call->record,
                                  &call->record_len, &base->err);
}

static int reseal_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct reseal_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushlstring(L, (const char *)call->record, call->record_len);
  reseal_discard(&call->base);
  return 1;
}

int filo_records_reseal(lua_State *L) {
  size_t len;
  struct filo_version version;
  struct filo_namespace *ns = filo_check_keys(L, 1);
  const char *old = luaL_checklstring(L, 2, &len);
  filo_check_version(L, 3, &version);
  struct reseal_call *call = filo_call_new(L, sizeof *call, reseal_work, reseal_discard);
  call->ns = filo_namespace_ref(ns);
  call->version = version;
  call->old_len = len;
  call->old = malloc(len + version.meta_len + 1);
  if (!call->old) {
    reseal_discard(&call->base);
    return luaL_error(L, "no memory");
  }
  memcpy(call->old, old, len);
  memcpy(call->old + len, version.meta, version.meta_len);
  call->version.meta = call->old + len;
  return filo_call(L, &call->base, reseal_ended);
}

/* --- store:rewrap(path, record [, over [, trusted [, from [, bringer]]]]); from: a path, or an old copy --- */

enum { MORE = 1 };

struct rewrap_call {
  struct filo_call base;
  struct filo_publication publication;
  struct filo_store *store;
  struct filo_rewrap_options options;
  char path[FILO_PATH_MAX], from[FILO_PATH_MAX];
  struct filo_old old;
  unsigned char bringer[FILO_ID_SIZE];
  unsigned char *record; /* then the one that must be there */
  size_t record_len;
  struct filo_rewrap *rewrap;
};

static struct rewrap_call *owner(struct filo_publication *publication) {
  return (struct rewrap_call *)((char *)publication - offsetof(struct rewrap_call, publication));
}

/* One step; then it is published, or there is more. */
static int work(struct filo_publication *publication, struct filo_error *err) {
  struct rewrap_call *call = owner(publication);
  int code = 0;
  if (!call->rewrap)
    code = filo_rewrap_new(call->store, call->path, call->record, call->record_len, &call->options,
                           &call->rewrap, err);
  if (code == 0) code = filo_rewrap_step(call->rewrap, err);
  if (code == MORE)
    filo_publication_ended(publication, MORE, NULL);
  else if (code == 0)
    filo_rewrap_publish(call->rewrap, filo_publication_ended, publication);
  return code;
}

static void discard(struct filo_call *base) {
  struct rewrap_call *call = (struct rewrap_call *)base;
  filo_rewrap_free(call->rewrap);
  filo_store_close(call->store);
  free(call->record);
  free(call);
}

static void done(struct filo_publication *publication) {
  struct rewrap_call *call = owner(publication);
  call->base.code = publication->code;
  call->base.err = publication->err;
  if (call->base.abandoned)
    discard(&call->base);
  else
    filo_event_set(&call->base.ended);
}

static int start(lua_State *L, struct rewrap_call *call);

static int ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct rewrap_call *call = filo_call_end(L, ctx);
  return call->base.code == MORE ? start(L, call) : filo_call_return(L, &call->base);
}

static int start(lua_State *L, struct rewrap_call *call) {
  call->base.ended.set = false;
  filo_publication_start(&call->publication, filo_resources_of(L)->pool);
  return filo_call_wait(L, &call->base, ended);
}

int filo_store_rewrap(lua_State *L) {
  size_t len, over_len = 0;
  struct filo_store *store = filo_check_store(L, 1);
  const char *path = filo_check_path(L, 2);
  const char *record = luaL_checklstring(L, 3, &len);
  const char *over = luaL_optlstring(L, 4, NULL, &over_len);
  struct filo_old old;
  bool is_old = lua_istable(L, 6);
  if (is_old) filo_check_old(L, 6, &old);
  const char *from = is_old || lua_isnoneornil(L, 6) ? NULL : filo_check_path(L, 6);
  const unsigned char *bringer = lua_isnoneornil(L, 7) ? NULL : filo_check_hash(L, 7, "node ID");
  struct rewrap_call *call = filo_call_new(L, sizeof *call, NULL, discard);
  call->store = filo_store_ref(store);
  strcpy(call->path, path);
  call->options.trusted = lua_toboolean(L, 5);
  if (from) call->options.from = strcpy(call->from, from);
  if (is_old) {
    call->old = old;
    call->options.old = &call->old;
  }
  if (bringer) call->options.bringer = memcpy(call->bringer, bringer, sizeof call->bringer);
  call->record = malloc(len + over_len + 1);
  if (!call->record) {
    discard(&call->base);
    return luaL_error(L, "no memory");
  }
  memcpy(call->record, record, len);
  call->record_len = len;
  if (over) {
    memcpy(call->record + len, over, over_len);
    call->options.over = call->record + len;
    call->options.over_len = over_len;
  }
  call->publication.work = work;
  call->publication.done = done;
  return start(L, call);
}
