#include "crypto/identity_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/private_file.h"

static const char line_1[] = "filo identity v1\n", line_2[] = "key ", line_3[] = "\nsecret ";

enum {
  KEY_AT = sizeof line_1 - 1 + sizeof line_2 - 1,
  SECRET_AT = KEY_AT + 64 + sizeof line_3 - 1,
  TEXT_SIZE = SECRET_AT + 64 + 1,
};

int filo_identity_file_write(const char *path, const unsigned char secrets[FILO_IDENTITY_SECRETS],
                             struct filo_error *err) {
  char key[65], secret[65], text[TEXT_SIZE + 1];
  filo_hex(key, secrets, 32);
  filo_hex(secret, secrets + 32, 32);
  snprintf(text, sizeof text, "%s%s%s%s%s\n", line_1, line_2, key, line_3, secret);
  int rc = filo_private_file_write(path, text, TEXT_SIZE, err);
  OPENSSL_cleanse(key, sizeof key);
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(text, sizeof text);
  return rc;
}

static int parse(const char *path, const char *text, size_t len,
                 unsigned char secrets[FILO_IDENTITY_SECRETS], struct filo_error *err) {
  if (len == TEXT_SIZE && memcmp(text, line_1, sizeof line_1 - 1) == 0 &&
      memcmp(text + sizeof line_1 - 1, line_2, sizeof line_2 - 1) == 0 &&
      memcmp(text + KEY_AT + 64, line_3, sizeof line_3 - 1) == 0 && text[TEXT_SIZE - 1] == '\n' &&
      filo_unhex(secrets, text + KEY_AT, 32) == 0 &&
      filo_unhex(secrets + 32, text + SECRET_AT, 32) == 0)
    return 0;
  return filo_fail(err, FILO_CORRUPT, "%s is no identity: restore it from a copy", path);
}

static int check_mode(int fd, const char *path, struct filo_error *err) {
  struct stat st;
  if (fstat(fd, &st) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s", path);
  }
  if (!S_ISREG(st.st_mode))
    return filo_fail(err, FILO_CORRUPT,
                     "the identity %s is no regular file: restore it from a copy", path);
  if (st.st_mode & (S_IRWXG | S_IRWXO))
    return filo_fail(err, FILO_DENIED, "others may read the identity %s: run chmod 600 %s", path,
                     path);
  return 0;
}

int filo_identity_file_read(const char *path, unsigned char secrets[FILO_IDENTITY_SECRETS],
                            struct filo_error *err) {
  /* O_NONBLOCK: a FIFO in its place must not hang the start. */
  FILO_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s", path);
  }
  int rc = check_mode(fd, path, err);
  if (rc < 0) return rc;
  char text[TEXT_SIZE + 1];
  ssize_t len = read(fd, text, sizeof text);
  int error = errno;
  rc = len < 0 ? filo_fail_errno(err, error, "cannot read %s", path)
               : parse(path, text, (size_t)len, secrets, err);
  OPENSSL_cleanse(text, sizeof text);
  return rc;
}
