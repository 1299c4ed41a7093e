/* Sieves: bodies of requests, unframed, verified and digested on their way. */
#include "lua/sieve.h"

#include <lauxlib.h>
#include <string.h>

#include "bytes.h"
#include "lua/handle.h"
#include "lua/http.h"
#include "runtime/task.h"
#include "s3/sieve.h"
#include "s3/sums.h"

struct sieve_box {
  struct filo_s3_sieve *sieve;
  struct filo_http *http; /* whose time limit runs while somebody reads */
  struct filo_event changed;
  size_t used; /* of the last piece that was read */
};

static void on_changed(void *ctx) {
  struct sieve_box *box = ctx;
  filo_event_set(&box->changed);
}

static void release(void *self) {
  struct sieve_box *box = self;
  filo_s3_sieve_close(box->sieve);
  filo_http_unref(box->http);
  box->http = NULL;
  filo_event_set(&box->changed);
}

static const struct filo_handle_type type = {
    .name = "filo.sieve",
    .closed = "the sieve is closed",
    .size = sizeof(struct sieve_box),
    .release = release,
};

static struct sieve_box *check_box(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

static struct filo_s3_sieve *check_ended(lua_State *L) {
  struct filo_s3_sieve *sieve = check_box(L)->sieve;
  luaL_argcheck(L, filo_s3_sieve_has_ended(sieve), 1, "its end has not come");
  return sieve;
}

/* --- The plan: strings stay those of the table --- */

static void reject(lua_State *L, const char *name, const char *what) {
  luaL_argerror(L, 2, lua_pushfstring(L, "plan.%s: %s expected", name, what));
}

/* NULL: there is none. */
static const char *field(lua_State *L, const char *name, size_t len, const char *what) {
  size_t has = 0;
  int kind = lua_getfield(L, 2, name);
  const char *text = kind == LUA_TSTRING ? lua_tolstring(L, -1, &has) : NULL;
  lua_pop(L, 1);
  bool good = text ? len == 0 || has == len : kind == LUA_TNIL;
  if (text && len == 0) good = has > 0 && strlen(text) == has && !strpbrk(text, "\r\n");
  if (!good) reject(L, name, what);
  return text;
}

static bool flag(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static void read_length(lua_State *L, struct filo_s3_plan *plan) {
  plan->has_length = lua_getfield(L, 2, "length") != LUA_TNIL;
  bool good = !plan->has_length || (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0);
  if (!good) reject(L, "length", "a number of bytes, 0 or more,");
  plan->length = plan->has_length ? (uint64_t)lua_tointeger(L, -1) : 0;
  lua_pop(L, 1);
}

static void read_digests(lua_State *L, struct filo_s3_plan *plan) {
  int kind = lua_getfield(L, 2, "digests");
  if (kind != LUA_TNIL && kind != LUA_TTABLE) reject(L, "digests", "a list of names");
  lua_Integer count = kind == LUA_TTABLE ? luaL_len(L, -1) : 0;
  for (lua_Integer i = 1; i <= count; i++) {
    bool is_name = lua_geti(L, -1, i) == LUA_TSTRING;
    int number = is_name ? filo_s3_sum_from_name(lua_tostring(L, -1)) : -1;
    if (number < 0) reject(L, "digests", "md5, sha1, sha256, crc32, crc32c or crc64nvme");
    plan->sums |= 1u << number;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* False: no signatures are to be looked at. */
static bool read_signer(lua_State *L, struct filo_s3_signer *signer) {
  signer->key = (const unsigned char *)field(L, "key", 32, "a signing key of 32 bytes");
  if (!signer->key) return false;
  signer->date = field(L, "date", 0, "a line");
  signer->scope = field(L, "scope", 0, "a line");
  const char *seed = field(L, "seed", 2 * sizeof signer->seed, "64 hexadecimal digits");
  if (!signer->date || !signer->scope) reject(L, "key", "a date and a scope beside it");
  if (!seed || filo_unhex(signer->seed, seed, sizeof signer->seed) < 0)
    reject(L, "seed", "64 hexadecimal digits");
  return true;
}

static void read_plan(lua_State *L, struct filo_s3_plan *plan, struct filo_s3_signer *signer) {
  luaL_checktype(L, 2, LUA_TTABLE);
  plan->is_chunked = flag(L, "chunked");
  plan->signed_trailers = flag(L, "trailer_signed");
  read_length(L, plan);
  read_digests(L, plan);
  plan->signer = read_signer(L, signer) ? signer : NULL;
  if (plan->signer && !plan->is_chunked) reject(L, "key", "chunked = true beside it");
  if (plan->signed_trailers && !plan->signer) reject(L, "trailer_signed", "a key beside it");
}

/* sieve(connection, plan): of the body of its request; nil: of nothing */
int filo_net_sieve(lua_State *L) {
  struct filo_s3_plan plan = {0};
  struct filo_s3_signer signer = {0};
  struct filo_error err;
  read_plan(L, &plan, &signer);
  struct sieve_box *box = filo_handle_push(L, &type);
  struct filo_pull *body = lua_isnil(L, 1) ? NULL : filo_check_http_body(L, 1);
  if (filo_s3_sieve_new(body, &plan, on_changed, box, &box->sieve, &err) < 0)
    return filo_return_error(L, &err);
  if (body) box->http = filo_http_ref(filo_check_http(L, 1));
  return 1;
}

/* --- read(max): the next bytes; nil at the end --- */

static int go_on_reading(lua_State *L, int status, lua_KContext ctx);

static int read_or_wait(lua_State *L, struct sieve_box *box) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len, max = (size_t)luaL_checkinteger(L, 2), used = box->used;
  box->changed.set = false;
  box->used = 0;
  int rc = filo_s3_sieve_next(box->sieve, used, &bytes, &len, &err);
  if (rc == FILO_BUSY) return filo_event_wait(L, &box->changed, FILO_NO_DEADLINE, 0, go_on_reading);
  if (rc < 0) return filo_return_error(L, &err);
  if (rc == 0) {
    lua_pushnil(L);
    return 1;
  }
  box->used = len < max ? len : max;
  lua_pushlstring(L, (const char *)bytes, box->used);
  return 1;
}

static int go_on_reading(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct filo_error err;
  struct sieve_box *box = filo_handle_box(L, 1, &type);
  if (filo_event_why(L, &box->changed) != FILO_WOKEN) {
    if (box->http) filo_http_give_up(box->http);
    return filo_task_raise_cancelled(L);
  }
  if (box->sieve) return read_or_wait(L, box);
  filo_fail(&err, FILO_CLOSED, "the sieve was closed meanwhile");
  return filo_return_error(L, &err);
}

static int sieve_read(lua_State *L) {
  struct sieve_box *box = check_box(L);
  filo_task_check(L);
  luaL_argcheck(L, luaL_checkinteger(L, 2) > 0, 2, "a number of bytes, 1 or more");
  bool is_read = box->changed.waiter || filo_s3_sieve_is_taken(box->sieve);
  luaL_argcheck(L, !is_read, 1, "something takes its data already");
  return read_or_wait(L, box);
}

struct filo_pull *filo_test_sieve(lua_State *L, int index) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len;
  struct sieve_box *box = filo_handle_test(L, index, &type);
  if (!box) return NULL;
  bool is_read = box->changed.waiter || filo_s3_sieve_is_taken(box->sieve);
  luaL_argcheck(L, !is_read, index, "something takes its data already");
  if (box->used > 0) filo_s3_sieve_next(box->sieve, box->used, &bytes, &len, &err);
  box->used = 0;
  return filo_s3_sieve_pull(box->sieve);
}

/* --- Once the end has come --- */

/* digests(): what each is of the data, in bytes */
static int sieve_digests(lua_State *L) {
  const struct filo_s3_sieve *sieve = check_ended(L);
  lua_createtable(L, 0, FILO_S3_SUMS);
  for (int i = 0; i < FILO_S3_SUMS; i++) {
    size_t len;
    const unsigned char *bytes = filo_s3_sieve_sum(sieve, i, &len);
    if (!bytes) continue;
    lua_pushlstring(L, (const char *)bytes, len);
    lua_setfield(L, -2, filo_s3_sum_name(i));
  }
  return 1;
}

/* trailers(): their values by their names in lower case */
static int sieve_trailers(lua_State *L) {
  size_t len;
  const char *at = filo_s3_sieve_trailers(check_ended(L), &len), *end = at + len;
  lua_newtable(L);
  while (at < end) {
    const char *colon = memchr(at, ':', (size_t)(end - at));
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    lua_pushlstring(L, at, (size_t)(colon - at));
    lua_pushlstring(L, colon + 1, (size_t)(line_end - colon - 1));
    lua_rawset(L, -3);
    at = line_end + 1;
  }
  return 1;
}

static const luaL_Reg methods[] = {{"read", sieve_read},
                                   {"digests", sieve_digests},
                                   {"trailers", sieve_trailers},
                                   {"close", filo_handle_close},
                                   {NULL, NULL}};

void filo_register_sieve(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
