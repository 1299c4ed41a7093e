/* Errors of the C core: a negative code and a sentence.
 *
 * Every function that can fail returns 0 (or a count) on success and a negative filo code on
 * failure, and takes a `struct filo_error *` as its last argument, which may be NULL. The sentence
 * says what happened, to what (path, peer, key), and what to do about it. Nothing secret goes in.
 * Thread-safe: an error belongs to its caller.
 */
#ifndef FILO_ERROR_H
#define FILO_ERROR_H

enum filo_code {
  FILO_OK = 0,
  FILO_INVALID = -1,      /* an argument or input that makes no sense; not retryable */
  FILO_NOT_FOUND = -2,    /* no such object, file, peer */
  FILO_EXISTS = -3,       /* is there already, or a newer version is */
  FILO_CORRUPT = -4,      /* bytes that do not match their hash, record or signature */
  FILO_IO = -5,           /* the operating system failed; the sentence carries strerror */
  FILO_NO_SPACE = -6,     /* disk full or the reserve reached */
  FILO_DENIED = -7,       /* permission, identity or cluster secret refused */
  FILO_LOCKED = -8,       /* another process owns it */
  FILO_TIMEOUT = -9,      /* a deadline passed */
  FILO_CLOSED = -10,      /* the connection, store or node is closed */
  FILO_CANCELLED = -11,   /* the waiting task was cancelled */
  FILO_PROTOCOL = -12,    /* a peer broke the protocol */
  FILO_UNREACHABLE = -13, /* could not connect */
  FILO_BUSY = -14,        /* a bounded queue is full, or somebody waits already; retryable */
  FILO_TOO_LARGE = -15,   /* over a documented limit */
  FILO_NO_MEMORY = -16,
  FILO_UNSUPPORTED = -17, /* a format version or option that this build does not know */
};

struct filo_error {
  int code;
  char message[508];
};

/* Fills err (if not NULL) and returns code. */
int filo_fail(struct filo_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As filo_fail, with ": <strerror(sys_errno)>" appended; the code is chosen from sys_errno
 * (ENOENT: not_found, ENOSPC/EDQUOT: no_space, EACCES/EPERM/EROFS: denied, EEXIST: exists,
 * ENOMEM: no_memory, ETIMEDOUT: timeout, ECONNREFUSED and kin: unreachable, EFBIG: too_large, else
 * io). */
int filo_fail_errno(struct filo_error *err, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As filo_fail, with OpenSSL's own reason appended; leaves this thread's OpenSSL queue empty. */
int filo_fail_openssl(struct filo_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The stable lower-case name of a code, as scripts see it in err.code: "not_found", "io" ... */
const char *filo_code_name(int code);

/* The code of a name, or 0 when there is none. */
int filo_code_from_name(const char *name);

#endif
