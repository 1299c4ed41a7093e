/* Threads beside the loop's. */
#ifndef FILO_THREAD_H
#define FILO_THREAD_H

#include <pthread.h>
#include <signal.h>

/* All signals but those that a fault raises: where these are blocked, the kernel ends the process before a sanitizer, or
 * what reads a crash, can tell of it. */
void filo_thread_signals(sigset_t *ret);

/* Starts a thread as pthread_create does, with these signals blocked: they belong to the loop thread. 0, or an errno. */
int filo_thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);

#endif
