/* A virtual clock: time that stands still while any of its tasks can run, and jumps to the next
 * deadline when all of them wait. For simulations and specs: hours pass in the time that it takes
 * to compute what happens in them, in the same order each time.
 *
 * A task has the clock of the task that started it; NULL is the real one. Once the first task has
 * ended, the others are cancelled, and time goes on for a minute more. The clock goes with its last
 * task.
 *
 * Internal to the folder; all on the loop thread.
 */
#ifndef FILO_RUNTIME_CLOCK_H
#define FILO_RUNTIME_CLOCK_H

#include <lua.h>
#include <stdbool.h>

#include "runtime/timers.h"

struct filo_runtime;
struct filo_task;

struct filo_clock {
  double now; /* seconds since it was made */
  double end; /* where it stops for good */
  struct filo_timers timers;
  struct filo_task *root; /* its first task, until that has ended */
  unsigned live;          /* tasks that have not ended */
  struct filo_clock *next;
};

/* Adds a timer, `seconds` from now on (0 and below: now); -1: no memory. */
int filo_clock_add(struct filo_clock *clock, double seconds, struct filo_task *task, int call);

/* A task of a clock has ended: frees the clock after the last one. */
void filo_clock_task_ended(struct filo_runtime *runtime, struct filo_task *task);

/* Lets time jump where nothing is ready: makes tasks ready, or calls functions. False when there is
 * nothing to jump to. */
bool filo_clock_advance(struct filo_runtime *runtime);

/* Frees all clocks of a runtime that ends. */
void filo_clock_free_all(struct filo_runtime *runtime);

/* For scripts: virtual(fn, ...), later(seconds, fn, ...), timers(). */
int filo_clock_virtual(lua_State *L);
int filo_clock_later(lua_State *L);
int filo_clock_timers(lua_State *L);

#endif
