/* What scripts read of the bytes that have come, `read(n | "l" | "a" [, seconds])`: the same for raw
 * connections and for streams. The arguments stay at 2 and 3 of the stack while the read waits. Loop
 * thread. */
#ifndef FILO_LUA_INPUT_H
#define FILO_LUA_INPUT_H

#include <event2/buffer.h>
#include <lua.h>
#include <stdbool.h>

/* Bytes that lie unread at most; a line is no longer than that. */
enum { FILO_READ_AHEAD = 256 << 10 };

/* Checks the arguments, puts the default in its place, and the time when it is over in the place of
 * the seconds. True for "a": everything is to be read ahead. */
bool filo_input_check(lua_State *L);

/* The last of these for index 3 alone, and how many seconds are left then: FILO_NO_DEADLINE; 0 or
 * less when it is over. */
void filo_input_set_deadline(lua_State *L);
double filo_input_left(lua_State *L);

/* Pushes what was asked for, and gives how many values that are; 0 when it is not here yet. complete:
 * no more comes, and that is in order. */
int filo_input_give(lua_State *L, struct evbuffer *input, bool complete);

#endif
