/* The watchdog: looks after scripts that compute for too long without waiting, which would stall
 * every connection of the node.
 *
 * A POSIX timer ticks while Lua runs, and once the process has been asked to end. When one and the
 * same slice of a task is still running at a later tick, its signal handler sets a debug hook in
 * the running coroutine (lua_sethook may be called from a signal handler); the hook reports where
 * the script is, or, when the user asked to stop (SIGINT, SIGTERM, or as runtime.on_signal says) or
 * a limit is over, raises an error there. Lua that waits now and then never pays for any of this.
 * A hook of the script's own is put back.
 *
 * A script may catch the error, to clean up. It is raised again at each tick, and soon at each
 * instruction, in whatever coroutine, until what was limited has ended, or, when the user asked to
 * stop, until the loop comes to look at that. It is not raised in Filo's own Lua, which so comes to
 * its end in order, but for the user's wish, once.
 *
 * No hook is called within a function of C (string.find with a bad pattern), a finalizer or another
 * hook. A script that is stuck there is told of, or ends the process (watchdog_report.h), from within the
 * signal handler.
 */
#ifndef FILO_RUNTIME_WATCHDOG_H
#define FILO_RUNTIME_WATCHDOG_H

#include <lua.h>
#include <stdbool.h>

/* The first report comes after this long, the next ones each time after ten times as long. */
#define FILO_WATCHDOG_SECONDS 1.0

/* SIGTERM ends the process when the loop has not come to look at it for so long. */
#define FILO_WATCHDOG_END_SECONDS 4.0

void filo_watchdog_start(lua_State *L);
void filo_watchdog_stop(void);

/* Code with this chunk name is Filo's own. */
void filo_watchdog_spare(lua_State *L, const char *source);

/* Whether the function at an index is Filo's own. */
bool filo_watchdog_spares(lua_State *L, int index);

/* Whether the function that has called the running one is Filo's own. */
bool filo_watchdog_spares_caller(lua_State *L);

/* Pushes where the innermost function is that is not Filo's own: "file:line: "; "" when there is
 * none. For the errors of what Filo's own Lua calls. */
void filo_watchdog_where(lua_State *L);

/* From now on a script that is over its limit where no error can be raised ends the process with
 * this status. name: what speaks then, copied; at most 32 bytes. */
void filo_watchdog_end_when_stuck(const char *name, int status);

/* What ran before, and until which tick. */
struct filo_watchdog {
  lua_State *running;
  unsigned long deadline;
};

/* Whether what runs has a limit, and whether that, or the user's patience, is over. */
bool filo_watchdog_is_limited(void);
bool filo_watchdog_is_over(void);

/* Around whatever runs Lua: which coroutine runs now, and for how many seconds at most (0: no limit
 * of its own). The limit of what is around it goes on holding. Each enter is followed by a leave
 * with what it gave, in the reverse order: errors must not jump over it. */
struct filo_watchdog filo_watchdog_enter(lua_State *L, double seconds);
void filo_watchdog_leave(struct filo_watchdog before);

#endif
