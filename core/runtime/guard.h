/* The guard against a script that computes for too long without waiting, which would stall every
 * connection of the node.
 *
 * A POSIX timer ticks only while Lua runs. When one and the same slice of a task is still running
 * at a later tick, its signal handler sets a debug hook in the running coroutine (lua_sethook may
 * be called from a signal handler); the hook reports where the script is, or, when the user asked
 * to stop (SIGINT, SIGTERM, or as runtime.on_signal says) or the task has a limit that is over,
 * raises an error there. Lua that waits now and then never pays for any of this.
 */
#ifndef FILO_RUNTIME_GUARD_H
#define FILO_RUNTIME_GUARD_H

#include <lua.h>

/* The first report comes after this long, the next ones each time after ten times as long. */
#define FILO_GUARD_SECONDS 1.0

void filo_guard_start(lua_State *L);
void filo_guard_stop(void);

/* For the task whose coroutines run next: seconds that it may compute without waiting; 0: no limit.
 */
void filo_guard_limit(double seconds);

/* Around each resumption, by task.c: which coroutine runs now (NULL: none). Returns the one before.
 */
lua_State *filo_guard_enter(lua_State *L);
void filo_guard_leave(lua_State *before);

#endif
