#include "lua/guard.h"

#include <sys/prctl.h>

/* A sanitizer has to look into the process from outside. */
void filo_guard_keys(void) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  prctl(PR_SET_DUMPABLE, 0);
#endif
}
