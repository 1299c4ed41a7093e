/* A capability: only one line stands for what it says, spaces around it aside. */
#include "crypto/capability.h"

#include <ctype.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct filo_capability capability;
  char again[FILO_CAPABILITY_MAX];
  struct filo_error err;
  int code = filo_capability_read((const char *)bytes, len, &capability, &err);
  if (code < 0) {
    MUST(err.message[0]);
    MUST(code == FILO_CORRUPT || code == FILO_INVALID || code == FILO_UNSUPPORTED);
    return 0;
  }
  MUST(filo_capability_write(&capability, again, &err) == 0);
  for (; isspace(*bytes); len--) bytes++;
  while (isspace(bytes[len - 1])) len--;
  MUST(strlen(again) == len && memcmp(again, bytes, len) == 0);
  return 0;
}
