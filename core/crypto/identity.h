/* A node's identity: an Ed25519 key pair (RFC 8032) and a 32-byte namespace secret.
 *
 * The public key is the node ID and names the namespace; the private key signs records and proves
 * the ID in TLS; the secret is the root (HKDF) of the keys that seal metadata and hide names.
 * An identity is immutable once made and may be used on any thread; the last filo_identity_unref
 * cleanses it. Secrets are never printed.
 *
 * On disk (mode 0600) it is three lines of text:
 *     filo identity v1
 *     key <64 hex digits: the Ed25519 private key>
 *     secret <64 hex digits: the namespace secret>
 */
#ifndef FILO_CRYPTO_IDENTITY_H
#define FILO_CRYPTO_IDENTITY_H

#include <openssl/types.h>
#include <stddef.h>

#include "error.h"

enum { FILO_ID_SIZE = 32, FILO_SIGNATURE_SIZE = 64 };

struct filo_identity;

int filo_identity_generate(struct filo_identity **ret, struct filo_error *err);

/* From the two secrets, 32 bytes each: for test vectors and recovery. */
int filo_identity_from_secrets(const unsigned char key[32], const unsigned char secret[32],
                               struct filo_identity **ret, struct filo_error *err);

/* Writes a new file, mode 0600 whatever the umask, as filo_private_file_write does: FILO_EXISTS when path is there already. */
int filo_identity_save(const struct filo_identity *identity, const char *path,
                       struct filo_error *err);

/* FILO_NOT_FOUND when there is no file; FILO_DENIED when it cannot be read, or when group or others
 * may read it (the sentence says `chmod 600 path`); FILO_CORRUPT when it is no identity. */
int filo_identity_load(const char *path, struct filo_identity **ret, struct filo_error *err);

struct filo_identity *filo_identity_ref(struct filo_identity *identity);
void filo_identity_unref(struct filo_identity *identity);

/* The node ID; valid as long as the identity. */
const unsigned char *filo_identity_id(const struct filo_identity *identity);

/* Borrowed: for TLS. */
EVP_PKEY *filo_identity_key(const struct filo_identity *identity);

int filo_identity_sign(const struct filo_identity *identity, const void *data, size_t len,
                       unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err);

/* HKDF-SHA-256 of the namespace secret with `label` as info; out_len 1 to 64. */
int filo_identity_derive(const struct filo_identity *identity, const char *label,
                         unsigned char *out, size_t out_len, struct filo_error *err);

/* 0 when the signature is id's over data, FILO_CORRUPT when not. Needs no secret. */
int filo_verify(const unsigned char id[FILO_ID_SIZE], const void *data, size_t len,
                const unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err);

#endif
