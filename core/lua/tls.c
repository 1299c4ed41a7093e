/* TLS settings: a node's own, from its identity; and those for clients of other protocols, from files. */
#include "lua/tls.h"

#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/handle.h"
#include "lua/identity.h"
#include "transport/tls_server.h"

static void release(void *box) {
  filo_tls_unref(*(struct filo_tls **)box);
}

static const struct filo_handle_type type = {
    .name = "filo.tls",
    .closed = "the TLS settings are closed",
    .size = sizeof(struct filo_tls *),
    .release = release,
};

struct filo_tls *filo_check_tls(lua_State *L, int index) {
  return *(struct filo_tls **)filo_handle_check(L, index, &type);
}

int filo_net_tls(lua_State *L) {
  struct filo_error err;
  struct filo_identity *identity = filo_check_identity(L, 1);
  int rc = filo_tls_new(identity, filo_handle_push(L, &type), &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

/* --- tls_server(certificate, key): the files are read by a worker --- */

struct tls_call {
  struct filo_call base;
  char *certificate, *key;
  struct filo_tls *tls;
};

static void discard(struct filo_call *base) {
  struct tls_call *call = (struct tls_call *)base;
  filo_tls_unref(call->tls);
  free(call->certificate);
  free(call->key);
  free(call);
}

static void read_tls(struct filo_call *base) {
  struct tls_call *call = (struct tls_call *)base;
  base->code = filo_tls_server_new(call->certificate, call->key, &call->tls, &base->err);
}

static int tls_read(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct tls_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  struct filo_tls **box = filo_handle_push(L, &type);
  *box = filo_tls_ref(call->tls);
  discard(&call->base);
  return 1;
}

int filo_net_tls_server(lua_State *L) {
  const char *certificate = filo_check_file(L, 1), *key = filo_check_file(L, 2);
  struct tls_call *call = filo_call_new(L, sizeof *call, read_tls, discard);
  call->certificate = strdup(certificate);
  call->key = strdup(key);
  if (!call->certificate || !call->key) {
    discard(&call->base);
    return luaL_error(L, "no memory");
  }
  return filo_call(L, &call->base, tls_read);
}

static const luaL_Reg methods[] = {{"close", filo_handle_close}, {NULL, NULL}};

void filo_register_tls(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
