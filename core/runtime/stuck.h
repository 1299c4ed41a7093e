/* What is told of a script that is stuck where no error can be raised: within one call of a
 * function of C, such as string.find with a bad pattern, a finalizer or a debug hook.
 *
 * All of this is for signal handlers that interrupt the loop thread: nothing is allocated, and
 * nothing waits for who reads stderr; when there is no room for the message it is lost.
 *
 * L: the coroutine that runs, which is only looked at; NULL: none does.
 */
#ifndef FILO_RUNTIME_STUCK_H
#define FILO_RUNTIME_STUCK_H

#include <lua.h>

/* A script has been running for so many seconds. */
void filo_stuck_tell(lua_State *L, unsigned seconds);

/* Ends the process with this status: a script is stuck. name: what speaks. */
_Noreturn void filo_stuck_end(lua_State *L, const char *name, int status);

/* Ends the process with the status of SIGTERM, which nobody has looked at. */
_Noreturn void filo_stuck_terminate(lua_State *L);

#endif
