/* Timers in a heap, by time and then by the order in which they were set. The clock that they are
 * counted on is the user's.
 *
 * Internal to the folder; all on the loop thread.
 */
#ifndef FILO_RUNTIME_TIMERS_H
#define FILO_RUNTIME_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct filo_task;

/* What happens at a time: a task's wait ends, or a function is called (in Lua's registry). */
struct filo_timer {
  double at;
  uint64_t order;
  struct filo_task *task;
  int call; /* when task is NULL */
};

struct filo_timers { /* all zero: none */
  struct filo_timer *heap;
  size_t count, room;
  uint64_t order;
};

/* A task may have one timer at a time. -1: no memory. */
int filo_timers_add(struct filo_timers *timers, double at, struct filo_task *task, int call);

/* Takes a task's timer out, if it has one. */
void filo_timers_remove(struct filo_timers *timers, struct filo_task *task);

/* When the first one is due; HUGE_VAL: there is none. */
double filo_timers_first(const struct filo_timers *timers);

/* Takes the first one out; there must be one. */
struct filo_timer filo_timers_take(struct filo_timers *timers);

void filo_timers_free(struct filo_timers *timers);

#endif
