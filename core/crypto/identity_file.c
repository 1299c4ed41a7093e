#include "crypto/identity_file.h"

#include <openssl/crypto.h>
#include <string.h>

#include "bytes.h"
#include "crypto/private_file.h"

static const char head[] = "filo identity v2\nseed ";

enum { SEED_AT = sizeof head - 1, TEXT_SIZE = SEED_AT + 2 * FILO_SEED_SIZE + 1 };

int filo_identity_file_write(const char *path, const unsigned char seed[FILO_SEED_SIZE],
                             struct filo_error *err) {
  char text[TEXT_SIZE + 1];
  memcpy(text, head, SEED_AT);
  filo_hex(text + SEED_AT, seed, FILO_SEED_SIZE);
  text[TEXT_SIZE - 1] = '\n';
  int rc = filo_private_file_write(path, text, TEXT_SIZE, err);
  OPENSSL_cleanse(text, sizeof text);
  return rc;
}

static int parse(const char *path, const char *text, size_t len, unsigned char seed[FILO_SEED_SIZE],
                 struct filo_error *err) {
  if (len == TEXT_SIZE && memcmp(text, head, SEED_AT) == 0 && text[TEXT_SIZE - 1] == '\n' &&
      filo_unhex(seed, text + SEED_AT, FILO_SEED_SIZE) == 0)
    return 0;
  return filo_fail(err, FILO_CORRUPT, "%s is no identity: restore it from a copy", path);
}

int filo_identity_file_read(const char *path, unsigned char seed[FILO_SEED_SIZE],
                            struct filo_error *err) {
  char text[TEXT_SIZE + 1];
  size_t len;
  int rc = filo_private_file_read(path, "identity", "filo identity ", text, TEXT_SIZE, &len, err);
  if (rc == 0) rc = parse(path, text, len, seed, err);
  OPENSSL_cleanse(text, sizeof text);
  return rc;
}
