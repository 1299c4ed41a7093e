#include "thread.h"

#include <signal.h>

static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

int filo_thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg) {
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) sigdelset(&blocked, FAULTS[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  int error = pthread_create(ret, NULL, run, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}
