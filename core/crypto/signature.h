/* Ed25519 (RFC 8032): key pairs, signatures. Any thread. */
#ifndef FILO_CRYPTO_SIGNATURE_H
#define FILO_CRYPTO_SIGNATURE_H

#include <openssl/types.h>
#include <stddef.h>

#include "error.h"

enum { FILO_ID_SIZE = 32, FILO_SIGNATURE_SIZE = 64 };

/* The key pair of 32 private bytes, to be freed with EVP_PKEY_free, and its public key. */
int filo_signing_key(const unsigned char private[32], EVP_PKEY **ret,
                     unsigned char id[FILO_ID_SIZE], struct filo_error *err);

int filo_sign(EVP_PKEY *key, const void *data, size_t len,
              unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err);

/* 0 when the signature is id's over data, FILO_CORRUPT when not. Needs no secret. */
int filo_verify(const unsigned char id[FILO_ID_SIZE], const void *data, size_t len,
                const unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err);

#endif
