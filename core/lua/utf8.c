#include "lua/utf8.h"

#include <stdint.h>
#include <string.h>

static size_t skip_ascii(const unsigned char *text, size_t len) {
  size_t i = 0;
  for (uint64_t eight; len - i >= sizeof eight; i += sizeof eight) {
    memcpy(&eight, text + i, sizeof eight);
    if (eight & 0x8080808080808080) break;
  }
  while (i < len && text[i] < 0x80) i++;
  return i;
}

/* The first byte decides how many follow and which values the second may take. */
static size_t sequence(const unsigned char *text, size_t len) {
  unsigned char first = text[0], low = 0x80, high = 0xbf;
  size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || len < size) return 0;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (text[1] < low || text[1] > high) return 0;
  for (size_t i = 2; i < size; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  return size;
}

bool filo_utf8_valid(const unsigned char *text, size_t len) {
  for (size_t i = skip_ascii(text, len); i < len; i += skip_ascii(text + i, len - i)) {
    size_t size = sequence(text + i, len - i);
    if (size == 0) return false;
    i += size;
  }
  return true;
}
