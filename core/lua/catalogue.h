/* Catalogues, for the files that have their methods. Loop thread only. */
#ifndef FILO_LUA_CATALOGUE_H
#define FILO_LUA_CATALOGUE_H

#include <lua.h>

#include "catalogue/catalogue.h"

/* Shared with the calls that use it on workers: each has a reference. */
struct filo_catalogue_handle {
  struct filo_catalogue *catalogue;
  unsigned refs;
};

/* The first argument. Raises an argument error for any other value and when it is closed. */
struct filo_catalogue_handle *filo_check_catalogue(lua_State *L);
void filo_catalogue_handle_unref(struct filo_catalogue_handle *shared);

/* How many rows are wanted at most, at an index; as many as there can be without. */
size_t filo_check_most(lua_State *L, int index);

/* Methods: lists.c. */
int filo_lists_feed(lua_State *L);
int filo_lists_note(lua_State *L);
int filo_lists_noted(lua_State *L);

/* Methods: prints.c. */
int filo_prints_mark(lua_State *L);
int filo_prints_believe(lua_State *L);
int filo_prints_believed(lua_State *L);
int filo_prints_print(lua_State *L);
int filo_prints_prints(lua_State *L);
int filo_prints_marks(lua_State *L);
int filo_prints_settle(lua_State *L);

#endif
