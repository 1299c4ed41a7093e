/* Threads beside the loop's. */
#ifndef FILO_THREAD_H
#define FILO_THREAD_H

#include <pthread.h>

/* Starts a thread as pthread_create does, with signals blocked: they belong to the loop thread. Those that a fault
 * raises are not blocked: the kernel would end the process before a sanitizer, or what reads a crash, could tell of it.
 * 0, or an errno. */
int filo_thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg);

#endif
