/* Methods of catalogues: what is told to other nodes, and noted of what these tell. */
#include <stdlib.h>
#include <string.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/catalogue.h"

static const unsigned char *check_life(lua_State *L, int index) {
  size_t len;
  const char *life = luaL_checklstring(L, index, &len);
  luaL_argcheck(L, len == FILO_LIFE_SIZE, index, "16 bytes expected");
  return (const unsigned char *)life;
}

struct feed_call {
  struct filo_call base;
  struct filo_catalogue_handle *shared;
  unsigned char ns[FILO_ID_SIZE], life[FILO_LIFE_SIZE];
  bool has_life;
  int64_t after;
  size_t most, most_bytes;
  struct filo_feed feed;
};

static void feed_discard(struct filo_call *base) {
  struct feed_call *call = (struct feed_call *)base;
  filo_rows_free(&call->feed.rows);
  filo_catalogue_handle_unref(call->shared);
  free(call);
}

static void feed_work(struct filo_call *base) {
  struct feed_call *call = (struct feed_call *)base;
  base->code =
      filo_catalogue_feed(call->shared->catalogue, call->ns, call->has_life ? call->life : NULL,
                          call->after, call->most, call->most_bytes, &call->feed, &base->err);
}

static int feed_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct feed_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  const struct filo_rows *rows = &call->feed.rows;
  lua_createtable(L, (int)rows->count, 0);
  for (size_t i = 0; i < rows->count; i++) {
    lua_pushlstring(L, (const char *)rows->list[i].record, rows->list[i].record_len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, (lua_Integer)call->feed.after);
  lua_pushlstring(L, (const char *)call->feed.life, FILO_LIFE_SIZE);
  feed_discard(&call->base);
  return 3;
}

/* feed(namespace, life or nil, after, most, most_bytes): records, after, life */
int filo_lists_feed(lua_State *L) {
  struct filo_catalogue_handle *shared = filo_check_catalogue(L);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const unsigned char *life = lua_isnoneornil(L, 3) ? NULL : check_life(L, 3);
  lua_Integer after = luaL_checkinteger(L, 4), bytes = luaL_checkinteger(L, 6);
  size_t most = filo_check_most(L, 5);
  luaL_argcheck(L, bytes >= FILO_RECORD_MAX, 6, "room for a record, at least");
  struct feed_call *call = filo_call_new(L, sizeof *call, feed_work, feed_discard);
  call->shared = shared;
  shared->refs++;
  memcpy(call->ns, ns, sizeof call->ns);
  call->has_life = life != NULL;
  if (life) memcpy(call->life, life, FILO_LIFE_SIZE);
  call->after = after;
  call->most = most;
  call->most_bytes = (size_t)bytes;
  return filo_call(L, &call->base, feed_ended);
}

/* What a peer has listed: its records and paths lie in `bytes`, one behind the other. */
struct note_call {
  struct filo_call base;
  struct filo_catalogue_handle *shared;
  struct filo_listing listing;
  struct filo_listed *list;
  bool *deletions;
  unsigned char *bytes;
};

static void note_discard(struct filo_call *base) {
  struct note_call *call = (struct note_call *)base;
  filo_catalogue_handle_unref(call->shared);
  free(call->list);
  free(call->deletions);
  free(call->bytes);
  free(call);
}

static void note_work(struct filo_call *base) {
  struct note_call *call = (struct note_call *)base;
  base->code =
      filo_catalogue_note(call->shared->catalogue, &call->listing, call->deletions, &base->err);
}

/* true; or the numbers of the records that delete what lies here, when nothing was noted */
static int note_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct note_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_Integer count = 0;
  lua_newtable(L);
  for (size_t i = 0; i < call->listing.count; i++) {
    if (!call->deletions[i]) continue;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_rawseti(L, -2, ++count);
  }
  if (count == 0) lua_pushboolean(L, true);
  note_discard(&call->base);
  return 1;
}

/* The length of all texts in the list at an index, which has `count` of them. */
static size_t check_texts(lua_State *L, int index, size_t count) {
  size_t all = 0, len;
  luaL_checktype(L, index, LUA_TTABLE);
  luaL_argcheck(L, lua_rawlen(L, index) == count, index, "as many as there are records");
  for (size_t i = 1; i <= count; i++) {
    luaL_argcheck(L, lua_rawgeti(L, index, (lua_Integer)i) == LUA_TSTRING, index, "texts expected");
    lua_tolstring(L, -1, &len);
    all += len + 1;
    lua_pop(L, 1);
  }
  return all;
}

/* Copies text i of the list at an index. */
static unsigned char *take_text(lua_State *L, int index, size_t i, unsigned char *at, size_t *len) {
  lua_rawgeti(L, index, (lua_Integer)i + 1);
  const char *text = lua_tolstring(L, -1, len);
  memcpy(at, text, *len + 1);
  lua_pop(L, 1);
  return at + *len + 1;
}

static bool take_listing(lua_State *L, struct note_call *call, size_t count, size_t bytes) {
  call->list = calloc(count + 1, sizeof *call->list);
  call->deletions = calloc(count + 1, sizeof *call->deletions);
  call->bytes = malloc(bytes + 1);
  if (!call->list || !call->deletions || !call->bytes) return false;
  unsigned char *at = call->bytes;
  for (size_t i = 0; i < count; i++) {
    size_t len;
    call->list[i].record = at;
    at = take_text(L, 6, i, at, &call->list[i].len);
    call->list[i].path = (char *)at;
    at = take_text(L, 7, i, at, &len);
  }
  call->listing.list = call->list;
  call->listing.count = count;
  return true;
}

/* note(namespace, peer, life, after, records, paths) */
int filo_lists_note(lua_State *L) {
  struct filo_catalogue_handle *shared = filo_check_catalogue(L);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const unsigned char *peer = filo_check_hash(L, 3, "peer"), *life = check_life(L, 4);
  lua_Integer after = luaL_checkinteger(L, 5);
  luaL_checktype(L, 6, LUA_TTABLE);
  size_t count = lua_rawlen(L, 6), bytes = check_texts(L, 6, count) + check_texts(L, 7, count);
  struct note_call *call = filo_call_new(L, sizeof *call, note_work, note_discard);
  call->shared = shared;
  shared->refs++;
  memcpy(call->listing.ns, ns, FILO_ID_SIZE);
  memcpy(call->listing.peer, peer, FILO_ID_SIZE);
  memcpy(call->listing.life, life, FILO_LIFE_SIZE);
  call->listing.after = after;
  if (!take_listing(L, call, count, bytes)) {
    note_discard(&call->base);
    return luaL_error(L, "no memory");
  }
  return filo_call(L, &call->base, note_ended);
}

static void noted_work(struct filo_call *base) {
  struct note_call *call = (struct note_call *)base;
  base->code = filo_catalogue_noted(call->shared->catalogue, call->listing.ns, call->listing.peer,
                                    call->listing.life, &call->listing.after, &base->err);
}

static int noted_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct note_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_pushinteger(L, (lua_Integer)call->listing.after);
  if (call->listing.after)
    lua_pushlstring(L, (const char *)call->listing.life, FILO_LIFE_SIZE);
  else
    lua_pushnil(L);
  note_discard(&call->base);
  return 2;
}

/* noted(namespace, peer): after, life */
int filo_lists_noted(lua_State *L) {
  struct filo_catalogue_handle *shared = filo_check_catalogue(L);
  const unsigned char *ns = filo_check_hash(L, 2, "namespace");
  const unsigned char *peer = filo_check_hash(L, 3, "peer");
  struct note_call *call = filo_call_new(L, sizeof *call, noted_work, note_discard);
  call->shared = shared;
  shared->refs++;
  memcpy(call->listing.ns, ns, FILO_ID_SIZE);
  memcpy(call->listing.peer, peer, FILO_ID_SIZE);
  return filo_call(L, &call->base, noted_ended);
}
