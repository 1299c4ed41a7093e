/* Tells the service manager how the process is: the protocol of systemd's sd_notify(3), a datagram
 * to the socket that the environment names. */
#ifndef FILO_RUNTIME_NOTIFY_H
#define FILO_RUNTIME_NOTIFY_H

#include "error.h"

/* state: lines such as "READY=1". Gives 1, or 0 when no service manager asked to be told. */
int filo_notify(const char *state, struct filo_error *err);

#endif
