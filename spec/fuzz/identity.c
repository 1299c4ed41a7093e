/* The identity file. Only the one form is taken, and its digits are all that can differ: written
 * anew, it is the same text. */
#include "crypto/identity.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/identity_file.h"
#include "fuzz.h"

static void check_text(const char *path, const uint8_t *bytes, size_t len) {
  unsigned char seed[FILO_SEED_SIZE];
  char digits[2 * FILO_SEED_SIZE + 1], text[200];
  MUST(filo_identity_file_read(path, seed, NULL) == 0);
  filo_hex(digits, seed, sizeof seed);
  snprintf(text, sizeof text, "filo identity v2\nseed %s\n", digits);
  MUST(strlen(text) == len && strncasecmp(text, (const char *)bytes, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  int fd = fuzz_file(bytes, len);
  char path[32];
  struct filo_identity *identity;
  struct filo_error err;
  MUST(fchmod(fd, 0600) == 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int code = filo_identity_load(path, &identity, &err);
  if (code == 0) {
    check_text(path, bytes, len);
    filo_identity_unref(identity);
  } else {
    MUST(code == FILO_CORRUPT && err.message[0]);
  }
  close(fd);
  return 0;
}
