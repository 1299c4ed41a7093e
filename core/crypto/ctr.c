#include "crypto/ctr.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16, STEP = 1 << 30 };

struct filo_ctr {
  EVP_CIPHER_CTX *ctx;
  unsigned char iv[FILO_IV_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *cipher;

static void fetch(void) {
  cipher = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
}

int filo_ctr_new(const unsigned char key[FILO_KEY_SIZE], const unsigned char iv[FILO_IV_SIZE],
                 struct filo_ctr **ret, struct filo_error *err) {
  pthread_once(&once, fetch);
  ERR_clear_error();
  if (!cipher) return filo_fail(err, FILO_UNSUPPORTED, "OpenSSL offers no AES-256-CTR here");
  struct filo_ctr *ctr = calloc(1, sizeof *ctr);
  if (!ctr) return filo_fail(err, FILO_NO_MEMORY, "no memory for a cipher");
  memcpy(ctr->iv, iv, FILO_IV_SIZE);
  ctr->ctx = EVP_CIPHER_CTX_new();
  if (!ctr->ctx || EVP_EncryptInit_ex2(ctr->ctx, cipher, key, iv, NULL) != 1) {
    filo_ctr_free(ctr);
    return filo_fail_openssl(err, FILO_NO_MEMORY, "no memory for a cipher");
  }
  *ret = ctr;
  return 0;
}

static void add_blocks(unsigned char counter[BLOCK], uint64_t blocks) {
  unsigned carry = 0;
  for (int i = BLOCK - 1; i >= 0; i--) {
    carry += counter[i] + (unsigned)(blocks & 0xff);
    counter[i] = (unsigned char)carry;
    carry >>= 8;
    blocks >>= 8;
  }
}

int filo_ctr_seek(struct filo_ctr *ctr, uint64_t offset, struct filo_error *err) {
  unsigned char counter[BLOCK], skipped[BLOCK] = {0};
  memcpy(counter, ctr->iv, BLOCK);
  add_blocks(counter, offset / BLOCK);
  ERR_clear_error();
  if (EVP_EncryptInit_ex2(ctr->ctx, NULL, NULL, counter, NULL) != 1)
    return filo_fail_openssl(err, FILO_INVALID, "AES-256-CTR cannot seek");
  return filo_ctr_crypt(ctr, skipped, skipped, offset % BLOCK, err);
}

int filo_ctr_crypt(struct filo_ctr *ctr, const unsigned char *in, unsigned char *out, size_t len,
                   struct filo_error *err) {
  ERR_clear_error();
  while (len > 0) {
    int n = len > STEP ? STEP : (int)len, written;
    if (EVP_EncryptUpdate(ctr->ctx, out, &written, in, n) != 1)
      return filo_fail_openssl(err, FILO_INVALID, "AES-256-CTR failed");
    in += n;
    out += n;
    len -= (size_t)n;
  }
  return 0;
}

void filo_ctr_free(struct filo_ctr *ctr) {
  if (!ctr) return;
  EVP_CIPHER_CTX_free(ctr->ctx);
  OPENSSL_cleanse(ctr->iv, sizeof ctr->iv);
  free(ctr);
}
