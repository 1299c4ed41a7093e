#include "lua/input.h"

#include <lauxlib.h>

#include "runtime/task.h"

enum { SHORTEST_WAIT_US = 1000 }; /* a turn of the loop, also for who does not want to wait */

void filo_input_set_deadline(lua_State *L) {
  double seconds = filo_task_opt_seconds(L, 3, -1), least = SHORTEST_WAIT_US * 1e-6;
  if (lua_isnoneornil(L, 3)) return;
  lua_pushnumber(L, filo_now() + (seconds > least ? seconds : least));
  lua_replace(L, 3);
}

double filo_input_left(lua_State *L) {
  return lua_isnil(L, 3) ? FILO_NO_DEADLINE : lua_tonumber(L, 3) - filo_now();
}

bool filo_input_check(lua_State *L) {
  static const char *const kinds[] = {"l", "a", NULL};
  bool all = false;
  lua_settop(L, 3);
  if (lua_isnil(L, 2)) {
    lua_pushliteral(L, "l");
    lua_replace(L, 2);
  }
  if (lua_type(L, 2) != LUA_TNUMBER)
    all = luaL_checkoption(L, 2, NULL, kinds) == 1;
  else
    luaL_argcheck(L, luaL_checkinteger(L, 2) > 0, 2, "a number of bytes, 1 or more");
  filo_input_set_deadline(L);
  return all;
}

static int give(lua_State *L, struct evbuffer *input, size_t len) {
  luaL_Buffer buffer;
  char *space = luaL_buffinitsize(L, &buffer, len ? len : 1);
  evbuffer_remove(input, space, len);
  luaL_pushresultsize(&buffer, len);
  return 1;
}

static int give_line(lua_State *L, struct evbuffer *input, bool complete) {
  struct filo_error err;
  size_t end, have = evbuffer_get_length(input);
  struct evbuffer_ptr line = evbuffer_search_eol(input, NULL, &end, EVBUFFER_EOL_CRLF);
  if (line.pos >= 0) {
    give(L, input, (size_t)line.pos);
    evbuffer_drain(input, end);
    return 1;
  }
  if (complete) return have > 0 ? give(L, input, have) : 0; /* the last line has no end */
  if (have < FILO_READ_AHEAD) return 0;
  filo_fail(&err, FILO_TOO_LARGE, "a line of more than %d bytes came", FILO_READ_AHEAD);
  return filo_return_error(L, &err);
}

int filo_input_give(lua_State *L, struct evbuffer *input, bool complete) {
  size_t have = evbuffer_get_length(input);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    size_t want = (size_t)lua_tointeger(L, 2);
    return have > 0 ? give(L, input, have < want ? have : want) : 0;
  }
  if (*lua_tostring(L, 2) == 'a') return complete ? give(L, input, have) : 0;
  return give_line(L, input, complete);
}
