#include "crypto/identity_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/random.h"

static const char line_1[] = "filo identity v1\n", line_2[] = "key ", line_3[] = "\nsecret ";

enum {
  KEY_AT = sizeof line_1 - 1 + sizeof line_2 - 1,
  SECRET_AT = KEY_AT + 64 + sizeof line_3 - 1,
  TEXT_SIZE = SECRET_AT + 64 + 1,
};

static int flush_folder(const char *path, struct filo_error *err) {
  const char *slash = strrchr(path, '/');
  FILO_AUTO_FREE char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  if (!folder) return filo_fail(err, FILO_NO_MEMORY, "no memory to save %s", path);
  FILO_AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot flush the folder of %s", path);
  }
  return 0;
}

/* Some file systems know no RENAME_NOREPLACE; a hard link does not replace either. */
static int rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (link(from, to) < 0) return -1;
  unlink(from);
  return 0;
}

static int write_flushed(const char *path, const char *text, struct filo_error *err) {
  FILO_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot create %s", path);
  }
  errno = EIO; /* for a short write, which sets none */
  if (fchmod(fd, 0600) == 0 && write(fd, text, TEXT_SIZE) == TEXT_SIZE && fsync(fd) == 0) return 0;
  int error = errno;
  unlink(path);
  return filo_fail_errno(err, error, "cannot write %s", path);
}

static int write_new(const char *path, const char *text, struct filo_error *err) {
  unsigned char tag[8];
  char hex[2 * sizeof tag + 1], *temporary;
  int rc = filo_random(tag, sizeof tag, err);
  if (rc < 0) return rc;
  filo_hex(hex, tag, sizeof tag);
  if (asprintf(&temporary, "%s.%s", path, hex) < 0)
    return filo_fail(err, FILO_NO_MEMORY, "no memory to save %s", path);
  rc = write_flushed(temporary, text, err);
  if (rc == 0 && rename_new(temporary, path) < 0) {
    int error = errno;
    unlink(temporary);
    rc = error == EEXIST ? filo_fail(err, FILO_EXISTS, "%s is there already", path)
                         : filo_fail_errno(err, error, "cannot create %s", path);
  }
  free(temporary);
  return rc < 0 ? rc : flush_folder(path, err);
}

int filo_identity_file_write(const char *path, const unsigned char secrets[FILO_IDENTITY_SECRETS],
                             struct filo_error *err) {
  char key[65], secret[65], text[TEXT_SIZE + 1];
  filo_hex(key, secrets, 32);
  filo_hex(secret, secrets + 32, 32);
  snprintf(text, sizeof text, "%s%s%s%s%s\n", line_1, line_2, key, line_3, secret);
  int rc = write_new(path, text, err);
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
