/* The log of the process: whole lines that a thread of its own writes to standard error, so that
 * nothing waits for who reads it (a terminal that is stopped, a pager that nobody pages).
 *
 * Up to 512 KiB wait to be written, while as much is with the system. What comes beyond is dropped,
 * and a line says how much that was, in the place where it is missing. So that a line stands before
 * what the process writes next by other means, it is waited for, 10 ms at most; so that a burst is
 * not dropped, room is, 250 ms at most. Who reads on after that is waited for again. When the
 * process exits, what waits is given 2 seconds.
 *
 * While a prompt has taken standard error over (terminal/streams.h), lines go there at once.
 * One log a process; loop thread, if nothing else is said.
 */
#ifndef FILO_RUNTIME_LOG_H
#define FILO_RUNTIME_LOG_H

#include <stddef.h>

#include "error.h"
#include "runtime/log_line.h"

/* Starts the thread. */
int filo_log_start(struct filo_error *err);

/* bytes: one or more whole lines. */
void filo_log_write(const char *bytes, size_t len);

/* A line of the core's own, in the format of the log. */
void filo_log(const char *level, const char *event, const char *message);

#endif
