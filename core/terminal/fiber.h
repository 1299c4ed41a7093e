/* A function on a stack of its own, which pauses in the middle and is resumed later, on the same
 * thread: for code that insists on calling back for its input and waiting there.
 *
 * Lua must not run on a fiber. One thread.
 */
#ifndef FILO_TERMINAL_FIBER_H
#define FILO_TERMINAL_FIBER_H

#include <stdbool.h>

#include "error.h"

struct filo_fiber;

int filo_fiber_new(struct filo_fiber **ret, struct filo_error *err);

/* Only when it is not under way. */
void filo_fiber_free(struct filo_fiber *fiber);

/* Runs fn until it pauses or ends. Only when no other is under way. */
void filo_fiber_start(struct filo_fiber *fiber, void (*fn)(void *arg), void *arg);

/* Goes on after a pause, until the next one or the end. */
void filo_fiber_resume(struct filo_fiber *fiber);

/* Within fn. */
void filo_fiber_pause(struct filo_fiber *fiber);

/* True from the start until fn has ended. */
bool filo_fiber_under_way(const struct filo_fiber *fiber);

#endif
