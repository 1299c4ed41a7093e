/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef FILO_LUA_UTF8_H
#define FILO_LUA_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool filo_utf8_valid(const unsigned char *text, size_t len);

#endif
