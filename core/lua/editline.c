/* The module filo.core.editline: lines typed at a terminal (an editor), or read from a pipe.
 *
 * An editor's user values: the function that completes, and io.stdout and io.stderr, which stand
 * for the C streams and follow them. While a line is being read, the registry has the editor under
 * the address of its box. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/handle.h"
#include "lua/modules.h"
#include "runtime/task.h"
#include "terminal/editor.h"
#include "terminal/lines.h"

enum { COMPLETE = 1, OUT, ERR, VALUES = ERR };

struct editor_box {
  struct filo_editor *editor;
  lua_State *main;
  luaL_Stream *out, *err; /* pinned; or NULL */
  struct filo_event ended;
  struct filo_task *asked; /* runs the function that completes; its answer is wanted */
};

struct lines_box {
  struct filo_lines *lines;
  struct filo_event came;
};

static struct event_base *base_of(lua_State *L) {
  return filo_loop_base(filo_runtime_loop(filo_runtime_of(L)));
}

static int closed_meanwhile(lua_State *L) {
  struct filo_error err;
  filo_fail(&err, FILO_CLOSED, "the input was closed meanwhile");
  return filo_return_error(L, &err);
}

/* --- Lua's standard files --- */

/* The file of the name, which becomes a user value, if it still is the stream. */
static luaL_Stream *keep_file(lua_State *L, int editor, const char *name, FILE *file, int value) {
  if (lua_getglobal(L, "io") == LUA_TTABLE) lua_getfield(L, -1, name);
  luaL_Stream *stream = luaL_testudata(L, -1, LUA_FILEHANDLE);
  if (stream && stream->f != file) stream = NULL;
  if (stream) {
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, editor, value);
  }
  lua_settop(L, editor);
  return stream;
}

static void point_files(const struct editor_box *box) {
  if (box->out) box->out->f = stdout;
  if (box->err) box->err->f = stderr;
}

/* --- Completion --- */

/* The answer is on top. One that comes after the line has ended is dropped. */
static int answer(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  struct editor_box *box = lua_touserdata(L, 1);
  if (filo_task_current(L) != box->asked) return 0;
  box->asked = NULL;
  const char *text = lua_tostring(L, -1);
  bool good = status == LUA_OK || status == LUA_YIELD;
  if (!good) fprintf(stderr, "filo: cannot complete: %s\n", text ? text : "an error");
  filo_editor_answer(box->editor, good && text ? text : "");
  return 0;
}

/* A task: (editor, text) */
static int ask(lua_State *L) {
  lua_getiuservalue(L, 1, COMPLETE);
  lua_insert(L, 2);
  return answer(L, lua_pcallk(L, 1, 1, 0, 0, answer), 0);
}

/* Called by the loop, outside of any task. */
static void on_complete(void *ctx, const char *text) {
  struct editor_box *box = ctx;
  lua_State *L = box->main;
  if (!lua_checkstack(L, 3)) return;
  lua_pushcfunction(L, ask);
  lua_rawgetp(L, LUA_REGISTRYINDEX, box);
  lua_pushstring(L, text);
  box->asked = filo_task_spawn(L, 2, true);
  lua_pop(L, 1);
}

static void stop_asking(struct editor_box *box) {
  if (box->asked) filo_task_cancel(box->asked, "the line has ended");
  box->asked = NULL;
}

/* --- Editors --- */

static void on_ended(void *ctx) {
  struct editor_box *box = ctx;
  stop_asking(box);
  filo_event_set(&box->ended);
}

static void release_editor(void *self) {
  struct editor_box *box = self;
  if (!box->editor) return;
  stop_asking(box);
  filo_editor_free(box->editor);
  point_files(box);
  filo_event_set(&box->ended);
}

static const struct filo_handle_type editor_type = {
    .name = "filo.editor",
    .closed = "the editor is closed",
    .size = sizeof(struct editor_box),
    .values = VALUES,
    .release = release_editor,
};

static struct editor_box *check_editor(lua_State *L) {
  return filo_handle_check(L, 1, &editor_type);
}

/* open(complete) */
static int editline_open(lua_State *L) {
  static const struct filo_editor_calls calls = {.ended = on_ended, .complete = on_complete};
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  struct editor_box *box = filo_handle_push(L, &editor_type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, COMPLETE);
  box->out = keep_file(L, 2, "stdout", stdout, OUT);
  box->err = keep_file(L, 2, "stderr", stderr, ERR);
  box->main = filo_runtime_state(filo_runtime_of(L));
  struct filo_error err;
  if (filo_editor_new(base_of(L), &calls, box, &box->editor, &err) < 0)
    return filo_return_error(L, &err);
  point_files(box);
  return 1;
}

static void set_reading(lua_State *L, const struct editor_box *box, bool reading) {
  if (reading)
    lua_pushvalue(L, 1);
  else
    lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, box);
}

static int give_line(lua_State *L, struct editor_box *box) {
  char *line;
  struct filo_error err;
  switch (filo_editor_take(box->editor, &line)) {
  case FILO_EDITOR_LINE:
    lua_pushstring(L, line);
    free(line);
    return 1;
  case FILO_EDITOR_EOF:
    lua_pushnil(L);
    return 1;
  default:
    filo_fail(&err, FILO_CANCELLED, "interrupted");
    return filo_return_error(L, &err);
  }
}

static int line_ended(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct editor_box *box = filo_handle_box(L, 1, &editor_type);
  set_reading(L, box, false);
  enum filo_why why = filo_event_why(L, &box->ended);
  if (why == FILO_TASK_CANCELLED) {
    if (box->editor) filo_editor_drop(box->editor, false);
    return filo_task_raise_cancelled(L);
  }
  return box->editor ? give_line(L, box) : closed_meanwhile(L);
}

/* read(prompt) */
static int editor_read(lua_State *L) {
  struct filo_error err;
  struct editor_box *box = check_editor(L);
  const char *prompt = luaL_checkstring(L, 2);
  filo_task_check(L);
  if (box->ended.waiter) return luaL_error(L, "another task waits for a line already");
  box->ended.set = false;
  set_reading(L, box, true);
  int code = filo_editor_read(box->editor, prompt, &err);
  if (code == 0 && !box->ended.set)
    return filo_event_wait(L, &box->ended, FILO_NO_DEADLINE, 0, line_ended);
  set_reading(L, box, false);
  return code < 0 ? filo_return_error(L, &err) : give_line(L, box);
}

static int editor_interrupt(lua_State *L) {
  filo_editor_drop(check_editor(L)->editor, true);
  return 0;
}

static int editor_resize(lua_State *L) {
  filo_editor_resize(check_editor(L)->editor);
  return 0;
}

static int editor_stop(lua_State *L) {
  filo_editor_stop(check_editor(L)->editor);
  return 0;
}

static int editor_columns(lua_State *L) {
  lua_pushinteger(L, filo_editor_columns(check_editor(L)->editor));
  return 1;
}

static int editor_load_history(lua_State *L) {
  struct filo_error err;
  if (filo_editor_load_history(check_editor(L)->editor, luaL_checkstring(L, 2), &err) < 0)
    return filo_return_error(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int editor_add_history(lua_State *L) {
  filo_editor_add_history(check_editor(L)->editor, luaL_checkstring(L, 2));
  return 0;
}

/* --- Lines of a pipe --- */

static void on_came(void *ctx) {
  filo_event_set(&((struct lines_box *)ctx)->came);
}

static void release_lines(void *self) {
  struct lines_box *box = self;
  filo_lines_free(box->lines);
  filo_event_set(&box->came);
}

static const struct filo_handle_type lines_type = {
    .name = "filo.lines",
    .closed = "the input is closed",
    .size = sizeof(struct lines_box),
    .release = release_lines,
};

static int editline_lines(lua_State *L) {
  struct lines_box *box = filo_handle_push(L, &lines_type);
  struct filo_error err;
  if (filo_lines_new(base_of(L), STDIN_FILENO, on_came, box, &box->lines, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

static int next_line(lua_State *L, struct lines_box *box);

static int line_came(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct lines_box *box = filo_handle_box(L, 1, &lines_type);
  if (filo_event_why(L, &box->came) == FILO_TASK_CANCELLED) return filo_task_raise_cancelled(L);
  return box->lines ? next_line(L, box) : closed_meanwhile(L);
}

static int next_line(lua_State *L, struct lines_box *box) {
  char *line;
  size_t len;
  switch (filo_lines_next(box->lines, &line, &len)) {
  case FILO_LINES_LINE:
    lua_pushlstring(L, line, len);
    free(line);
    return 1;
  case FILO_LINES_END:
    lua_pushnil(L);
    return 1;
  default:
    box->came.set = false;
    return filo_event_wait(L, &box->came, FILO_NO_DEADLINE, 0, line_came);
  }
}

static int lines_read(lua_State *L) {
  struct lines_box *box = filo_handle_check(L, 1, &lines_type);
  filo_task_check(L);
  return next_line(L, box);
}

static const luaL_Reg editor_methods[] = {{"read", editor_read},
                                          {"interrupt", editor_interrupt},
                                          {"resize", editor_resize},
                                          {"stop", editor_stop},
                                          {"columns", editor_columns},
                                          {"load_history", editor_load_history},
                                          {"add_history", editor_add_history},
                                          {"close", filo_handle_close},
                                          {NULL, NULL}};

static const luaL_Reg lines_methods[] = {
    {"read", lines_read}, {"close", filo_handle_close}, {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"open", editline_open}, {"lines", editline_lines}, {NULL, NULL}};

int filo_open_editline(lua_State *L) {
  filo_handle_register(L, &editor_type, editor_methods);
  filo_handle_register(L, &lines_type, lines_methods);
  luaL_newlib(L, functions);
  return 1;
}
