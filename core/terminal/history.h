/* The lines typed before, in memory for the editor and in a file (mode 0600) across runs: one line
 * of text each, appended as it is typed, so that a kill loses nothing and several prompts at once
 * may share it. Loop thread.
 */
#ifndef FILO_TERMINAL_HISTORY_H
#define FILO_TERMINAL_HISTORY_H

#include <histedit.h>

#include "error.h"

struct filo_history;

int filo_history_new(struct filo_history **ret, struct filo_error *err);
void filo_history_free(struct filo_history *history);

/* For EL_HIST. */
History *filo_history_lines(struct filo_history *history);

/* Reads the file and from now on appends to it. Makes it, and its folder, when it is not there. */
int filo_history_load(struct filo_history *history, const char *path, struct filo_error *err);

/* Not one that is empty, begins with a space, or is the same as the last. */
void filo_history_add(struct filo_history *history, const char *line);

#endif
