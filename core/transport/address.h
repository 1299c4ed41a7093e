/* "host:port" texts: "127.0.0.1:3000", "[::1]:3000", "storage.example:3000", ":3000" (every
 * address, listening only). Pure; any thread. */
#ifndef FILO_TRANSPORT_ADDRESS_H
#define FILO_TRANSPORT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "error.h"

enum { FILO_HOST_MAX = 256, FILO_ADDRESS_MAX = 264 };

struct filo_address {
  char host[FILO_HOST_MAX]; /* without brackets; empty: every address */
  uint16_t port;            /* 0: chosen by the kernel, listening only */
};

/* FILO_INVALID says what is wrong and shows the right form. */
int filo_address_parse(const char *text, struct filo_address *ret, struct filo_error *err);

/* Numeric "host:port" of a socket address, IPv6 in brackets. */
void filo_address_format(const struct sockaddr *sa, char out[FILO_ADDRESS_MAX]);

#endif
