/* Eight bytes at a time ("slicing by 8"). The lowest bit is the first, so that a check of 32 bits is one of 64
 * whose upper half is always 0. */
#include "crypto/crc.h"

#include <pthread.h>

#include "bytes.h"

enum { SLICES = 8 };

static const struct {
  uint64_t polynomial; /* its bits in reverse */
  uint64_t ones;       /* all bits of a value, which are turned before and after */
} kinds[] = {
    [FILO_CRC32] = {0xEDB88320, UINT32_MAX},
    [FILO_CRC32C] = {0x82F63B78, UINT32_MAX},
    [FILO_CRC64NVME] = {0x9A6C9329AC4BC9B5, UINT64_MAX},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* What becomes of a byte that so many others follow, by their number. */
static struct {
  pthread_once_t once;
  uint64_t of[KINDS][SLICES][256];
} tables = {.once = PTHREAD_ONCE_INIT};

static uint64_t shift_byte(uint64_t polynomial, uint64_t value) {
  for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ polynomial : value >> 1;
  return value;
}

static void fill(uint64_t polynomial, uint64_t table[SLICES][256]) {
  for (unsigned byte = 0; byte < 256; byte++) table[0][byte] = shift_byte(polynomial, byte);
  for (int slice = 1; slice < SLICES; slice++)
    for (unsigned byte = 0; byte < 256; byte++) {
      uint64_t before = table[slice - 1][byte];
      table[slice][byte] = table[0][before & 255] ^ before >> 8;
    }
}

static void fill_all(void) {
  for (int kind = 0; kind < KINDS; kind++) fill(kinds[kind].polynomial, tables.of[kind]);
}

/* Written out: compilers do not, and a loop takes twice as long. */
static inline uint64_t eight(const uint64_t t[SLICES][256], uint64_t v) {
  return t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^ t[4][v >> 24 & 255] ^
         t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^ t[1][v >> 48 & 255] ^ t[0][v >> 56];
}

uint64_t filo_crc(enum filo_crc_kind kind, uint64_t value, const void *bytes, size_t len) {
  pthread_once(&tables.once, fill_all);
  const uint64_t(*table)[256] = (const uint64_t(*)[256])tables.of[kind];
  const unsigned char *at = bytes;
  value ^= kinds[kind].ones;
  for (; len >= SLICES; at += SLICES, len -= SLICES)
    value = eight(table, value ^ filo_get_le64(at));
  for (; len > 0; at++, len--) value = table[0][(value ^ *at) & 255] ^ value >> 8;
  return value ^ kinds[kind].ones;
}

size_t filo_crc_size(enum filo_crc_kind kind) {
  return kinds[kind].ones == UINT32_MAX ? 4 : 8;
}

void filo_crc_put(enum filo_crc_kind kind, uint64_t value, unsigned char *out) {
  size_t size = filo_crc_size(kind);
  for (size_t i = 0; i < size; i++) out[i] = (unsigned char)(value >> 8 * (size - 1 - i));
}
