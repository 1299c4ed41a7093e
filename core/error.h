/* Errors of the C core: a negative code and a sentence.
 *
 * Every function that can fail returns 0 (or a count) on success and a negative filo code on
 * failure, and takes a `struct filo_error *` as its last argument, which may be NULL. The sentence
 * says what happened, to what (path, peer, key), and what to do about it. Nothing secret goes in.
 * Thread-safe: an error belongs to its caller.
 */
#ifndef FILO_ERROR_H
#define FILO_ERROR_H

#include <stdbool.h>

/* Every code: its name in C, its number (without the sign: as a reset frame tells it, so a number
 * stays what it is), its name in scripts, whether the same call may succeed in a while, and what it
 * means. The one list of them. */
#define FILO_CODES(X)                                                                              \
  X(INVALID, 1, "invalid", false, "an argument or input that makes no sense")                      \
  X(NOT_FOUND, 2, "not_found", false, "there is no such object, file or peer")                     \
  X(EXISTS, 3, "exists", false, "it is there already, or a newer version is")                      \
  X(CORRUPT, 4, "corrupt", false, "bytes that do not match their hash, record or signature")       \
  X(IO, 5, "io", false, "the operating system failed; the message says how")                       \
  X(NO_SPACE, 6, "no_space", true, "the disk is full, or the reserve or a quota is reached")       \
  X(DENIED, 7, "denied", false, "a permission, identity or cluster secret was refused")            \
  X(LOCKED, 8, "locked", false, "another process owns it")                                         \
  X(TIMEOUT, 9, "timeout", true, "a deadline has passed")                                          \
  X(CLOSED, 10, "closed", true, "the connection, store or node is closed")                         \
  X(CANCELLED, 11, "cancelled", false, "the task that waited was cancelled")                       \
  X(PROTOCOL, 12, "protocol", false, "a peer broke the protocol")                                  \
  X(UNREACHABLE, 13, "unreachable", true,                                                          \
    "a peer could not be reached, or its connection was cut")                                      \
  X(BUSY, 14, "busy", true, "so much is under way that no more is taken now")                      \
  X(TOO_LARGE, 15, "too_large", false, "over a documented limit")                                  \
  X(NO_MEMORY, 16, "no_memory", false, "the system gave no memory")                                \
  X(UNSUPPORTED, 17, "unsupported", false,                                                         \
    "a format, version or option that this Filo does not know")                                    \
  X(NOT_ENOUGH_COPIES, 18, "not_enough_copies", true,                                              \
    "stored here, but not at as many peers as the policy asks for")

enum filo_code {
  FILO_OK = 0,
#define X(code, number, name, retryable, meaning) FILO_##code = -(number),
  FILO_CODES(X)
#undef X
};

struct filo_code_entry {
  const char *name, *meaning;
  int code;
  bool retryable;
};

/* All of them; ends with a NULL name. */
extern const struct filo_code_entry filo_codes[];

struct filo_error {
  int code;
  char message[508];
};

/* Fills err (if not NULL) and returns code. */
int filo_fail(struct filo_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As filo_fail, with ": <strerror(sys_errno)>" appended; the code is chosen from sys_errno
 * (ENOENT: not_found, ENOSPC/EDQUOT: no_space, EACCES/EPERM/EROFS: denied, EEXIST: exists,
 * ENOMEM: no_memory, ETIMEDOUT: timeout, ECONNREFUSED and kin: unreachable, EFBIG: too_large,
 * EMFILE: busy, else io). */
int filo_fail_errno(struct filo_error *err, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As filo_fail, with OpenSSL's own reason appended; leaves this thread's OpenSSL queue empty. */
int filo_fail_openssl(struct filo_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The name of a code, as scripts see it in err.code: "not_found", "io" ... */
const char *filo_code_name(int code);

/* The code of a name, or 0 when there is none. */
int filo_code_from_name(const char *name);

/* Whether the same call may succeed in a while. */
bool filo_code_retryable(int code);

#endif
