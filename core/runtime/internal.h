/* Shared by the files of this folder only. */
#ifndef FILO_RUNTIME_INTERNAL_H
#define FILO_RUNTIME_INTERNAL_H

#include "runtime/clock.h"
#include "runtime/line.h"
#include "runtime/spare.h"
#include "runtime/task.h"

#define FILO_TASK_TYPE "filo.task"
#define FILO_ERROR_TYPE "filo.error"

/* User values of a task's userdata: its coroutine, or, once that was given back, its result; and what
 * os.exit calls in it, if not the process's end (exit.c). */
enum { FILO_TASK_RESULT = 1, FILO_TASK_EXIT };

enum filo_task_state { FILO_TASK_READY, FILO_TASK_RUNNING, FILO_TASK_WAITING, FILO_TASK_ENDED };

struct filo_task {
  struct filo_runtime *runtime;
  lua_State *co; /* NULL: it has ended, and given it back; others keep theirs with their results */
  int ref;       /* in the registry: its userdata, until it has ended */
  enum filo_task_state state;
  enum filo_why why;
  int nargs;         /* of the first resumption */
  int results;       /* once it has no coroutine any more: 0 or 1 */
  bool exposed;      /* a script may know its coroutine */
  bool has_exit;     /* FILO_TASK_EXIT is set */
  bool in_suspend;   /* waits in runtime.suspend, so that runtime.wake may wake it */
  bool cancelled;    /* to be delivered at this or the next wait */
  bool interrupted;  /* the main one, by a signal that ends the process */
  bool unwinding;    /* an error says so, and was not caught */
  bool caught;       /* a script has caught it once */
  bool raise_again;  /* at the next wait that is not one of a `<close>` variable */
  bool cancel_ended; /* its function ended with the cancellation: nothing to report */
  bool body_failed;
  bool failed;                      /* the error is on top of co */
  bool observed;                    /* somebody will look at the result: a failure is not printed */
  double limit;                     /* seconds that it may compute without waiting; 0: no limit */
  char reason[64];                  /* of the cancellation */
  char *traceback;                  /* of the error, with its text */
  struct filo_clock *clock;         /* NULL: real time */
  size_t timer_place;               /* in the heap of its clock's timers, from 1 on; 0: none */
  struct filo_line joiners;         /* who wait for its end */
  struct filo_line *line;           /* in which it waits */
  struct filo_task *ahead, *behind; /* of it there */
  bool woken_alone;                 /* and not with the whole line */
  struct filo_task *parent, *children, *next_sibling, **back_sibling;
  struct filo_task *next_ready;
  struct filo_task *next_live, **back_live;
};

struct filo_runtime {
  lua_State *L;
  struct filo_loop *loop;
  struct filo_task *current, *main_task;
  double turn_ends;          /* when the sockets are to be looked at again */
  struct filo_timers timers; /* of real time */
  struct filo_clock *clocks; /* the virtual ones */
  struct filo_clock *clock;  /* of what runs now; NULL: real time */
  struct filo_task *ready, **ready_tail;
  struct filo_task *all; /* that have not ended */
  struct filo_spares spares;
  struct filo_task nobody; /* whose all coroutines are that no task has; it knows the runtime */
  unsigned live;
  unsigned pinned;           /* coroutines resumed below a function that cannot be suspended */
  int ended_by;              /* the signal that ends the main task */
  struct filo_task *exiting; /* the task that called os.exit: it never goes on */
  int exit_status;
  bool closing; /* the state: only finalizers run */
};

/* Handles what the loop has, waiting for something when no task is ready; then runs the tasks that
 * are, and those that these make ready, for a while. */
void filo_runtime_turn(struct filo_runtime *runtime);

/* An error was caught for a script, and is on top, or was given to a handler. When it is what a
 * signal has raised in the main task, the task's next wait raises it again; then it passes on here,
 * so that the task ends. */
void filo_task_caught(lua_State *L, bool handled);

/* At a wait of a task that is to be raised again: has it raise, unless it is in a `<close>` variable. */
void filo_task_raise_again(lua_State *L);

/* Whether the value is the error that a cancellation raises. */
bool filo_task_is_cancelled(lua_State *L, int index);

/* Closes the state, and lets connections say their last words. */
void filo_runtime_close(struct filo_runtime *runtime);

/* on_exit(fn): in the current task, and in those that it starts from now on, os.exit calls
 * fn(status) first, and ends the process if that returns. nil: nothing. */
int filo_runtime_on_exit(lua_State *L);

/* Pushes what os.exit calls first in a task, or nil. task may be NULL. */
void filo_exit_push(lua_State *L, const struct filo_task *task);

/* Pops that, for the task whose userdata is below. */
void filo_exit_set(lua_State *L, struct filo_task *task);

/* Pushes the userdata of a task that has not ended. */
void filo_task_push(lua_State *L, const struct filo_task *task);

/* The task that a coroutine is the one of; NULL: it is a script's own. */
struct filo_task *filo_task_of(lua_State *co);

/* Makes the runtime's tables. */
void filo_module_install(lua_State *L);

/* A watched signal came: calls the script's function, or ends the main task (SIGINT, SIGTERM). */
void filo_runtime_signal(void *runtime, int signum);

#endif
