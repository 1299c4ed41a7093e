#include "runtime/line.h"

#include <lauxlib.h>

#include "runtime/internal.h"

#define LINE_TYPE "filo.line"

static void add(struct filo_line *line, struct filo_task *task) {
  task->line = line;
  task->ahead = line->last;
  task->behind = NULL;
  *(line->last ? &line->last->behind : &line->first) = task;
  line->last = task;
  line->count++;
}

static void leave(struct filo_line *line, struct filo_task *task) {
  *(task->ahead ? &task->ahead->behind : &line->first) = task->behind;
  *(task->behind ? &task->behind->ahead : &line->last) = task->ahead;
  task->line = NULL;
  line->count--;
}

int filo_line_wait(lua_State *L, struct filo_line *line, double seconds, lua_KFunction k) {
  struct filo_task *task = filo_task_begin_wait(L, seconds);
  add(line, task);
  task->woken_alone = false;
  return filo_task_yield(L, (lua_KContext)line, k);
}

enum filo_why filo_line_why(lua_State *L, struct filo_line *line) {
  struct filo_task *task = filo_task_current(L);
  enum filo_why why = filo_task_why(L);
  if (task->line)
    leave(line, task);
  else if (why == FILO_TASK_CANCELLED && task->woken_alone)
    filo_line_wake(line);
  return why;
}

bool filo_line_wake(struct filo_line *line) {
  struct filo_task *task = line->first;
  if (!task) return false;
  leave(line, task);
  task->woken_alone = true;
  filo_task_wake(task);
  return true;
}

void filo_line_wake_all(struct filo_line *line) {
  for (struct filo_task *task; (task = line->first);) {
    leave(line, task);
    filo_task_wake(task);
  }
}

/* --- For scripts --- */

static struct filo_line *check_line(lua_State *L) {
  return luaL_checkudata(L, 1, LINE_TYPE);
}

static int waited(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  enum filo_why why = filo_line_why(L, (struct filo_line *)ctx);
  if (why == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  lua_pushboolean(L, why == FILO_WOKEN);
  return 1;
}

static int line_wait(lua_State *L) {
  struct filo_line *line = check_line(L);
  return filo_line_wait(L, line, filo_task_opt_seconds(L, 2, FILO_NO_DEADLINE), waited);
}

static int line_wake(lua_State *L) {
  lua_pushboolean(L, filo_line_wake(check_line(L)));
  return 1;
}

static int line_wake_all(lua_State *L) {
  filo_line_wake_all(check_line(L));
  return 0;
}

static int line_count(lua_State *L) {
  lua_pushinteger(L, check_line(L)->count);
  return 1;
}

int filo_line_push(lua_State *L) {
  struct filo_line *line = lua_newuserdatauv(L, sizeof *line, 0);
  *line = (struct filo_line){0};
  luaL_setmetatable(L, LINE_TYPE);
  return 1;
}

void filo_line_install(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"wait", line_wait}, {"wake", line_wake}, {"wake_all", line_wake_all}, {NULL, NULL}};
  luaL_newmetatable(L, LINE_TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, line_count);
  lua_setfield(L, -2, "__len");
  lua_pop(L, 1);
}
