/* libcbor reads one item at a time and hands it to a callback, which only notes it; the functions
 * here put it on the Lua stack.
 *
 * The bytes may come from anybody. A count is believed only when as many items can still follow:
 * `owed` is the number of items that the open arrays and maps still lack, each of at least a byte.
 * So what a message makes us allocate is bounded by its own length, and by FILO_CBOR_VALUES. */
#include <cbor.h>
#include <lauxlib.h>
#include <limits.h>

#include "lua/cbor.h"
#include "lua/utf8.h"

enum kind { NIL, BOOLEAN, UNSIGNED, NEGATIVE, REAL, TEXT, BYTES, ARRAY, MAP, UNSUPPORTED };

struct item {
  enum kind kind;
  uint64_t number; /* value, or count */
  double real;
  const unsigned char *bytes;
  size_t len;
};

struct decoder {
  lua_State *L;
  const unsigned char *bytes;
  size_t at, len, owed, values, integer_keys;
  struct item item;
  struct filo_error *err;
};

/* --- What libcbor calls --- */

static void on_number(struct item *item, enum kind kind, uint64_t number) {
  item->kind = kind;
  item->number = number;
}

static void on_uint8(void *item, uint8_t n) {
  on_number(item, UNSIGNED, n);
}

static void on_uint16(void *item, uint16_t n) {
  on_number(item, UNSIGNED, n);
}

static void on_uint32(void *item, uint32_t n) {
  on_number(item, UNSIGNED, n);
}

static void on_uint64(void *item, uint64_t n) {
  on_number(item, UNSIGNED, n);
}

static void on_negint8(void *item, uint8_t n) {
  on_number(item, NEGATIVE, n);
}

static void on_negint16(void *item, uint16_t n) {
  on_number(item, NEGATIVE, n);
}

static void on_negint32(void *item, uint32_t n) {
  on_number(item, NEGATIVE, n);
}

static void on_negint64(void *item, uint64_t n) {
  on_number(item, NEGATIVE, n);
}

static void on_array(void *item, size_t count) {
  on_number(item, ARRAY, count);
}

static void on_map(void *item, size_t count) {
  on_number(item, MAP, count);
}

static void on_boolean(void *item, bool value) {
  on_number(item, BOOLEAN, value);
}

static void on_null(void *item) {
  on_number(item, NIL, 0);
}

static void on_unsupported(void *item) {
  on_number(item, UNSUPPORTED, 0);
}

static void on_tag(void *item, uint64_t tag) {
  on_number(item, UNSUPPORTED, tag);
}

static void on_float(void *item, float value) {
  on_number(item, REAL, 0);
  ((struct item *)item)->real = value;
}

static void on_double(void *item, double value) {
  on_number(item, REAL, 0);
  ((struct item *)item)->real = value;
}

static void on_text(void *item, cbor_data bytes, size_t len) {
  on_number(item, TEXT, 0);
  ((struct item *)item)->bytes = bytes;
  ((struct item *)item)->len = len;
}

static void on_bytes(void *item, cbor_data bytes, size_t len) {
  on_text(item, bytes, len);
  ((struct item *)item)->kind = BYTES;
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string_start = on_unsupported,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = on_unsupported,
    .indef_array_start = on_unsupported,
    .array_start = on_array,
    .indef_map_start = on_unsupported,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_unsupported,
    .null = on_null,
    .boolean = on_boolean,
    .indef_break = on_unsupported,
};

/* --- From items to values --- */

static int fail(struct decoder *d, size_t at, const char *what) {
  return filo_fail(d->err, FILO_INVALID, "no valid CBOR: %s at byte %zu", what, at);
}

static int next_item(struct decoder *d) {
  struct cbor_decoder_result result =
      cbor_stream_decode(d->bytes + d->at, d->len - d->at, &callbacks, &d->item);
  if (result.status == CBOR_DECODER_NEDATA) return fail(d, d->len, "an end too early");
  if (result.status != CBOR_DECODER_FINISHED) return fail(d, d->at, "an unknown item");
  if (d->item.kind == UNSUPPORTED)
    return fail(d, d->at, "an unsupported item (tag, undefined or indefinite length)");
  d->at += result.read;
  return 0;
}

static int push_integer(struct decoder *d, size_t at) {
  uint64_t n = d->item.number;
  if (n > INT64_MAX) return fail(d, at, "an integer of more than 64 bits with sign");
  lua_pushinteger(d->L, d->item.kind == NEGATIVE ? -1 - (lua_Integer)n : (lua_Integer)n);
  return 0;
}

static int push_string(struct decoder *d, size_t at) {
  const struct item *item = &d->item;
  if (item->kind == TEXT && !filo_utf8_valid(item->bytes, item->len))
    return fail(d, at, "a text that is not UTF-8");
  lua_pushlstring(d->L, (const char *)item->bytes, item->len);
  return 0;
}

static int push_value(struct decoder *d, int depth);

/* Checks the count of a new array or map, and counts its items as owed. */
static int open_table(struct decoder *d, size_t at, size_t items_each, int depth) {
  size_t left = d->len - d->at;
  uint64_t count = d->item.number;
  if (depth == FILO_CBOR_DEPTH) return fail(d, at, "tables too deep");
  if (left < d->owed || count > (left - d->owed) / items_each)
    return fail(d, at, "more items announced than can follow");
  d->owed += (size_t)count * items_each;
  d->values += (size_t)count * items_each;
  if (d->values > FILO_CBOR_VALUES) return fail(d, at, "more than 131072 values");
  return 0;
}

static int size_hint(uint64_t count) {
  return count > INT_MAX / 2 ? INT_MAX / 2 : (int)count;
}

static int push_array(struct decoder *d, size_t at, int depth) {
  int rc = open_table(d, at, 1, depth);
  if (rc < 0) return rc;
  uint64_t count = d->item.number;
  lua_createtable(d->L, size_hint(count), 0);
  for (uint64_t i = 1; i <= count; i++) {
    d->owed--;
    rc = push_value(d, depth + 1);
    if (rc < 0) return rc;
    lua_rawseti(d->L, -2, (lua_Integer)i);
  }
  return 0;
}

static int push_key(struct decoder *d) {
  size_t at = d->at;
  d->owed--;
  int rc = next_item(d);
  if (rc < 0) return rc;
  if (d->item.kind == UNSIGNED || d->item.kind == NEGATIVE) {
    if (++d->integer_keys > FILO_CBOR_INTEGER_KEYS) return fail(d, at, "too many integers as keys");
    rc = push_integer(d, at);
  } else if (d->item.kind == TEXT || d->item.kind == BYTES)
    rc = push_string(d, at);
  else
    rc = fail(d, at, "a key that is neither string nor integer");
  if (rc < 0) return rc;
  lua_pushvalue(d->L, -1);
  bool twice = lua_rawget(d->L, -3) != LUA_TNIL;
  lua_pop(d->L, 1);
  return twice ? fail(d, at, "a key twice") : 0;
}

static const char null; /* stands for null while a map is filled: its key counts as seen */

static void remove_nulls(lua_State *L) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_touserdata(L, -1) != &null) continue;
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, -5);
  }
}

static int push_map(struct decoder *d, size_t at, int depth) {
  int rc = open_table(d, at, 2, depth);
  if (rc < 0) return rc;
  uint64_t count = d->item.number;
  bool nulls = false;
  lua_createtable(d->L, 0, size_hint(count));
  for (uint64_t i = 0; i < count; i++) {
    rc = push_key(d);
    if (rc < 0) return rc;
    d->owed--;
    rc = push_value(d, depth + 1);
    if (rc < 0) return rc;
    if (lua_isnil(d->L, -1)) {
      nulls = true;
      lua_pop(d->L, 1);
      lua_pushlightuserdata(d->L, (void *)&null);
    }
    lua_rawset(d->L, -3);
  }
  if (nulls) remove_nulls(d->L);
  return 0;
}

/* Pushes one value; on failure the caller drops what lies above its stack. */
static int push_value(struct decoder *d, int depth) {
  size_t at = d->at;
  int rc = next_item(d);
  if (rc < 0) return rc;
  switch (d->item.kind) {
  case UNSIGNED:
  case NEGATIVE:
    return push_integer(d, at);
  case REAL:
    lua_pushnumber(d->L, d->item.real);
    return 0;
  case TEXT:
  case BYTES:
    return push_string(d, at);
  case ARRAY:
    return push_array(d, at, depth);
  case MAP:
    return push_map(d, at, depth);
  case BOOLEAN:
    lua_pushboolean(d->L, d->item.number != 0);
    return 0;
  default:
    lua_pushnil(d->L);
    return 0;
  }
}

int filo_cbor_decode(lua_State *L, const unsigned char *bytes, size_t len, struct filo_error *err) {
  struct decoder d = {.L = L, .bytes = bytes, .len = len, .err = err};
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 2 * FILO_CBOR_DEPTH + LUA_MINSTACK))
    return filo_fail(err, FILO_NO_MEMORY, "no memory to decode a message");
  int rc = push_value(&d, 0);
  if (rc == 0 && d.at < len) rc = fail(&d, d.at, "bytes after the value");
  if (rc < 0) lua_settop(L, top);
  return rc;
}
