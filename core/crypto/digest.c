/* Algorithms are fetched once and live as long as the process: a fetch takes longer than the hash
 * of a small object. */
#include "crypto/digest.h"

#include <blake3.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name, *fetch;
  size_t size;
} kinds[] = {
    [FILO_MD5] = {"md5", "MD5", 16},
    [FILO_SHA1] = {"sha1", "SHA1", 20},
    [FILO_SHA256] = {"sha256", "SHA2-256", 32},
    [FILO_BLAKE3] = {"blake3", NULL, BLAKE3_OUT_LEN}, /* not OpenSSL's */
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static struct {
  pthread_once_t once;
  EVP_MD *digests[KINDS];
} algorithms = {.once = PTHREAD_ONCE_INIT};

static void fetch(void) {
  for (int i = 0; i < KINDS; i++)
    if (kinds[i].fetch) algorithms.digests[i] = EVP_MD_fetch(NULL, kinds[i].fetch, NULL);
  ERR_clear_error();
}

static void prepare(void) {
  pthread_once(&algorithms.once, fetch);
  ERR_clear_error();
}

static int missing(struct filo_error *err, const char *name) {
  return filo_fail(err, FILO_UNSUPPORTED, "OpenSSL offers no %s here; check openssl.cnf", name);
}

int filo_digest_from_name(const char *name) {
  for (int i = 0; i < KINDS; i++)
    if (strcmp(kinds[i].name, name) == 0) return i;
  return -1;
}

size_t filo_digest_size(enum filo_digest kind) {
  return kinds[kind].size;
}

static int blake3(const void *data, size_t len, unsigned char *out) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, data, len);
  blake3_hasher_finalize(&hasher, out, BLAKE3_OUT_LEN);
  return 0;
}

int filo_digest(enum filo_digest kind, const void *data, size_t len, unsigned char *out,
                struct filo_error *err) {
  if (kind == FILO_BLAKE3) return blake3(data, len, out);
  prepare();
  if (!algorithms.digests[kind]) return missing(err, kinds[kind].name);
  if (EVP_Digest(data, len, out, NULL, algorithms.digests[kind], NULL) != 1)
    return filo_fail_openssl(err, FILO_NO_MEMORY, "%s failed", kinds[kind].name);
  return 0;
}

struct filo_hasher {
  enum filo_digest kind;
  EVP_MD_CTX *ctx;
  const EVP_MD *md;
  blake3_hasher blake3;
};

static int prepare_hasher(struct filo_hasher *hasher, struct filo_error *err) {
  if (hasher->kind == FILO_BLAKE3) return 0;
  prepare();
  hasher->md = algorithms.digests[hasher->kind];
  if (!hasher->md) return missing(err, kinds[hasher->kind].name);
  hasher->ctx = EVP_MD_CTX_new();
  return hasher->ctx ? 0 : filo_fail(err, FILO_NO_MEMORY, "no memory for a hasher");
}

int filo_hasher_new(enum filo_digest kind, struct filo_hasher **ret, struct filo_error *err) {
  struct filo_hasher *hasher = calloc(1, sizeof *hasher);
  if (!hasher) return filo_fail(err, FILO_NO_MEMORY, "no memory for a hasher");
  hasher->kind = kind;
  int rc = prepare_hasher(hasher, err);
  if (rc == 0) rc = filo_hasher_reset(hasher, err);
  if (rc < 0) {
    filo_hasher_free(hasher);
    return rc;
  }
  *ret = hasher;
  return 0;
}

int filo_hasher_reset(struct filo_hasher *hasher, struct filo_error *err) {
  if (hasher->kind == FILO_BLAKE3) {
    blake3_hasher_init(&hasher->blake3);
    return 0;
  }
  ERR_clear_error();
  if (EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1)
    return filo_fail_openssl(err, FILO_NO_MEMORY, "hashing failed");
  return 0;
}

int filo_hasher_update(struct filo_hasher *hasher, const void *data, size_t len,
                       struct filo_error *err) {
  if (hasher->kind == FILO_BLAKE3) {
    blake3_hasher_update(&hasher->blake3, data, len);
    return 0;
  }
  ERR_clear_error();
  if (EVP_DigestUpdate(hasher->ctx, data, len) != 1)
    return filo_fail_openssl(err, FILO_INVALID, "hashing failed");
  return 0;
}

int filo_hasher_finish(struct filo_hasher *hasher, unsigned char *out, struct filo_error *err) {
  if (hasher->kind == FILO_BLAKE3) {
    blake3_hasher_finalize(&hasher->blake3, out, BLAKE3_OUT_LEN);
    return 0;
  }
  ERR_clear_error();
  if (EVP_DigestFinal_ex(hasher->ctx, out, NULL) != 1)
    return filo_fail_openssl(err, FILO_INVALID, "hashing failed");
  return 0;
}

size_t filo_hasher_size(const struct filo_hasher *hasher) {
  return kinds[hasher->kind].size;
}

void filo_hasher_free(struct filo_hasher *hasher) {
  if (!hasher) return;
  EVP_MD_CTX_free(hasher->ctx);
  free(hasher);
}

/* pieces: what is hashed, one after the other. */
struct piece {
  const void *bytes;
  size_t len;
};

enum { HMAC_BLOCK = 64 };

static bool hash_pieces(EVP_MD_CTX *ctx, const unsigned char pad[HMAC_BLOCK],
                        const struct piece *pieces, int count, unsigned char out[FILO_HASH_SIZE]) {
  bool ok = EVP_DigestInit_ex2(ctx, algorithms.digests[FILO_SHA256], NULL) == 1 &&
            EVP_DigestUpdate(ctx, pad, HMAC_BLOCK) == 1;
  for (int i = 0; ok && i < count; i++)
    ok = EVP_DigestUpdate(ctx, pieces[i].bytes, pieces[i].len) == 1;
  return ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

/* RFC 2104. OpenSSL's own takes more than twice as long, most of it to be set up for a key. */
static int hmac(const void *key, size_t key_len, const struct piece *pieces, int count,
                unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  unsigned char pad[HMAC_BLOCK] = {0};
  if (key_len > sizeof pad) {
    int rc = filo_digest(FILO_SHA256, key, key_len, pad, err);
    if (rc < 0) return rc;
  } else if (key_len > 0) {
    memcpy(pad, key, key_len);
  }
  prepare();
  if (!algorithms.digests[FILO_SHA256]) return missing(err, "SHA-256");
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
  bool ok = ctx && hash_pieces(ctx, pad, pieces, count, out);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
  const struct piece inner = {out, FILO_HASH_SIZE};
  ok = ok && hash_pieces(ctx, pad, &inner, 1, out);
  EVP_MD_CTX_free(ctx);
  OPENSSL_cleanse(pad, sizeof pad);
  return ok ? 0 : filo_fail_openssl(err, FILO_NO_MEMORY, "HMAC-SHA-256 failed");
}

int filo_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                     unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  const struct piece whole = {data, len};
  return hmac(key, key_len, &whole, 1, out, err);
}

/* RFC 5869. OpenSSL's own looks its algorithms up by name each time. */
int filo_hkdf_extract(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                      unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  return filo_hmac_sha256(salt, salt_len, secret, secret_len, out, err);
}

int filo_hkdf_expand(const unsigned char extract[FILO_HASH_SIZE], const void *info, size_t info_len,
                     unsigned char *out, size_t out_len, struct filo_error *err) {
  if (out_len == 0 || out_len > (size_t)255 * FILO_HASH_SIZE)
    return filo_fail(err, FILO_INVALID, "HKDF-SHA-256 gives 1 to 8160 bytes, not %zu", out_len);
  unsigned char block[FILO_HASH_SIZE], number = 1;
  int rc = 0;
  for (size_t done = 0; rc == 0 && done < out_len; done += FILO_HASH_SIZE, number++) {
    const struct piece pieces[] = {
        {block, done ? sizeof block : 0}, {info, info_len}, {&number, 1}};
    rc = hmac(extract, FILO_HASH_SIZE, pieces, 3, block, err);
    size_t left = out_len - done;
    if (rc == 0) memcpy(out + done, block, left < sizeof block ? left : sizeof block);
  }
  OPENSSL_cleanse(block, sizeof block);
  return rc;
}

int filo_hkdf_sha256(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                     const void *info, size_t info_len, unsigned char *out, size_t out_len,
                     struct filo_error *err) {
  unsigned char extract[FILO_HASH_SIZE];
  int rc = filo_hkdf_extract(secret, secret_len, salt, salt_len, extract, err);
  if (rc == 0) rc = filo_hkdf_expand(extract, info, info_len, out, out_len, err);
  OPENSSL_cleanse(extract, sizeof extract);
  return rc;
}
