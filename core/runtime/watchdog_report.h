/* What is told of a script that computes for too long, or is stuck where no error can be raised:
 * within one call of a function of C, such as string.find with a bad pattern, a finalizer or a debug
 * hook.
 *
 * But for filo_watchdog_report all of this is for signal handlers that interrupt the loop thread:
 * nothing is allocated, and nothing waits for who reads stderr; when there is no room for the
 * message it is lost. A message is 4096 bytes long at most; what is more is cut off.
 *
 * L: the coroutine that runs, which is only looked at; NULL: none does.
 */
#ifndef FILO_RUNTIME_WATCHDOG_REPORT_H
#define FILO_RUNTIME_WATCHDOG_REPORT_H

#include <lua.h>

/* A script has been running for so many seconds without waiting. Not in a signal handler. */
void filo_watchdog_report(const char *traceback, unsigned seconds);

/* A script has been running for so many seconds. */
void filo_watchdog_tell(lua_State *L, unsigned seconds);

/* Ends the process with this status: a script is stuck. name: what speaks. */
_Noreturn void filo_watchdog_end(lua_State *L, const char *name, int status);

/* Ends the process with the status of a signal, which nobody has looked at. level: of the innermost
 * function of L that can be looked at: 0, or 1 in a signal handler. */
_Noreturn void filo_watchdog_terminate(lua_State *L, int level, int signum);

#endif
