/* One line of the log as the core writes it: put together in memory that is given, and so in signal
 * handlers too. What is more than there is room for is left out.
 */
#ifndef FILO_RUNTIME_LOG_LINE_H
#define FILO_RUNTIME_LOG_LINE_H

#include <stddef.h>

enum filo_log_format {
  FILO_LOG_NAMED, /* `filo: a sentence` */
  FILO_LOG_DATED, /* as the log of a service has it (lua/filo/command/log.lua), for people ... */
  FILO_LOG_JSON   /* ... or for programs */
};

enum { FILO_LOG_LINE_ROOM = 4096 }; /* enough for what the core says by itself */

struct filo_log_line {
  char *bytes;
  size_t room, len; /* room: 256 at least */
};

/* The format of all lines from now on; FILO_LOG_NAMED until then. Any context. */
void filo_log_set_format(enum filo_log_format format);

/* With bytes and room set. name: what speaks. level: "error", "warning" or "info". event: what
 * happened, for programs. */
void filo_log_line_begin(struct filo_log_line *line, const char *name, const char *level,
                         const char *event);
void filo_log_line_add(struct filo_log_line *line, const char *text);
void filo_log_line_add_number(struct filo_log_line *line, unsigned long number);
void filo_log_line_end(struct filo_log_line *line);

#endif
