/* The identity's file: reading and writing its two lines. Private to crypto/identity.c. */
#ifndef FILO_CRYPTO_IDENTITY_FILE_H
#define FILO_CRYPTO_IDENTITY_FILE_H

#include "error.h"

enum { FILO_SEED_SIZE = 32 };

int filo_identity_file_write(const char *path, const unsigned char seed[FILO_SEED_SIZE],
                             struct filo_error *err);
int filo_identity_file_read(const char *path, unsigned char seed[FILO_SEED_SIZE],
                            struct filo_error *err);

#endif
