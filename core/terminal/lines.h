/* Lines of standard input when it is no terminal: a pipe, a socket or a file, read on the loop. */
#ifndef FILO_TERMINAL_LINES_H
#define FILO_TERMINAL_LINES_H

#include <event2/event.h>
#include <stddef.h>

#include "error.h"

struct filo_lines;

typedef void filo_lines_fn(void *ctx);

/* `came` is called when a line has come, or the end, since filo_lines_next had none. */
int filo_lines_new(struct event_base *base, int fd, filo_lines_fn *came, void *ctx,
                   struct filo_lines **ret, struct filo_error *err);
void filo_lines_free(struct filo_lines *lines);

enum filo_lines_state { FILO_LINES_LINE, FILO_LINES_END, FILO_LINES_WAIT };

/* A line without its end, for the caller to free; the last one may lack a newline. */
enum filo_lines_state filo_lines_next(struct filo_lines *lines, char **ret, size_t *len);

#endif
