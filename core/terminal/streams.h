/* Standard output and error, taken over while a line may be edited on the same terminal: what the
 * process writes with stdio (the core's messages, Lua's print) comes to one function, which knows
 * where the line is. What other processes write does not. A stream that is no terminal is left
 * alone.
 *
 * One at a time in a process; loop thread.
 */
#ifndef FILO_TERMINAL_STREAMS_H
#define FILO_TERMINAL_STREAMS_H

#include <stdio.h>

#include "error.h"

/* `to` is the stream as it was. */
typedef void filo_streams_fn(void *ctx, FILE *to, const char *bytes, size_t len);

/* From now on the variables stdout and stderr are other streams. */
int filo_streams_take(filo_streams_fn *write, void *ctx, struct filo_error *err);

/* Makes them what they were. */
void filo_streams_give_back(void);

#endif
