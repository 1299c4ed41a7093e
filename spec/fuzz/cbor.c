/* CBOR, through Lua as messages are. What is read can be written, and reads as the same values
 * again; what cannot be read is refused with a sentence and leaves the stack as it was. */
#include "lua/cbor.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "fuzz.h"

static const char same[] =
    "local function same(a, b)\n"
    "  if type(a) ~= 'table' or type(b) ~= 'table' then\n"
    "    return math.type(a) == math.type(b) and (a == b or (a ~= a and b ~= b))\n"
    "  end\n"
    "  for key, value in pairs(a) do if not same(value, b[key]) then return false end end\n"
    "  for key in pairs(b) do if a[key] == nil then return false end end\n"
    "  return true\n"
    "end\n"
    "return same\n";

static int encode(lua_State *L) {
  filo_cbor_encode(L, 1);
  return 1;
}

/* A state with `same` at index 1 and `encode` at 2. */
static lua_State *state(void) {
  static lua_State *L;
  if (L) return L;
  L = luaL_newstate();
  MUST(L);
  luaL_openlibs(L);
  MUST(luaL_dostring(L, same) == LUA_OK);
  lua_pushcfunction(L, encode);
  return L;
}

/* The value at index 3 is written, read and compared. */
static void check_round(lua_State *L) {
  size_t len;
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  MUST(lua_pcall(L, 1, 1, 0) == LUA_OK);
  const char *written = lua_tolstring(L, 4, &len);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  MUST(filo_cbor_decode(L, (const unsigned char *)written, len, NULL) == 0);
  MUST(lua_pcall(L, 2, 1, 0) == LUA_OK);
  MUST(lua_toboolean(L, -1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  lua_State *L = state();
  struct filo_error err;
  int code = filo_cbor_decode(L, bytes, len, &err);
  if (code == 0) {
    MUST(lua_gettop(L) == 3);
    check_round(L);
  } else {
    MUST(lua_gettop(L) == 2 && code == FILO_INVALID && err.message[0]);
  }
  lua_settop(L, 2);
  return 0;
}
