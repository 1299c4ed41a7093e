/* The identity's file: reading and writing its three lines. Private to crypto/identity.c. */
#ifndef FILO_CRYPTO_IDENTITY_FILE_H
#define FILO_CRYPTO_IDENTITY_FILE_H

#include "error.h"

enum { FILO_IDENTITY_SECRETS = 64 };

int filo_identity_file_write(const char *path, const unsigned char secrets[FILO_IDENTITY_SECRETS],
                             struct filo_error *err);
int filo_identity_file_read(const char *path, unsigned char secrets[FILO_IDENTITY_SECRETS],
                            struct filo_error *err);

#endif
