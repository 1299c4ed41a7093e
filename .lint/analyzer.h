/* What the static analyzer cannot see by itself; the lint rules put it in front of every file but
 * error.c: which functions never return, and that the failing ones return a negative code. */
#include <lauxlib.h>

#include "error.h"
#include "runtime/task.h"

#define NEVER_RETURNS __attribute__((analyzer_noreturn))

int(lua_error)(lua_State *L) NEVER_RETURNS;
int(luaL_error)(lua_State *L, const char *fmt, ...) NEVER_RETURNS;
int(luaL_argerror)(lua_State *L, int arg, const char *message) NEVER_RETURNS;
int(luaL_typeerror)(lua_State *L, int arg, const char *name) NEVER_RETURNS;
int filo_task_raise_cancelled(lua_State *L) NEVER_RETURNS;

#define filo_fail(err, code, ...) ((filo_fail)(err, code, __VA_ARGS__), (code))
#define filo_fail_errno(...) ((filo_fail_errno)(__VA_ARGS__), FILO_IO)
#define filo_fail_openssl(err, code, ...) ((filo_fail_openssl)(err, code, __VA_ARGS__), (code))
