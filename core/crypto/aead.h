/* AES-256-GCM (NIST SP 800-38D) for short secrets: metadata. Any thread. */
#ifndef FILO_CRYPTO_AEAD_H
#define FILO_CRYPTO_AEAD_H

#include <stddef.h>

#include "error.h"

enum { FILO_NONCE_SIZE = 12, FILO_TAG_SIZE = 16, FILO_AEAD_OVERHEAD = 28 };

/* out takes len + FILO_AEAD_OVERHEAD bytes: the nonce, the ciphertext, the tag. nonce NULL: a fresh
 * random one; the same one may seal only the same again under a key. `ad` is authenticated, not
 * stored. */
int filo_aead_seal(const unsigned char key[32], const unsigned char *nonce, const void *ad,
                   size_t ad_len, const void *in, size_t len, unsigned char *out,
                   struct filo_error *err);

/* The reverse; len counts the overhead, out takes len - FILO_AEAD_OVERHEAD bytes and is cleansed
 * when the tag does not match (FILO_CORRUPT). */
int filo_aead_open(const unsigned char key[32], const void *ad, size_t ad_len,
                   const unsigned char *in, size_t len, unsigned char *out, struct filo_error *err);

#endif
