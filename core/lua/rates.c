/* Rates: what the streams of connections keep to, and tasks that keep to it for bytes in messages. */
#include "transport/rate.h"

#include <stdlib.h>

#include "lua/handle.h"
#include "lua/net.h"
#include "lua/resources.h"
#include "runtime/task.h"

struct rates_box {
  struct filo_rates *rates;
};

static void release(void *self) {
  filo_rates_unref(((struct rates_box *)self)->rates);
}

static const struct filo_handle_type type = {
    .name = "filo.rates",
    .closed = "the rates are closed",
    .size = sizeof(struct rates_box),
    .release = release,
};

struct filo_rates *filo_check_rates(lua_State *L, int index) {
  return ((struct rates_box *)filo_handle_check(L, index, &type))->rates;
}

/* rates() */
int filo_net_rates(lua_State *L) {
  struct filo_error err;
  struct rates_box *box = filo_handle_push(L, &type);
  if (filo_rates_new(filo_resources_of(L)->base, &box->rates, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

/* set(up, down): bytes a second; 0: no limit */
static int rates_set(lua_State *L) {
  struct filo_rates *rates = filo_check_rates(L, 1);
  lua_Integer up = luaL_checkinteger(L, 2), down = luaL_checkinteger(L, 3);
  luaL_argcheck(L, up >= 0, 2, "0 or more bytes a second");
  luaL_argcheck(L, down >= 0, 3, "0 or more bytes a second");
  filo_rate_set(&rates->up, (uint64_t)up);
  filo_rate_set(&rates->down, (uint64_t)down);
  return 0;
}

/* moved(): bytes that have gone up and down, ever */
static int rates_moved(lua_State *L) {
  struct filo_rates *rates = filo_check_rates(L, 1);
  lua_pushinteger(L, (lua_Integer)rates->up.moved);
  lua_pushinteger(L, (lua_Integer)rates->down.moved);
  return 2;
}

/* --- Tasks that stand in line --- */

struct place {
  struct filo_turn turn;
  struct filo_event came;
  struct filo_rates *rates;
  struct filo_rate *rate;
  size_t left; /* bytes; 0: until nobody else wants any */
};

static void leave(struct place *place) {
  filo_rate_leave(place->rate, &place->turn);
  filo_rates_unref(place->rates);
  free(place);
}

static void on_come(void *ctx) {
  filo_event_set(&((struct place *)ctx)->came);
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

/* What there is is taken; true when no more is wanted. */
static bool is_done(struct place *place) {
  if (place->left == 0) return filo_rate_idle(place->rate, &place->turn);
  for (size_t bytes = 1; place->left > 0 && bytes > 0; place->left -= bytes)
    bytes = filo_rate_take(place->rate, &place->turn, place->left);
  return place->left == 0;
}

static int wait_for(lua_State *L, struct place *place) {
  place->came.set = false;
  if (!is_done(place))
    return filo_event_wait(L, &place->came, FILO_NO_DEADLINE, (lua_KContext)place, go_on);
  leave(place);
  lua_pushboolean(L, 1);
  return 1;
}

static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct place *place = (struct place *)ctx;
  if (filo_event_why(L, &place->came) == FILO_WOKEN) return wait_for(L, place);
  leave(place);
  return filo_task_raise_cancelled(L);
}

static int stand(lua_State *L, size_t bytes) {
  static const char *const ways[] = {"up", "down", NULL};
  struct filo_rates *rates = filo_check_rates(L, 1);
  struct filo_rate *rate = luaL_checkoption(L, 2, NULL, ways) == 0 ? &rates->up : &rates->down;
  filo_task_check(L);
  struct place *place = calloc(1, sizeof *place);
  if (!place) return luaL_error(L, "no memory");
  place->turn = (struct filo_turn){.come = on_come, .ctx = place};
  place->rates = filo_rates_ref(rates);
  place->rate = rate;
  place->left = bytes;
  return wait_for(L, place);
}

/* wait(way, bytes): until so many may go, which are taken to have gone */
static int rates_wait(lua_State *L) {
  lua_Integer bytes = luaL_checkinteger(L, 3);
  luaL_argcheck(L, bytes > 0, 3, "1 byte or more");
  return stand(L, (size_t)bytes);
}

/* wait_idle(way): until there is room that nobody else waits for */
static int rates_wait_idle(lua_State *L) {
  return stand(L, 0);
}

static const luaL_Reg methods[] = {{"set", rates_set},           {"moved", rates_moved},
                                   {"wait", rates_wait},         {"wait_idle", rates_wait_idle},
                                   {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_rates(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
