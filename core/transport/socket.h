/* What every connected TCP socket gets, and which of them take the last descriptors. */
#ifndef FILO_TRANSPORT_SOCKET_H
#define FILO_TRANSPORT_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "transport/address.h"

/* For a timer: none when they are over, or no number; infinite ones are some decades. */
struct timeval filo_delay(double seconds);

/* Who is at its other end: host:port; of a Unix socket, the process that made it. Empty when that cannot be told. */
void filo_socket_remote(int fd, char out[FILO_ADDRESS_MAX]);

/* No delay, keep-alive, and little unsent in the kernel: what was not sent yet is better kept where
 * a message can still overtake it. Best effort: not every kind of socket knows them. */
void filo_socket_tune(int fd);

/* Bytes that the other side's system has acknowledged so far, and whether others are on their way to
 * it. Of what is no TCP socket: 0 and false. */
uint64_t filo_socket_acknowledged(int fd, bool *more);

/* Whether fewer descriptors are free than are kept for the node's own work: files, and who asks it
 * at its socket. A third of the process's limit, 64 at most. */
bool filo_socket_is_scarce(void);

#endif
