/* store:tombstone: a deletion, signed and published. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/keys.h"
#include "lua/resources.h"
#include "lua/store.h"
#include "store/sealer.h"
#include "transfer/publication.h"

struct tombstone_call {
  struct filo_call base;
  struct filo_publication publication;
  struct filo_store *store;
  struct filo_namespace *ns;
  struct filo_version version;
  char path[FILO_PATH_MAX];
  struct filo_sealer *sealer;
};

static struct tombstone_call *owner(struct filo_publication *publication) {
  return (struct tombstone_call *)((char *)publication -
                                   offsetof(struct tombstone_call, publication));
}

static int seal(struct tombstone_call *call, struct filo_error *err) {
  return filo_sealer_tombstone(call->store, call->ns, &call->version, &call->sealer, err);
}

/* On a disk without a free byte, what is deleted makes the room for its tombstone. */
static int work(struct filo_publication *publication, struct filo_error *err) {
  struct tombstone_call *call = owner(publication);
  int code = seal(call, err);
  const unsigned char *ns = filo_namespace_id(call->ns);
  if (code == FILO_NO_SPACE && filo_store_remove(call->store, ns, call->path, 0, false, NULL) == 0)
    code = seal(call, err);
  if (code == 0) filo_sealer_publish(call->sealer, call->path, filo_publication_ended, publication);
  return code;
}

static void discard(struct filo_call *base) {
  struct tombstone_call *call = (struct tombstone_call *)base;
  filo_sealer_free(call->sealer);
  filo_namespace_unref(call->ns);
  filo_store_close(call->store);
  free((void *)call->version.meta);
  free(call);
}

static void done(struct filo_publication *publication) {
  struct tombstone_call *call = owner(publication);
  call->base.code = publication->code;
  call->base.err = publication->err;
  if (call->base.abandoned)
    discard(&call->base);
  else
    filo_event_set(&call->base.ended);
}

static int ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct tombstone_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  size_t len;
  const unsigned char *record = filo_sealer_record(call->sealer, &len);
  lua_pushlstring(L, (const char *)record, len);
  discard(&call->base);
  return 1;
}

/* store:tombstone(namespace, version, path): the record */
int filo_store_tombstone(lua_State *L) {
  struct filo_version version;
  struct filo_store *store = filo_check_store(L, 1);
  struct filo_namespace *ns = filo_check_keys(L, 2);
  filo_check_version(L, 3, &version);
  const char *path = filo_check_path(L, 4);
  struct tombstone_call *call = filo_call_new(L, sizeof *call, NULL, discard);
  call->store = filo_store_ref(store);
  call->ns = filo_namespace_ref(ns);
  call->version = version;
  strcpy(call->path, path);
  char *meta = malloc(version.meta_len + 1);
  call->version.meta = meta;
  if (!meta) {
    discard(&call->base);
    return luaL_error(L, "no memory");
  }
  memcpy(meta, version.meta, version.meta_len);
  call->publication.work = work;
  call->publication.done = done;
  filo_publication_start(&call->publication, filo_resources_of(L)->pool);
  return filo_call_wait(L, &call->base, ended);
}
