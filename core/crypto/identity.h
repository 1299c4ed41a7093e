/* A node's identity: 32 random bytes, its seed, from which all its own keys come (HKDF-SHA-256).
 *
 *     seed
 *      |- node key         info "filo node key v2": an Ed25519 private key (RFC 8032), which proves the
 *      |                   node, in TLS too; its public key is the node ID
 *      `- namespace seed   info "filo namespace v2": of the namespace that it uses unless told of
 *                          another (crypto/namespace.h)
 *
 * The two keys are apart so that another machine can be given the namespace without being able to
 * pass for this one. An identity is immutable once made and may be used on any thread; the last
 * filo_identity_unref cleanses it. Secrets are never printed.
 *
 * On disk (mode 0600) it is two lines of text:
 *     filo identity v2
 *     seed <64 hex digits>
 */
#ifndef FILO_CRYPTO_IDENTITY_H
#define FILO_CRYPTO_IDENTITY_H

#include "crypto/identity_file.h"
#include "crypto/signature.h"

struct filo_identity;

int filo_identity_generate(struct filo_identity **ret, struct filo_error *err);

int filo_identity_from_seed(const unsigned char seed[FILO_SEED_SIZE], struct filo_identity **ret,
                            struct filo_error *err);

/* Writes a new file, mode 0600 whatever the umask, as filo_private_file_write does: FILO_EXISTS when
 * path is there already. */
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

/* The seed itself, for who writes it down. The caller cleanses it. */
void filo_identity_seed(const struct filo_identity *identity, unsigned char out[FILO_SEED_SIZE]);

/* HKDF-SHA-256 of the seed with `label` as info. The caller cleanses it. */
int filo_identity_derive(const struct filo_identity *identity, const char *label,
                         unsigned char out[FILO_SEED_SIZE], struct filo_error *err);

#endif
