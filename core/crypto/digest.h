/* MD5, SHA-1, SHA-256, HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), over OpenSSL; BLAKE3.
 * Every function may be called on any thread; a hasher belongs to one thread at a time. */
#ifndef FILO_CRYPTO_DIGEST_H
#define FILO_CRYPTO_DIGEST_H

#include <stddef.h>

#include "error.h"

enum filo_digest { FILO_MD5, FILO_SHA1, FILO_SHA256, FILO_BLAKE3 };

enum { FILO_HASH_SIZE = 32, FILO_DIGEST_MAX = 32 };

/* "md5", "sha1", "sha256", "blake3" to its enum filo_digest; -1 for any other name. */
int filo_digest_from_name(const char *name);

/* Bytes of a digest: 16, 20, 32 or 32. */
size_t filo_digest_size(enum filo_digest kind);

/* One shot; out takes filo_digest_size(kind) bytes. */
int filo_digest(enum filo_digest kind, const void *data, size_t len, unsigned char *out,
                struct filo_error *err);

/* Incremental hashing; a finished hasher starts anew with filo_hasher_reset. */
struct filo_hasher;
int filo_hasher_new(enum filo_digest kind, struct filo_hasher **ret, struct filo_error *err);
int filo_hasher_reset(struct filo_hasher *hasher, struct filo_error *err);
int filo_hasher_update(struct filo_hasher *hasher, const void *data, size_t len,
                       struct filo_error *err);
int filo_hasher_finish(struct filo_hasher *hasher, unsigned char *out, struct filo_error *err);
size_t filo_hasher_size(const struct filo_hasher *hasher);
void filo_hasher_free(struct filo_hasher *hasher);

int filo_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                     unsigned char out[FILO_HASH_SIZE], struct filo_error *err);

/* salt may be NULL with salt_len 0; out_len is 1 to 255 * 32. */
int filo_hkdf_sha256(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                     const void *info, size_t info_len, unsigned char *out, size_t out_len,
                     struct filo_error *err);

/* Its two halves: what depends on the secret, and what on the info. */
int filo_hkdf_extract(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                      unsigned char out[FILO_HASH_SIZE], struct filo_error *err);
int filo_hkdf_expand(const unsigned char extract[FILO_HASH_SIZE], const void *info, size_t info_len,
                     unsigned char *out, size_t out_len, struct filo_error *err);

#endif
