#include "thread.h"

static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

void filo_thread_signals(sigset_t *ret) {
  sigfillset(ret);
  for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) sigdelset(ret, FAULTS[i]);
}

int filo_thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg) {
  sigset_t blocked, before;
  filo_thread_signals(&blocked);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  int error = pthread_create(ret, NULL, run, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}
