/* Lines: tasks wait in the order in which they came, until they are woken, one by one or all
 * together. Each step takes the same time, however long the line is.
 *
 * A line lies in what its tasks wait for, which the stack of each of them keeps alive. All zero: it
 * is empty. Loop thread.
 */
#ifndef FILO_RUNTIME_LINE_H
#define FILO_RUNTIME_LINE_H

#include "runtime/task.h"

struct filo_line {
  struct filo_task *first, *last;
  unsigned count;
};

/* As filo_task_wait, in the line; ctx is the line's address. */
int filo_line_wait(lua_State *L, struct filo_line *line, double seconds, lua_KFunction k);

/* In k: why the wait ended. The task has left the line; when it was woken alone, and is cancelled,
 * the next one has been woken in its place. */
enum filo_why filo_line_why(lua_State *L, struct filo_line *line);

/* Wakes the first; false: there is none. */
bool filo_line_wake(struct filo_line *line);

void filo_line_wake_all(struct filo_line *line);

/* line(): a line for scripts. */
int filo_line_push(lua_State *L);

/* Makes its metatable. */
void filo_line_install(lua_State *L);

#endif
