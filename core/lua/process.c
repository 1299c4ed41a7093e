/* The module filo.core.process: programs in processes of their own. A worker starts one, since that
 * reads it from its disk; the loop hears of its end, and reaps it, whether somebody waits for that
 * or not. */
#include <errno.h>
#include <event2/event_struct.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/handle.h"
#include "lua/modules.h"
#include "lua/net.h"
#include "lua/resources.h"
#include "runtime/program.h"

/* Lives until the program is reaped and its handle is closed. */
struct child {
  struct filo_program program;
  struct event ending;
  struct process_box *box; /* NULL: nobody wants it any more */
  bool reaped;
  int status, sys_errno; /* of it */
};

struct process_box {
  struct child *child;
  struct filo_event ended;
};

static void on_ending(evutil_socket_t fd, short what, void *ctx) {
  (void)fd, (void)what;
  struct child *child = ctx;
  if (!filo_program_reap(&child->program, &child->status, &child->sys_errno)) return;
  child->reaped = true;
  event_del(&child->ending);
  filo_program_close(&child->program);
  if (child->box)
    filo_event_set(&child->box->ended);
  else
    free(child);
}

static void watch(struct child *child, struct event_base *base) {
  event_assign(&child->ending, base, child->program.pidfd, EV_READ | EV_PERSIST, on_ending, child);
  event_add(&child->ending, NULL);
}

static void abandon(struct child *child) {
  child->box = NULL;
  if (child->reaped)
    free(child);
  else
    filo_program_signal(&child->program, SIGKILL);
}

static void release(void *self) {
  struct process_box *box = self;
  if (box->child) abandon(box->child);
  filo_event_set(&box->ended);
}

static const struct filo_handle_type type = {
    .name = "filo.process",
    .closed = "the process is closed",
    .size = sizeof(struct process_box),
    .release = release,
};

/* --- start(arguments, variables [, folder]) --- */

struct start_call {
  struct filo_call base;
  struct event_base *events;
  struct filo_program_plan plan;
  struct child *child;
  char texts[]; /* of the plan */
};

static void discard(struct filo_call *base) {
  struct start_call *call = (struct start_call *)base;
  if (call->child && base->code == 0) {
    watch(call->child, call->events);
    abandon(call->child);
  } else {
    free(call->child);
  }
  free(call);
}

static void start_work(struct filo_call *base) {
  struct start_call *call = (struct start_call *)base;
  call->child = calloc(1, sizeof *call->child);
  if (!call->child)
    base->code = filo_fail(&base->err, FILO_NO_MEMORY, "no memory for a process");
  else
    base->code = filo_program_start(&call->plan, &call->child->program, &base->err);
}

static int push_stream(lua_State *L, struct child *child, int number) {
  static const char *const names[] = {"input", "output", "error"};
  const char *program = lua_tostring(L, 1); /* the first of the arguments */
  const char *name = lua_pushfstring(L, "the standard %s of %s", names[number], program);
  int fd = child->program.streams[number];
  child->program.streams[number] = -1;
  int count = filo_push_pipe(L, fd, number == 0, name);
  lua_remove(L, -count - 1);
  return count;
}

/* The handle is at index 4. */
static int started(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct start_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  struct process_box *box = filo_handle_box(L, 4, &type);
  struct child *child = call->child;
  watch(child, call->events);
  child->box = box;
  box->child = child;
  call->child = NULL;
  discard(&call->base);
  lua_pushinteger(L, child->program.pid);
  for (int i = 0; i < 3; i++)
    if (push_stream(L, child, i) != 1) return 2;
  return 5;
}

static struct filo_texts put(char *to, const struct filo_texts *texts) {
  memcpy(to, texts->bytes, texts->length);
  return (struct filo_texts){to, texts->length};
}

static int start(lua_State *L) {
  struct filo_program_plan plan = {.folder = lua_isnoneornil(L, 3) ? NULL : filo_check_text(L, 3)};
  plan.arguments.bytes = luaL_checklstring(L, 1, &plan.arguments.length);
  plan.variables.bytes = luaL_checklstring(L, 2, &plan.variables.length);
  luaL_argcheck(L, plan.arguments.length > 0, 1, "a program expected");
  lua_settop(L, 3);
  filo_handle_push(L, &type);
  size_t folder = plan.folder ? strlen(plan.folder) + 1 : 0;
  size_t length = plan.arguments.length + plan.variables.length + folder;
  struct start_call *call = filo_call_new(L, sizeof *call + length, start_work, discard);
  call->events = filo_resources_of(L)->base;
  call->plan.arguments = put(call->texts, &plan.arguments);
  call->plan.variables = put(call->texts + plan.arguments.length, &plan.variables);
  if (folder) call->plan.folder = memcpy(call->texts + length - folder, plan.folder, folder);
  return filo_call(L, &call->base, started);
}

/* --- wait([seconds]) --- */

static int give(lua_State *L, const struct process_box *box) {
  struct filo_error err;
  const struct child *child = box->child;
  if (!child) {
    filo_fail(&err, FILO_CLOSED, "the process was closed meanwhile");
    return filo_return_error(L, &err);
  }
  if (child->sys_errno) {
    filo_fail_errno(&err, child->sys_errno, "somebody else was told how process %ld ended",
                    (long)child->program.pid);
    return filo_return_error(L, &err);
  }
  bool exited = WIFEXITED(child->status);
  lua_createtable(L, 0, 1);
  lua_pushinteger(L, exited ? WEXITSTATUS(child->status) : WTERMSIG(child->status));
  lua_setfield(L, -2, exited ? "status" : "signal");
  return 1;
}

static int waited(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct process_box *box = filo_handle_box(L, 1, &type);
  int values = filo_event_overdue(L, &box->ended, "the program goes on");
  return values ? values : give(L, box);
}

static int process_wait(lua_State *L) {
  struct process_box *box = filo_handle_check(L, 1, &type);
  double seconds = filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE);
  if (box->ended.set) return give(L, box);
  return filo_event_wait(L, &box->ended, seconds, 0, waited);
}

/* --- kill(name) --- */

static int process_kill(lua_State *L) {
  struct filo_error err;
  const struct process_box *box = filo_handle_check(L, 1, &type);
  const char *name = filo_check_text(L, 2);
  int signum = filo_signal_number(name);
  int error = box->child->reaped ? ESRCH : 0;
  if (!signum) {
    filo_fail(&err, FILO_INVALID, "there is no signal %s; some are TERM, INT, HUP, KILL", name);
    return filo_return_error(L, &err);
  }
  if (!error) error = filo_program_signal(&box->child->program, signum);
  if (error == ESRCH) {
    filo_fail(&err, FILO_NOT_FOUND, "the program has ended");
    return filo_return_error(L, &err);
  }
  if (error) {
    filo_fail_errno(&err, error, "cannot signal process %ld", (long)box->child->program.pid);
    return filo_return_error(L, &err);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {
    {"wait", process_wait}, {"kill", process_kill}, {"close", filo_handle_close}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"start", start}, {NULL, NULL}};

int filo_open_process(lua_State *L) {
  filo_handle_register(L, &type, methods);
  luaL_newlib(L, functions);
  return 1;
}
