/* Unix sockets, for other processes on this machine, and what only they can do: pass an open file.
 * Loop thread; nothing here waits. */
#ifndef FILO_TRANSPORT_LOCAL_H
#define FILO_TRANSPORT_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"

/* A listening socket at path, mode 0600, non-blocking. What a process that is gone left there is
 * replaced. FILO_EXISTS: somebody listens there, or it is another kind of file. */
int filo_local_listen(const char *path, int *ret_fd, struct filo_error *err);

/* Removes path if it is still the socket that fd listens at. */
void filo_local_remove(const char *path, dev_t device, ino_t inode);

/* A connected socket, non-blocking. FILO_NOT_FOUND: no such path. FILO_UNREACHABLE: nobody listens
 * there. */
int filo_local_dial(const char *path, int *ret_fd, struct filo_error *err);

/* Sends one zero byte with a duplicate of the descriptor `passed`. 0, or an errno: EAGAIN while the
 * other side does not read. */
int filo_local_pass(int fd, int passed);

enum { FILO_PASSED_MAX = 4 };

/* Descriptors that came and were not taken yet, in order; they are close-on-exec. */
struct filo_passed {
  int fds[FILO_PASSED_MAX];
  unsigned count;
  bool lost; /* one came after these when this process could open no more */
};

/* As recv, of any stream socket; adds what came along. EPROTO when that is too much. */
ssize_t filo_local_receive(int fd, void *space, size_t len, struct filo_passed *passed);

/* The first one, which is the caller's; -1 when there is none. */
int filo_passed_take(struct filo_passed *passed);
void filo_passed_close(struct filo_passed *passed);

#endif
