/* The loop thread's event base, worker pool and signals, in one place.
 *
 * Everything that the loop owns (connections, tasks, the lua_State) lives on the thread that made
 * it. The only doors from outside are filo_pool_post and signal handlers, which write to one
 * eventfd. One loop a process.
 */
#ifndef FILO_RUNTIME_LOOP_H
#define FILO_RUNTIME_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "runtime/pool.h"

struct filo_loop;

/* Called on the loop thread for each signal that came and is watched. */
typedef void filo_signal_fn(void *ctx, int signum);

int filo_loop_new(filo_signal_fn *on_signal, void *ctx, struct filo_loop **ret,
                  struct filo_error *err);
void filo_loop_free(struct filo_loop *loop);

/* Ends the worker pool: all submitted jobs are done on return. No job may be submitted after. */
void filo_loop_stop(struct filo_loop *loop);

struct event_base *filo_loop_base(struct filo_loop *loop);
struct filo_pool *filo_loop_pool(struct filo_loop *loop);

/* After filo_loop_stop: lets what is left, such as connections that are closing, come to its end.
 */
void filo_loop_linger(struct filo_loop *loop, double seconds);

/* Handles what is ready; when there is nothing, waits for something until a time of filo_now, which
 * may be past or HUGE_VAL. */
void filo_loop_turn(struct filo_loop *loop, double until);

/* How many turns there have been. */
uint64_t filo_loop_turns(const struct filo_loop *loop);

/* Catches (or stops catching) a signal. interrupts: a script that computes, too, or that a function
 * of C keeps waiting, as io.read does at a terminal. */
void filo_loop_watch_signal(int signum, bool on, bool interrupts);

/* True while a watched signal came that the loop has not handled yet. Any context. */
bool filo_loop_signalled(void);

/* True while such a signal came that the loop has not handled yet. Any context, signal handlers
 * too. */
bool filo_loop_interrupted(void);

/* Within the signal handler (NULL: nothing): asked is called when SIGTERM comes; stuck when a second
 * SIGINT or SIGTERM comes and the loop has not looked at the first for two seconds: it is to end the
 * process. */
void filo_loop_on_end(void (*asked)(void), void (*stuck)(int signum));

/* True while SIGTERM has come and the loop has not handled it yet. Any context. */
bool filo_loop_terminated(void);

/* Seconds on a clock that never goes back. Any thread. */
double filo_now(void);

#endif
