#include "crypto/aead.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/random.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *cipher;

static void fetch(void) {
  cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

static int prepare(size_t ad_len, size_t len, struct filo_error *err) {
  pthread_once(&once, fetch);
  ERR_clear_error();
  if (!cipher) return filo_fail(err, FILO_UNSUPPORTED, "OpenSSL offers no AES-256-GCM here");
  if (ad_len > INT_MAX || len > INT_MAX)
    return filo_fail(err, FILO_TOO_LARGE, "more than 2 GiB cannot be sealed at once");
  return 0;
}

static bool seal(EVP_CIPHER_CTX *ctx, const unsigned char *key, const void *ad, int ad_len,
                 const void *in, int len, unsigned char *out) {
  unsigned char *text = out + FILO_NONCE_SIZE;
  int n;
  return ctx && EVP_EncryptInit_ex2(ctx, cipher, key, out, NULL) == 1 &&
         (ad_len == 0 || EVP_EncryptUpdate(ctx, NULL, &n, ad, ad_len) == 1) &&
         (len == 0 || EVP_EncryptUpdate(ctx, text, &n, in, len) == 1) &&
         EVP_EncryptFinal_ex(ctx, text + len, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, FILO_TAG_SIZE, text + len) == 1;
}

int filo_aead_seal(const unsigned char key[32], const unsigned char *nonce, const void *ad,
                   size_t ad_len, const void *in, size_t len, unsigned char *out,
                   struct filo_error *err) {
  int rc = prepare(ad_len, len, err);
  if (rc < 0) return rc;
  if (nonce)
    memcpy(out, nonce, FILO_NONCE_SIZE);
  else
    rc = filo_random(out, FILO_NONCE_SIZE, err);
  if (rc < 0) return rc;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  bool ok = seal(ctx, key, ad, (int)ad_len, in, (int)len, out);
  EVP_CIPHER_CTX_free(ctx);
  return ok ? 0 : filo_fail_openssl(err, FILO_NO_MEMORY, "AES-256-GCM failed");
}

static bool unseal(EVP_CIPHER_CTX *ctx, const unsigned char *key, const void *ad, int ad_len,
                   const unsigned char *in, int len, unsigned char *out) {
  const unsigned char *text = in + FILO_NONCE_SIZE;
  unsigned char unused[FILO_TAG_SIZE];
  int n;
  return EVP_DecryptInit_ex2(ctx, cipher, key, in, NULL) == 1 &&
         (ad_len == 0 || EVP_DecryptUpdate(ctx, NULL, &n, ad, ad_len) == 1) &&
         (len == 0 || EVP_DecryptUpdate(ctx, out, &n, text, len) == 1) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, FILO_TAG_SIZE, (void *)(text + len)) ==
             1 &&
         EVP_DecryptFinal_ex(ctx, unused, &n) == 1;
}

int filo_aead_open(const unsigned char key[32], const void *ad, size_t ad_len,
                   const unsigned char *in, size_t len, unsigned char *out,
                   struct filo_error *err) {
  if (len < FILO_AEAD_OVERHEAD)
    return filo_fail(err, FILO_CORRUPT, "sealed bytes are shorter than nonce and tag");
  int rc = prepare(ad_len, len, err);
  if (rc < 0) return rc;
  size_t plain = len - FILO_AEAD_OVERHEAD;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  if (!ctx) return filo_fail_openssl(err, FILO_NO_MEMORY, "no memory for a cipher");
  bool ok = unseal(ctx, key, ad, (int)ad_len, in, (int)plain, out);
  EVP_CIPHER_CTX_free(ctx);
  if (ok) return 0;
  OPENSSL_cleanse(out, plain);
  ERR_clear_error();
  return filo_fail(err, FILO_CORRUPT, "sealed bytes do not match their tag (or the key is wrong)");
}
