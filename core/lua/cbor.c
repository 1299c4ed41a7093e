/* The encoder writes into buffers that live in the registry and are used again by the next message.
 * It calls no metamethods and allocates nothing in Lua before the result, so that no script can run
 * in between and find them in use.
 *
 * Maps are in the order of their encoded keys (RFC 8949, 4.2.1), so that a value has one encoding
 * in every process: pairs are written as lua_next gives them, and put in order afterwards. */
#include "lua/cbor.h"

#include <cbor.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/modules.h"
#include "lua/utf8.h"
#include "runtime/task.h"

enum { HEAD_MAX = 9, KEEP_MAX = 64 * 1024 };

struct buffer {
  unsigned char *bytes;
  size_t used, size;
};

struct buffers {
  struct buffer out;
  struct buffer pairs; /* of the maps that are being written, the innermost last */
};

/* Where a pair lies in `out`, and how long its key and all of it are. */
struct pair {
  size_t at, key, len;
};

struct encoder {
  lua_State *L;
  struct buffer *out, *pairs;
  int key; /* stack index of the key whose value is encoded now, or 0 */
  size_t values, integer_keys;
};

static const char buffers_key; /* registry: the buffers */

static void free_buffer(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct buffer){0};
}

static int free_buffers(lua_State *L) {
  struct buffers *buffers = lua_touserdata(L, 1);
  free_buffer(&buffers->out);
  free_buffer(&buffers->pairs);
  return 0;
}

static struct buffers *get_buffers(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &buffers_key);
  struct buffers *buffers = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (buffers) return buffers;
  buffers = lua_newuserdatauv(L, sizeof *buffers, 0);
  *buffers = (struct buffers){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_buffers);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &buffers_key);
  return buffers;
}

/* Room for len bytes more; buffer->used is the caller's to advance. */
static unsigned char *make_room(lua_State *L, struct buffer *buffer, size_t len) {
  if (len > SIZE_MAX / 2 - buffer->used) luaL_error(L, "too long to encode");
  size_t want = buffer->used + len;
  if (want > buffer->size) {
    size_t size = buffer->size < 256 ? 256 : buffer->size;
    while (size < want) size *= 2;
    unsigned char *bytes = realloc(buffer->bytes, size);
    if (!bytes) luaL_error(L, "not enough memory");
    buffer->bytes = bytes;
    buffer->size = size;
  }
  return buffer->bytes + buffer->used;
}

static unsigned char *reserve(struct encoder *e, size_t len) {
  return make_room(e->L, e->out, len);
}

/* Raises what is wrong with the value, and in which field it is. */
static void refuse(struct encoder *e, const char *what) {
  lua_State *L = e->L;
  if (!e->key) luaL_error(L, "cannot encode %s", what);
  lua_pushvalue(L, e->key);
  luaL_error(L, "cannot encode %s in field '%s'", what, lua_tostring(L, -1));
}

static void encode_value(struct encoder *e, int index, int depth);

static void encode_number(struct encoder *e, int index) {
  unsigned char *at = reserve(e, HEAD_MAX);
  if (!lua_isinteger(e->L, index)) {
    e->out->used += cbor_encode_double(lua_tonumber(e->L, index), at, HEAD_MAX);
    return;
  }
  lua_Integer n = lua_tointeger(e->L, index);
  e->out->used += n >= 0 ? cbor_encode_uint((uint64_t)n, at, HEAD_MAX)
                         : cbor_encode_negint(~(uint64_t)n, at, HEAD_MAX);
}

static void encode_string(struct encoder *e, int index) {
  size_t len;
  const char *bytes = lua_tolstring(e->L, index, &len);
  if (len > SIZE_MAX / 2) refuse(e, "so long a string");
  unsigned char *at = reserve(e, HEAD_MAX + len);
  size_t head = filo_utf8_valid((const unsigned char *)bytes, len)
                    ? cbor_encode_string_start(len, at, HEAD_MAX)
                    : cbor_encode_bytestring_start(len, at, HEAD_MAX);
  memcpy(at + head, bytes, len);
  e->out->used += head + len;
}

/* Counts the pairs; *sequence tells whether the keys are 1 to that count. */
static size_t count_pairs(lua_State *L, int index, bool *sequence) {
  lua_Unsigned last = lua_rawlen(L, index);
  size_t pairs = 0;
  bool within = true;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    within = within && lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < last;
    pairs++;
  }
  *sequence = pairs > 0 && within && pairs == last;
  return pairs;
}

static void encode_array(struct encoder *e, int index, size_t count, int depth) {
  e->out->used += cbor_encode_array_start(count, reserve(e, HEAD_MAX), HEAD_MAX);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(e->L, index, (lua_Integer)i);
    encode_value(e, lua_gettop(e->L), depth + 1);
    lua_pop(e->L, 1);
  }
}

static void note_pair(struct encoder *e, size_t at, size_t key) {
  struct pair pair = {at, key, e->out->used - at};
  memcpy(make_room(e->L, e->pairs, sizeof pair), &pair, sizeof pair);
  e->pairs->used += sizeof pair;
}

/* No key's encoding begins another's: comparing as far as both go is enough. */
static int compare_pairs(const void *a, const void *b, void *bytes) {
  const struct pair *one = a, *other = b;
  size_t len = one->key < other->key ? one->key : other->key;
  return memcmp((unsigned char *)bytes + one->at, (unsigned char *)bytes + other->at, len);
}

static bool in_order(const struct encoder *e, const struct pair *pairs, size_t count) {
  for (size_t i = 1; i < count; i++)
    if (compare_pairs(&pairs[i - 1], &pairs[i], e->out->bytes) > 0) return false;
  return true;
}

/* Puts the pairs noted from `base` on, which lie in the output from `first` on, in the order of
 * their keys. */
static void put_in_order(struct encoder *e, size_t first, size_t base, size_t count) {
  struct pair *pairs = (struct pair *)(e->pairs->bytes + base);
  if (!e->pairs->bytes || in_order(e, pairs, count)) return; /* bytes: there is no pair */
  size_t len = e->out->used - first;
  unsigned char *end = reserve(e, len), *to = end;
  qsort_r(pairs, count, sizeof *pairs, compare_pairs, e->out->bytes);
  for (size_t i = 0; i < count; i++) {
    memcpy(to, e->out->bytes + pairs[i].at, pairs[i].len);
    to += pairs[i].len;
  }
  memcpy(e->out->bytes + first, end, len);
}

static void encode_map(struct encoder *e, int index, size_t pairs, int depth) {
  lua_State *L = e->L;
  e->out->used += cbor_encode_map_start(pairs, reserve(e, HEAD_MAX), HEAD_MAX);
  int outer = e->key;
  size_t first = e->out->used, base = e->pairs->used;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    int key = lua_gettop(L) - 1;
    if (lua_type(L, key) != LUA_TSTRING && !lua_isinteger(L, key))
      refuse(e, "a table with keys other than strings and integers");
    if (lua_isinteger(L, key) && ++e->integer_keys > FILO_CBOR_INTEGER_KEYS)
      refuse(e, "more than 1000 integers as keys, other than those of lists");
    size_t at = e->out->used;
    encode_value(e, key, depth + 1);
    size_t key_len = e->out->used - at;
    e->key = key;
    encode_value(e, key + 1, depth + 1);
    e->key = outer;
    note_pair(e, at, key_len);
  }
  if (pairs > 1) put_in_order(e, first, base, pairs);
  e->pairs->used = base;
}

static void encode_table(struct encoder *e, int index, int depth) {
  if (depth == FILO_CBOR_DEPTH) refuse(e, "tables more than 16 deep");
  bool sequence;
  size_t count = count_pairs(e->L, index, &sequence);
  e->values += sequence ? count : 2 * count;
  if (e->values > FILO_CBOR_VALUES) refuse(e, "more than 131072 values");
  if (sequence)
    encode_array(e, index, count, depth);
  else
    encode_map(e, index, count, depth);
}

static void encode_value(struct encoder *e, int index, int depth) {
  switch (lua_type(e->L, index)) {
  case LUA_TNIL:
    e->out->used += cbor_encode_null(reserve(e, HEAD_MAX), HEAD_MAX);
    break;
  case LUA_TBOOLEAN:
    e->out->used += cbor_encode_bool(lua_toboolean(e->L, index), reserve(e, HEAD_MAX), HEAD_MAX);
    break;
  case LUA_TNUMBER:
    encode_number(e, index);
    break;
  case LUA_TSTRING:
    encode_string(e, index);
    break;
  case LUA_TTABLE:
    encode_table(e, index, depth);
    break;
  default:
    refuse(e, lua_pushfstring(e->L, "a %s", luaL_typename(e->L, index)));
  }
}

void filo_cbor_encode(lua_State *L, int index) {
  index = lua_absindex(L, index);
  luaL_checkstack(L, 2 * FILO_CBOR_DEPTH + LUA_MINSTACK, "too many values");
  struct buffers *buffers = get_buffers(L);
  buffers->out.used = buffers->pairs.used = 0;
  struct encoder e = {.L = L, .out = &buffers->out, .pairs = &buffers->pairs};
  encode_value(&e, index, 0);
  lua_pushlstring(L, (const char *)e.out->bytes, e.out->used);
  if (e.out->size > KEEP_MAX) free_buffer(e.out);
  if (e.pairs->size > KEEP_MAX) free_buffer(e.pairs);
}

static int encode(lua_State *L) {
  luaL_checkany(L, 1);
  filo_cbor_encode(L, 1);
  return 1;
}

static int decode(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  struct filo_error err;
  int rc = filo_cbor_decode(L, (const unsigned char *)bytes, len, &err);
  return rc < 0 ? filo_return_error(L, &err) : 1;
}

static const luaL_Reg functions[] = {{"encode", encode}, {"decode", decode}, {NULL, NULL}};

int filo_open_cbor(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
