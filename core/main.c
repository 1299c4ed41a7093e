/* The executable: makes the runtime, registers the core's modules and the embedded Lua modules, and
 * runs what filo.command.launch makes of the command line. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lua/modules.h"
#include "runtime/task.h"

enum { GRACE_SECONDS = 4 };

/* stack: the list of steps. Called from here, what a script raises is as it is in `lua`: no line of
 * Filo's stands between. */
static int run_steps(lua_State *L, int status, lua_KContext at) {
  (void)status;
  while (lua_geti(L, 1, ++at) != LUA_TNIL) lua_callk(L, 0, 0, at, run_steps);
  return 0;
}

/* run(launch, arguments) */
static int run(lua_State *L) {
  lua_callk(L, 1, 1, 0, run_steps);
  return run_steps(L, LUA_OK, 0);
}

static int set_up(lua_State *L) {
  luaL_openlibs(L);
  filo_coroutine_install(L);
  filo_pcall_install(L);
  filo_exit_install(L);
  filo_modules_install(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "filo.command.launch");
  lua_call(L, 1, 1);
  return 1;
}

/* Leaves `run` and its arguments on the stack. */
static int prepare(lua_State *L, int argc, char **argv) {
  lua_pushcfunction(L, run);
  lua_pushcfunction(L, set_up);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
    fprintf(stderr, "filo: cannot start: %s\n", lua_tostring(L, -1));
    return -1;
  }
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  return 0;
}

/* Not SIG_IGN, which the programs that a script starts would have, too. */
static void pass_over(int signum) {
  (void)signum;
}

/* One that is closed would be that of the next file or connection, and get what is printed. */
static void open_standard_streams(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);
}

int main(int argc, char **argv) {
  open_standard_streams();
  signal(SIGPIPE, pass_over);
  signal(SIGXFSZ, pass_over);         /* a write beyond `ulimit -f` fails instead */
  signal(SIGCHLD, SIG_DFL);           /* if it is ignored, no status of a program is told */
  mallopt(M_MMAP_THRESHOLD, 4 << 20); /* pieces of content are strings of up to 1 MiB: reuse */
  mallopt(M_TRIM_THRESHOLD, 8 << 20); /* their memory rather than ask for cold pages */
  mallopt(M_TOP_PAD, 32 << 10);       /* without much that nobody asked for yet */
  mallopt(M_ARENA_MAX, 2);            /* threads share arenas: resident memory stays small */
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); /* os.exit may find workers at work */
  struct filo_error err;
  struct filo_runtime *runtime;
  if (filo_runtime_new(&runtime, &err) < 0) {
    fprintf(stderr, "filo: cannot start: %s\n", err.message);
    return 1;
  }
  int status = 1;
  if (prepare(filo_runtime_state(runtime), argc, argv) == 0) status = filo_runtime_run(runtime, 2);
  filo_runtime_free(runtime, GRACE_SECONDS);
  return status;
}
