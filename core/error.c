#include "error.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct filo_code_entry filo_codes[] = {
#define X(code, number, name, retryable, meaning) {name, meaning, FILO_##code, retryable},
    FILO_CODES(X)
#undef X
        {NULL, NULL, 0, false}};

const char *filo_code_name(int code) {
  for (const struct filo_code_entry *entry = filo_codes; entry->name; entry++)
    if (entry->code == code) return entry->name;
  return "unknown";
}

int filo_code_from_name(const char *name) {
  for (const struct filo_code_entry *entry = filo_codes; entry->name; entry++)
    if (strcmp(entry->name, name) == 0) return entry->code;
  return 0;
}

bool filo_code_retryable(int code) {
  for (const struct filo_code_entry *entry = filo_codes; entry->name; entry++)
    if (entry->code == code) return entry->retryable;
  return false;
}

static void append(struct filo_error *err, const char *text) {
  size_t used = strlen(err->message);
  snprintf(err->message + used, sizeof err->message - used, ": %s", text);
}

int filo_fail(struct filo_error *err, int code, const char *fmt, ...) {
  if (!err) return code;
  va_list args;
  va_start(args, fmt);
  vsnprintf(err->message, sizeof err->message, fmt, args);
  va_end(args);
  err->code = code;
  return code;
}

static int code_of_errno(int sys_errno) {
  switch (sys_errno) {
  case ENOENT:
  case ENOTDIR:
    return FILO_NOT_FOUND;
  case EEXIST:
    return FILO_EXISTS;
  case ENOSPC:
  case EDQUOT:
    return FILO_NO_SPACE;
  case EACCES:
  case EPERM:
  case EROFS:
    return FILO_DENIED;
  case ENOMEM:
    return FILO_NO_MEMORY;
  case ETIMEDOUT:
    return FILO_TIMEOUT;
  case ECONNREFUSED:
  case EHOSTUNREACH:
  case ENETUNREACH:
  case ECONNRESET:
  case EADDRNOTAVAIL:
    return FILO_UNREACHABLE;
  case ENAMETOOLONG:
  case EFBIG:
    return FILO_TOO_LARGE;
  case EMFILE:
  case ENFILE:
    return FILO_BUSY;
  default:
    return FILO_IO;
  }
}

/* strerror says little about limits that an administrator has set. */
static void append_reason(struct filo_error *err, int sys_errno) {
  char reason[128];
  if (sys_errno == EFBIG)
    append(err, "larger than the limit of the process (ulimit -f) or of the file system");
  else if (sys_errno == EMFILE)
    append(err, "too many files and connections are open: raise the limit (ulimit -n)");
  else
    append(err, strerror_r(sys_errno, reason, sizeof reason));
}

int filo_fail_errno(struct filo_error *err, int sys_errno, const char *fmt, ...) {
  int code = code_of_errno(sys_errno);
  if (!err) return code;
  va_list args;
  va_start(args, fmt);
  vsnprintf(err->message, sizeof err->message, fmt, args);
  va_end(args);
  err->code = code;
  append_reason(err, sys_errno);
  return code;
}

int filo_fail_openssl(struct filo_error *err, int code, const char *fmt, ...) {
  unsigned long reason = ERR_peek_last_error();
  if (err) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    err->code = code;
    const char *text = reason ? ERR_reason_error_string(reason) : NULL;
    if (text) append(err, text);
  }
  ERR_clear_error();
  return code;
}
