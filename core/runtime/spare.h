/* Spare coroutines: those of tasks that have ended, for tasks that start. To make one takes longer
 * than all else that a short task does.
 *
 * Internal to the folder; all on the loop thread.
 */
#ifndef FILO_RUNTIME_SPARE_H
#define FILO_RUNTIME_SPARE_H

#include <lua.h>

enum { FILO_SPARES_MAX = 1000 };

struct filo_spares { /* all zero: none */
  struct {
    lua_State *co;
    int ref;
  } list[FILO_SPARES_MAX];
  unsigned count;
};

/* Pushes a coroutine that has run nothing, or nothing that shows; *ref is its place in the
 * registry, where something is to be put that keeps it. */
lua_State *filo_spares_take(struct filo_spares *spares, lua_State *L, int *ref);

/* Takes a coroutine that has ended in order, with its place; nobody else may know it. Raises
 * nothing. */
void filo_spares_give(struct filo_spares *spares, lua_State *L, lua_State *co, int ref);

#endif
