/* AES-256-CTR (NIST SP 800-38A) as a stream that can start at any byte offset.
 * Encryption and decryption are the same operation. A stream belongs to one thread at a time. */
#ifndef FILO_CRYPTO_CTR_H
#define FILO_CRYPTO_CTR_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { FILO_KEY_SIZE = 32, FILO_IV_SIZE = 16 };

struct filo_ctr;

/* iv is the initial counter block, a 128-bit big-endian number that wraps around. */
int filo_ctr_new(const unsigned char key[FILO_KEY_SIZE], const unsigned char iv[FILO_IV_SIZE],
                 struct filo_ctr **ret, struct filo_error *err);

/* The next filo_ctr_crypt works on byte `offset` of the stream. */
int filo_ctr_seek(struct filo_ctr *ctr, uint64_t offset, struct filo_error *err);

/* in and out may be the same; any length (EVP's int is handled within). */
int filo_ctr_crypt(struct filo_ctr *ctr, const unsigned char *in, unsigned char *out, size_t len,
                   struct filo_error *err);

/* Cleanses the key schedule. NULL is allowed. */
void filo_ctr_free(struct filo_ctr *ctr);

#endif
