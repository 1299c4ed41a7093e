#include "crypto/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "bytes.h"

int filo_signing_key(const unsigned char private[32], EVP_PKEY **ret,
                     unsigned char id[FILO_ID_SIZE], struct filo_error *err) {
  ERR_clear_error();
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, private, 32);
  size_t len = FILO_ID_SIZE;
  if (!key || EVP_PKEY_get_raw_public_key(key, id, &len) != 1) {
    EVP_PKEY_free(key);
    return filo_fail_openssl(err, FILO_UNSUPPORTED, "OpenSSL cannot make an Ed25519 key");
  }
  *ret = key;
  return 0;
}

int filo_sign(EVP_PKEY *key, const void *data, size_t len,
              unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err) {
  ERR_clear_error();
  size_t size = FILO_SIGNATURE_SIZE;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  int ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestSign(ctx, signature, &size, data, len) == 1;
  EVP_MD_CTX_free(ctx);
  return ok ? 0 : filo_fail_openssl(err, FILO_NO_MEMORY, "signing failed");
}

int filo_verify(const unsigned char id[FILO_ID_SIZE], const void *data, size_t len,
                const unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err) {
  ERR_clear_error();
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, id, FILO_ID_SIZE);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  if (!key || !ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1) {
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return filo_fail_openssl(err, FILO_NO_MEMORY, "no memory to check a signature");
  }
  int valid = EVP_DigestVerify(ctx, signature, FILO_SIGNATURE_SIZE, data, len);
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
  ERR_clear_error();
  if (valid == 1) return 0;
  char hex[2 * FILO_ID_SIZE + 1];
  filo_hex(hex, id, FILO_ID_SIZE);
  return filo_fail(err, FILO_CORRUPT, "the signature is not by %s", hex);
}
