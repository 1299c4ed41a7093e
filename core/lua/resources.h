/* What the transfers of a lua_State share (transfer/resources.h). Loop thread. */
#ifndef FILO_LUA_RESOURCES_H
#define FILO_LUA_RESOURCES_H

#include <lua.h>

#include "transfer/resources.h"

/* Makes them; they go with the lua_State. */
void filo_resources_install(lua_State *L);

struct filo_resources *filo_resources_of(lua_State *L);

#endif
