/* Bytes from the operating system's generator, through OpenSSL. Any thread. */
#ifndef FILO_CRYPTO_RANDOM_H
#define FILO_CRYPTO_RANDOM_H

#include <stddef.h>

#include "error.h"

int filo_random(void *out, size_t len, struct filo_error *err);

#endif
