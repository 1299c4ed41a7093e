/* Arguments of bindings: each raises an argument error for what will not do. */
#ifndef FILO_LUA_ARGUMENTS_H
#define FILO_LUA_ARGUMENTS_H

#include <lauxlib.h>
#include <stdint.h>

/* A string without NUL: a file or an address, which C would cut short there. */
const char *filo_check_text(lua_State *L, int index);

/* The path of a file: the same, not empty. */
const char *filo_check_file(lua_State *L, int index);

/* 32 raw bytes. */
const unsigned char *filo_check_hash(lua_State *L, int index, const char *what);

/* A path that stays within a store. */
const char *filo_check_path(lua_State *L, int index);

/* A number of bytes or chunks, or an offset: 0 or more. */
uint64_t filo_check_count(lua_State *L, int index, lua_Integer otherwise);

/* Permission bits of a file, or -1 for nil. */
int filo_check_mode(lua_State *L, int index);

#endif
