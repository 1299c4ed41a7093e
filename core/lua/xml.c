/* XML to tables: the module filo.core.xml. Loop thread only.
 *
 * expat calls back for what it finds. Lua may raise an error at each allocation, which must not go
 * through expat: the callbacks note what they are told in buffers of C, and the tables are made when
 * expat is done. A userdata has the buffers, so that the collector frees them after an error there.
 *
 * The text may be anybody's. There are no document types, so that no entity can be declared. */
#include <expat.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/modules.h"
#include "runtime/task.h"

enum { TEXT_MAX = 4 * 1024 * 1024, ELEMENTS_MAX = 1 << 16, DEPTH_MAX = 16 };

struct buffer {
  char *bytes;
  size_t used, size;
};

struct reader {
  XML_Parser parser;
  struct buffer events; /* struct event and its bytes, each after the other */
  struct buffer text;   /* of the open elements, the innermost last */
  size_t starts[DEPTH_MAX], depth, elements;
  int code;
  const char *problem; /* why it has been stopped */
};

/* An element begins, with its name, or ends, with its text. */
struct event {
  bool begins;
  size_t len;
};

static const char reader_class[] = "filo.xml.reader";

static bool append(struct buffer *buffer, const void *bytes, size_t len) {
  if (len > buffer->size - buffer->used) {
    size_t size = buffer->size < 1024 ? 1024 : buffer->size;
    while (size - buffer->used < len) size *= 2;
    char *grown = realloc(buffer->bytes, size);
    if (!grown) return false;
    buffer->bytes = grown;
    buffer->size = size;
  }
  if (len > 0) memcpy(buffer->bytes + buffer->used, bytes, len);
  buffer->used += len;
  return true;
}

static int free_reader(lua_State *L) {
  struct reader *reader = lua_touserdata(L, 1);
  if (reader->parser) XML_ParserFree(reader->parser);
  free(reader->events.bytes);
  free(reader->text.bytes);
  *reader = (struct reader){0};
  return 0;
}

/* --- What expat calls --- */

static void stop(struct reader *reader, int code, const char *problem) {
  if (reader->problem) return;
  reader->code = code;
  reader->problem = problem;
  XML_StopParser(reader->parser, XML_FALSE);
}

static void note(struct reader *reader, bool begins, const char *bytes, size_t len) {
  struct event event = {.begins = begins, .len = len};
  if (!append(&reader->events, &event, sizeof event) || !append(&reader->events, bytes, len))
    stop(reader, FILO_NO_MEMORY, "not enough memory");
}

static void on_begin(void *data, const char *name, const char **attributes) {
  struct reader *reader = data;
  (void)attributes;
  if (reader->problem) return; /* expat may go on for a little when it is stopped */
  if (reader->depth == DEPTH_MAX) return stop(reader, FILO_INVALID, "elements more than 16 deep");
  if (reader->elements++ == ELEMENTS_MAX)
    return stop(reader, FILO_INVALID, "more than 65536 elements");
  reader->starts[reader->depth++] = reader->text.used;
  const char *prefix = strrchr(name, ':');
  if (prefix) name = prefix + 1;
  note(reader, true, name, strlen(name));
}

static void on_text(void *data, const char *text, int len) {
  struct reader *reader = data;
  if (reader->problem) return;
  if (!append(&reader->text, text, (size_t)len)) stop(reader, FILO_NO_MEMORY, "not enough memory");
}

static void on_end(void *data, const char *name) {
  struct reader *reader = data;
  (void)name;
  if (reader->problem) return;
  size_t start = reader->starts[--reader->depth];
  note(reader, false, reader->text.bytes + start, reader->text.used - start);
  reader->text.used = start;
}

static void on_doctype(void *data, const char *name, const char *system, const char *public,
                       int has_subset) {
  (void)name;
  (void)system;
  (void)public;
  (void)has_subset;
  stop(data, FILO_INVALID, "a document type");
}

/* --- From events to tables --- */

static void push_tree(lua_State *L, const struct buffer *events) {
  luaL_checkstack(L, DEPTH_MAX + LUA_MINSTACK, "too many elements");
  for (size_t at = 0; at < events->used;) {
    struct event event;
    memcpy(&event, events->bytes + at, sizeof event);
    at += sizeof event;
    if (event.begins) lua_createtable(L, 0, 2);
    lua_pushlstring(L, events->bytes + at, event.len);
    lua_setfield(L, -2, event.begins ? "name" : "text");
    at += event.len;
    if (!event.begins && at < events->used) lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

static struct reader *new_reader(lua_State *L) {
  struct reader *reader = lua_newuserdatauv(L, sizeof *reader, 0);
  *reader = (struct reader){0};
  if (luaL_newmetatable(L, reader_class)) {
    lua_pushcfunction(L, free_reader);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return reader;
}

static int read_events(struct reader *reader, const char *text, size_t len,
                       struct filo_error *err) {
  reader->parser = XML_ParserCreate(NULL);
  if (!reader->parser) return filo_fail(err, FILO_NO_MEMORY, "not enough memory to read XML");
  XML_SetUserData(reader->parser, reader);
  XML_SetElementHandler(reader->parser, on_begin, on_end);
  XML_SetCharacterDataHandler(reader->parser, on_text);
  XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
  if (XML_Parse(reader->parser, text, (int)len, XML_TRUE) == XML_STATUS_OK) return 0;
  unsigned long line = XML_GetCurrentLineNumber(reader->parser);
  enum XML_Error error = XML_GetErrorCode(reader->parser);
  int code = error == XML_ERROR_NO_MEMORY ? FILO_NO_MEMORY : FILO_INVALID;
  if (reader->problem) code = reader->code;
  return filo_fail(err, code, "no valid XML: %s in line %lu",
                   reader->problem ? reader->problem : XML_ErrorString(error), line);
}

static int parse(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct filo_error err;
  if (len > TEXT_MAX) {
    filo_fail(&err, FILO_INVALID, "no valid XML: %zu bytes, more than 4 MiB", len);
    return filo_return_error(L, &err);
  }
  struct reader *reader = new_reader(L);
  int index = lua_gettop(L);
  int rc = read_events(reader, text, len, &err);
  if (rc < 0)
    filo_return_error(L, &err);
  else
    push_tree(L, &reader->events);
  lua_pushcfunction(L, free_reader); /* at once: the collector does not know how much that is */
  lua_pushvalue(L, index);
  lua_call(L, 1, 0);
  return rc < 0 ? 2 : 1;
}

static const luaL_Reg functions[] = {{"parse", parse}, {NULL, NULL}};

int filo_open_xml(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
