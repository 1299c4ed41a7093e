/* A line editor on the terminal at standard input and output, by libedit: editing, history and
 * completion, while the loop goes on running.
 *
 * libedit waits for each key where it is called. So it runs on a fiber, which pauses for a key and
 * is resumed by the loop's event. The terminal is raw only from filo_editor_read to the end of the
 * line. While it is, what the process writes appears above the line.
 *
 * One in a process; loop thread. The callbacks may do anything but free the editor.
 */
#ifndef FILO_TERMINAL_EDITOR_H
#define FILO_TERMINAL_EDITOR_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct filo_editor;

struct filo_editor_calls {
  /* The line has ended: see filo_editor_take. */
  void (*ended)(void *ctx);
  /* Tab: asks for what could follow the text before the cursor. Nothing more is read from the
   * terminal until filo_editor_answer, which may be called at once. */
  void (*complete)(void *ctx, const char *text);
};

int filo_editor_new(struct event_base *base, const struct filo_editor_calls *calls, void *ctx,
                    struct filo_editor **ret, struct filo_error *err);

/* Restores the terminal. An unended line is dropped, without a call. */
void filo_editor_free(struct filo_editor *editor);

/* Reads the history from a file, to which it is added from now on. */
int filo_editor_load_history(struct filo_editor *editor, const char *path, struct filo_error *err);
void filo_editor_add_history(struct filo_editor *editor, const char *line);

/* Shows the prompt and lets a line be typed. `ended` may be called before it returns. */
int filo_editor_read(struct filo_editor *editor, const char *prompt, struct filo_error *err);

/* Drops the line being typed, if any; `show` it as done by Ctrl-C. */
void filo_editor_drop(struct filo_editor *editor, bool show);

enum filo_editor_end { FILO_EDITOR_LINE, FILO_EDITOR_EOF, FILO_EDITOR_DROPPED };

/* After `ended`: how; with a line, which is the caller's to free. */
enum filo_editor_end filo_editor_take(struct filo_editor *editor, char **ret);

/* Answers `complete`: what to insert at the cursor. Nothing when the line has ended meanwhile. */
void filo_editor_answer(struct filo_editor *editor, const char *text);

/* The size of the terminal has changed (SIGWINCH). */
void filo_editor_resize(struct filo_editor *editor);

/* Stops the process as SIGTSTP does, the terminal as it was; returns when it goes on. */
void filo_editor_stop(struct filo_editor *editor);

/* Columns of the terminal. */
unsigned filo_editor_columns(const struct filo_editor *editor);

#endif
