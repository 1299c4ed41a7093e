/* Tasks: coroutines run by the loop. The one place that calls lua_resume is in task.c.
 *
 * A binding that waits ends with `return filo_task_wait(L, seconds, ctx, k)`. The coroutine is
 * suspended until filo_task_wake, the deadline, or a cancellation; then k is called, which first
 * asks filo_task_why. A wake only marks the task ready: the loop resumes it later, never a
 * callback. Waiting works through pcall, metamethods, `<close>` and a script's own coroutines: the
 * yield passes through coroutine.resume and coroutine.wrap (coroutine.c).
 *
 * All on the loop thread. A task is a userdata, pinned in the registry until its function has
 * ended.
 */
#ifndef FILO_RUNTIME_TASK_H
#define FILO_RUNTIME_TASK_H

#include <lua.h>
#include <math.h>
#include <stdbool.h>

#include "error.h"
#include "runtime/loop.h"

struct filo_runtime; /* the scheduler of one lua_State */
struct filo_task;

int filo_runtime_new(struct filo_runtime **ret, struct filo_error *err);

/* Cancels every task, lets them unwind for up to `grace` seconds, closes the lua_State and frees
 * all. */
void filo_runtime_free(struct filo_runtime *runtime, double grace);

/* Of any coroutine of the state. */
struct filo_runtime *filo_runtime_of(lua_State *L);
lua_State *filo_runtime_state(struct filo_runtime *runtime);
struct filo_loop *filo_runtime_loop(struct filo_runtime *runtime);

/* Runs the function below nargs arguments on the main state's stack as the main task until it ends,
 * and pops them. Returns the exit status: 0; 1 when it failed, with the error and its traceback
 * printed to stderr; 128 + n when signal n ended it. */
int filo_runtime_run(struct filo_runtime *runtime, int nargs);

/* Pops nargs arguments and the function below them; pushes the new task's userdata. With detached,
 * it has no parent; else it is cancelled when the current task ends. */
struct filo_task *filo_task_spawn(lua_State *L, int nargs, bool detached);

/* The task that runs now; NULL outside of one. */
struct filo_task *filo_task_current(lua_State *L);

/* The current task. Raises an error where a wait cannot be: outside a task, or below a C function
 * such as table.sort. */
struct filo_task *filo_task_check(lua_State *L);

/* Whether the current task may go on with what it does not have to wait for: it has not run for long,
 * and is not cancelled. */
bool filo_task_has_time(lua_State *L);

/* For a wait that only a wake or a cancellation ends. */
#define FILO_NO_DEADLINE HUGE_VAL

/* An argument: seconds until a deadline. Raises when it is none, as NaN. */
double filo_task_opt_seconds(lua_State *L, int index, double otherwise);

/* Checks as above. 0 and below: a turn of the loop. */
int filo_task_wait(lua_State *L, double seconds, lua_KContext ctx, lua_KFunction k);

/* The two halves of it: what raises comes first, then the caller notes that the task waits, and ends
 * with the second. */
struct filo_task *filo_task_begin_wait(lua_State *L, double seconds);
int filo_task_yield(lua_State *L, lua_KContext ctx, lua_KFunction k);

enum filo_why { FILO_WOKEN, FILO_TIMED_OUT, FILO_TASK_CANCELLED };

/* Why the wait ended. A cancellation is delivered once: the binding stops what it waits for, then
 * calls filo_task_raise_cancelled. */
enum filo_why filo_task_why(lua_State *L);
int filo_task_raise_cancelled(lua_State *L);

void filo_task_wake(struct filo_task *task);

/* Internal to the folder: its deadline has come. */
void filo_task_time_out(struct filo_task *task);

/* reason: a short text for the error, copied. */
void filo_task_cancel(struct filo_task *task, const char *reason);

/* --- A one-shot completion that one task may wait for --- */
struct filo_event {
  bool set;
  struct filo_task *waiter;
};

/* Marks it as happened and wakes the waiter. */
void filo_event_set(struct filo_event *event);

/* In a binding, when the event is not set: waits, then k. Raises `busy` when another task waits for
 * it already. */
int filo_event_wait(lua_State *L, struct filo_event *event, double seconds, lua_KContext ctx,
                    lua_KFunction k);

/* In k: detaches the task from the event. FILO_WOKEN means that it is set. */
enum filo_why filo_event_why(lua_State *L, struct filo_event *event);

/* The same for a wait with a deadline: 0 when the event is set; after the deadline the number of
 * values that were pushed, nil and an error with the code `timeout` and the message `late`. Raises
 * when the task was cancelled. */
int filo_event_overdue(lua_State *L, struct filo_event *event, const char *late);

/* --- Errors as Lua values --- */

/* Pushes {code = "not_found", message = "..."} with the metatable whose __tostring is the message.
 */
void filo_push_error(lua_State *L, const struct filo_error *err);

/* Pushes nil and the error; returns 2: a failure of the world. */
int filo_return_error(lua_State *L, const struct filo_error *err);

/* Internal to the folder: the only caller of lua_resume; as lua_resume, on behalf of `from`. */
int filo_task_resume(struct filo_runtime *runtime, lua_State *co, lua_State *from, int nargs,
                     int *nresults);

/* Internal to the folder: as lua_resetthread. Its `<close>` variables are closed, and cannot wait.
 */
int filo_task_reset(lua_State *co);

/* Internal to the folder: whether the value on top of co's stack is the mark of a wait; pushing it.
 */
bool filo_task_is_mark(lua_State *co, int index);
void filo_task_push_mark(lua_State *L);

/* Registers coroutine.resume, wrap, status and close that let waits pass (coroutine.c). */
void filo_coroutine_install(lua_State *L);

/* Registers pcall and xpcall that a signal or a limit ends nevertheless (pcall.c). */
void filo_pcall_install(lua_State *L);

/* Registers os.exit for scripts: with true as its second argument, all tasks unwind before. */
void filo_exit_install(lua_State *L);

/* Pushes the runtime's functions as a table: module filo.core.runtime (module.c). */
int filo_runtime_module(lua_State *L);

#endif
