/* Little-endian numbers, hexadecimal, and scope-bound clean-up: what every C folder needs. */
#ifndef FILO_BYTES_H
#define FILO_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static inline void filo_put_le32(unsigned char *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (8 * i));
}

static inline void filo_put_le64(unsigned char *p, uint64_t v) {
  for (int i = 0; i < 8; i++) p[i] = (unsigned char)(v >> (8 * i));
}

static inline uint32_t filo_get_le32(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t filo_get_le64(const unsigned char *p) {
  return (uint64_t)filo_get_le32(p) | (uint64_t)filo_get_le32(p + 4) << 32;
}

/* Writes 2 * len lower-case digits and a NUL. */
static inline void filo_hex(char *out, const unsigned char *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[2 * len] = 0;
}

static inline int filo_hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Reads exactly 2 * len digits from text; returns 0, or -1 when one is no digit. */
static inline int filo_unhex(unsigned char *out, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    int high = filo_hex_digit(text[2 * i]);
    int low = high < 0 ? -1 : filo_hex_digit(text[2 * i + 1]);
    if (low < 0) return -1;
    out[i] = (unsigned char)(high << 4 | low);
  }
  return 0;
}

static inline void filo_free_pointer(void *p) {
  free(*(void **)p);
}
static inline void filo_close_fd(const int *fd) {
  if (*fd >= 0) close(*fd);
}

/* Plain C only: a Lua error longjmps past these. */
#define FILO_CLEANUP(fn) __attribute__((cleanup(fn)))
#define FILO_AUTO_FREE FILO_CLEANUP(filo_free_pointer)
#define FILO_AUTO_CLOSE FILO_CLEANUP(filo_close_fd)

#endif
