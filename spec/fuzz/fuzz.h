/* What the fuzzers share. Each file NAME.c beside this gives its parser any bytes, and checks more
 * than that it survives: `make fuzz` runs them all, with the seeds of seeds.lua. */
#ifndef FILO_FUZZ_H
#define FILO_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What libFuzzer calls, and what may be called before. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What must hold: unlike an assertion it is always checked, and says what was broken. */
#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);               \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* A file of these bytes, in memory only. The caller closes it. */
static inline int fuzz_file(const uint8_t *bytes, size_t len) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  MUST(fd >= 0);
  MUST(write(fd, bytes, len) == (ssize_t)len);
  return fd;
}

#endif
