/* Readers: content in order, or saved to a file. */
#include <string.h>

#include "lua/arguments.h"
#include "lua/handle.h"
#include "lua/resources.h"
#include "lua/store.h"
#include "runtime/task.h"
#include "transfer/reader.h"

struct reader_box {
  struct filo_reader *reader;
  struct filo_event changed;
  bool reading, saving;
};

static void on_changed(void *ctx) {
  struct reader_box *box = ctx;
  filo_event_set(&box->changed);
}

static void release(void *self) {
  struct reader_box *box = self;
  filo_reader_free(box->reader);
  filo_event_set(&box->changed);
}

static const struct filo_handle_type type = {
    .name = "filo.reader",
    .closed = "the reader is closed",
    .size = sizeof(struct reader_box),
    .values = 1, /* what it reads from */
    .release = release,
};

static int return_closed(lua_State *L) {
  struct filo_error err;
  filo_fail(&err, FILO_CLOSED, "the object was closed while it was being read");
  return filo_return_error(L, &err);
}

static struct reader_box *check_reader(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

/* self, offset, end */
static int push_reader(lua_State *L, struct filo_object *object, struct filo_partial *partial,
                       uint64_t size) {
  lua_Integer offset = luaL_optinteger(L, 2, 0);
  lua_Integer end = luaL_optinteger(L, 3, (lua_Integer)size);
  luaL_argcheck(L, offset >= 0, 2, "an offset, 0 or more");
  if ((uint64_t)end > size) end = (lua_Integer)size;
  if (offset > end) offset = end;
  struct reader_box *box = filo_handle_push(L, &type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  struct filo_error err;
  if (filo_reader_new(filo_resources_of(L), object, partial, (uint64_t)offset, (uint64_t)end,
                      on_changed, box, &box->reader, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

int filo_object_reader(lua_State *L) {
  struct filo_object *object = filo_check_object(L, 1);
  return push_reader(L, object, NULL, filo_object_fields(object)->size);
}

int filo_partial_reader(lua_State *L) {
  struct filo_partial *partial = filo_check_partial(L, 1);
  return push_reader(L, NULL, partial, filo_partial_file_fields(partial->file)->size);
}

/* --- read(max): the next bytes, at most max; nil at the end; nil and an error --- */

static int try_read(lua_State *L, struct reader_box *box) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len;
  lua_Integer max = luaL_checkinteger(L, 2);
  luaL_argcheck(L, max > 0, 2, "a number of bytes, 1 or more");
  int got = filo_reader_next(box->reader, 0, &bytes, &len, &err);
  if (got == 1) {
    if (len > (size_t)max) len = (size_t)max;
    lua_pushlstring(L, (const char *)bytes, len);
    filo_reader_next(box->reader, len, &bytes, &len, &err); /* reads on meanwhile */
    return 1;
  }
  if (got == 0) {
    lua_pushnil(L);
    return 1;
  }
  return got == FILO_BUSY ? 0 : filo_return_error(L, &err);
}

static int go_on_reading(lua_State *L, int status, lua_KContext ctx);

static int read_or_wait(lua_State *L) {
  struct reader_box *box = check_reader(L);
  luaL_argcheck(L, !box->saving, 1, "the reader saves to a file");
  box->reading = true;
  box->changed.set = false;
  int given = try_read(L, box);
  if (given > 0) return given;
  return filo_event_wait(L, &box->changed, FILO_NO_DEADLINE, 0, go_on_reading);
}

static int go_on_reading(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct reader_box *box = filo_handle_box(L, 1, &type);
  if (filo_event_why(L, &box->changed) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  if (!box->reader) return return_closed(L);
  return read_or_wait(L);
}

/* --- save(path [, sparse]): true; or nil, an error, and whether another source may be saved instead --- */

static int return_unsaved(lua_State *L, struct reader_box *box, const struct filo_error *err) {
  filo_return_error(L, err);
  lua_pushboolean(L, filo_reader_can_be_replaced(box->reader));
  return 3;
}

static int go_on_saving(lua_State *L, int status, lua_KContext ctx);

static int saved_or_wait(lua_State *L, struct reader_box *box) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len;
  box->changed.set = false;
  int got = filo_reader_next(box->reader, 0, &bytes, &len, &err);
  if (got == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (got < 0 && got != FILO_BUSY) return return_unsaved(L, box, &err);
  return filo_event_wait(L, &box->changed, FILO_NO_DEADLINE, 0, go_on_saving);
}

static int go_on_saving(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct reader_box *box = filo_handle_box(L, 1, &type);
  if (filo_event_why(L, &box->changed) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  if (!box->reader) return return_closed(L);
  return saved_or_wait(L, box);
}

static int reader_save(lua_State *L) {
  struct reader_box *box = check_reader(L);
  const char *path = filo_check_text(L, 2);
  int mode = filo_check_mode(L, 4);
  filo_task_check(L);
  luaL_argcheck(L, !box->reading && !box->saving, 1, "the reader has begun already");
  struct filo_error err;
  if (filo_reader_save(box->reader, path, lua_toboolean(L, 3), mode, &err) < 0)
    return filo_return_error(L, &err);
  box->saving = true;
  return saved_or_wait(L, box);
}

struct filo_reader *filo_take_reader(lua_State *L, int index) {
  struct reader_box *box = filo_handle_check(L, index, &type);
  struct filo_reader *reader = box->reader;
  luaL_argcheck(L, !box->reading && !box->saving, index, "the reader has begun already");
  box->reader = NULL;
  return reader;
}

static const luaL_Reg methods[] = {
    {"read", read_or_wait}, {"save", reader_save}, {"close", filo_handle_close}, {NULL, NULL}};

void filo_register_reader(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
