#include "crypto/identity.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "crypto/identity_file.h"
#include "crypto/random.h"

struct filo_identity {
  atomic_uint refs;
  EVP_PKEY *key;
  unsigned char id[FILO_ID_SIZE];
  unsigned char secrets[FILO_IDENTITY_SECRETS]; /* the private key, then the namespace secret */
};

static int load_key(struct filo_identity *identity, struct filo_error *err) {
  ERR_clear_error();
  identity->key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, identity->secrets, 32);
  size_t len = FILO_ID_SIZE;
  if (!identity->key || EVP_PKEY_get_raw_public_key(identity->key, identity->id, &len) != 1)
    return filo_fail_openssl(err, FILO_UNSUPPORTED, "OpenSSL cannot make an Ed25519 key");
  return 0;
}

static int from_secrets(const unsigned char secrets[FILO_IDENTITY_SECRETS],
                        struct filo_identity **ret, struct filo_error *err) {
  struct filo_identity *identity = calloc(1, sizeof *identity);
  if (!identity) return filo_fail(err, FILO_NO_MEMORY, "no memory for an identity");
  atomic_init(&identity->refs, 1);
  memcpy(identity->secrets, secrets, FILO_IDENTITY_SECRETS);
  int rc = load_key(identity, err);
  if (rc < 0) {
    filo_identity_unref(identity);
    return rc;
  }
  *ret = identity;
  return 0;
}

int filo_identity_from_secrets(const unsigned char key[32], const unsigned char secret[32],
                               struct filo_identity **ret, struct filo_error *err) {
  unsigned char secrets[FILO_IDENTITY_SECRETS];
  memcpy(secrets, key, 32);
  memcpy(secrets + 32, secret, 32);
  int rc = from_secrets(secrets, ret, err);
  OPENSSL_cleanse(secrets, sizeof secrets);
  return rc;
}

int filo_identity_generate(struct filo_identity **ret, struct filo_error *err) {
  unsigned char secrets[FILO_IDENTITY_SECRETS];
  int rc = filo_random(secrets, sizeof secrets, err);
  if (rc == 0) rc = from_secrets(secrets, ret, err);
  OPENSSL_cleanse(secrets, sizeof secrets);
  return rc;
}

int filo_identity_save(const struct filo_identity *identity, const char *path,
                       struct filo_error *err) {
  return filo_identity_file_write(path, identity->secrets, err);
}

int filo_identity_load(const char *path, struct filo_identity **ret, struct filo_error *err) {
  unsigned char secrets[FILO_IDENTITY_SECRETS];
  int rc = filo_identity_file_read(path, secrets, err);
  if (rc == 0) rc = from_secrets(secrets, ret, err);
  OPENSSL_cleanse(secrets, sizeof secrets);
  return rc;
}

struct filo_identity *filo_identity_ref(struct filo_identity *identity) {
  atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
  return identity;
}

void filo_identity_unref(struct filo_identity *identity) {
  if (!identity || atomic_fetch_sub_explicit(&identity->refs, 1, memory_order_acq_rel) != 1) return;
  EVP_PKEY_free(identity->key);
  OPENSSL_cleanse(identity, sizeof *identity);
  free(identity);
}

const unsigned char *filo_identity_id(const struct filo_identity *identity) {
  return identity->id;
}

EVP_PKEY *filo_identity_key(const struct filo_identity *identity) {
  return identity->key;
}

int filo_identity_sign(const struct filo_identity *identity, const void *data, size_t len,
                       unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err) {
  ERR_clear_error();
  size_t size = FILO_SIGNATURE_SIZE;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  int ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, identity->key) == 1 &&
           EVP_DigestSign(ctx, signature, &size, data, len) == 1;
  EVP_MD_CTX_free(ctx);
  return ok ? 0 : filo_fail_openssl(err, FILO_NO_MEMORY, "signing failed");
}

int filo_identity_derive(const struct filo_identity *identity, const char *label,
                         unsigned char *out, size_t out_len, struct filo_error *err) {
  return filo_hkdf_sha256(identity->secrets + 32, 32, NULL, 0, label, strlen(label), out, out_len,
                          err);
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
