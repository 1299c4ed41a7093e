/* Programs in processes of their own.
 *
 * One is started without a shell, with pipes as its standard input, output and error, and has no
 * other descriptor of this process. (Sockets would do as well, but a program cannot open one again
 * by name, as /dev/stdin.) No signal is blocked in it, and none ignored that this process was not
 * started with ignoring, either. It stays in the process group: what a terminal sends (Ctrl-C, Ctrl-Z) reaches it,
 * and it may ask for a password there.
 *
 * It is known by a descriptor, which says when it has ended and through which it gets signals, so
 * that no signal of the process (SIGCHLD) is needed, and none goes to another that has its number.
 */
#ifndef FILO_RUNTIME_PROGRAM_H
#define FILO_RUNTIME_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* Texts, each with a NUL at its end. */
struct filo_texts {
  const char *bytes;
  size_t length;
};

struct filo_program_plan {
  struct filo_texts
      arguments; /* the first is the program, looked for in PATH when it has no slash */
  struct filo_texts variables; /* "NAME=value": beside those of this process; "NAME": without it */
  const char *folder;          /* where it is started; NULL: here */
};

struct filo_program {
  pid_t pid;
  int pidfd;
  int streams[3]; /* the other ends of its descriptors 0, 1 and 2; these do not block */
};

/* Any thread; it is the caller's to reap. FILO_NOT_FOUND: there is no such program, or folder. */
int filo_program_start(const struct filo_program_plan *plan, struct filo_program *ret,
                       struct filo_error *err);

/* By name, without SIG; 0: there is none of that name. */
int filo_signal_number(const char *name);

/* 0, or an errno: ESRCH when it has ended. */
int filo_program_signal(const struct filo_program *program, int signum);

/* True when it has ended: it is reaped, and `status` is as waitpid gives it. `sys_errno` is not 0
 * when somebody else has reaped it. */
bool filo_program_reap(const struct filo_program *program, int *status, int *sys_errno);

/* Its descriptors; of the streams, those that are not -1. It goes on, and is to be reaped. */
void filo_program_close(struct filo_program *program);

#endif
