#include "crypto/identity.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/identity_file.h"
#include "crypto/random.h"

static const char node_label[] = "filo node key v2";

struct filo_identity {
  atomic_uint refs;
  EVP_PKEY *key;
  unsigned char id[FILO_ID_SIZE];
  unsigned char seed[FILO_SEED_SIZE];
};

static int load_key(struct filo_identity *identity, struct filo_error *err) {
  unsigned char private[32];
  int rc = filo_identity_derive(identity, node_label, private, err);
  if (rc == 0) rc = filo_signing_key(private, &identity->key, identity->id, err);
  OPENSSL_cleanse(private, sizeof private);
  return rc;
}

int filo_identity_from_seed(const unsigned char seed[FILO_SEED_SIZE], struct filo_identity **ret,
                            struct filo_error *err) {
  struct filo_identity *identity = calloc(1, sizeof *identity);
  if (!identity) return filo_fail(err, FILO_NO_MEMORY, "no memory for an identity");
  atomic_init(&identity->refs, 1);
  memcpy(identity->seed, seed, FILO_SEED_SIZE);
  int rc = load_key(identity, err);
  if (rc < 0) {
    filo_identity_unref(identity);
    return rc;
  }
  *ret = identity;
  return 0;
}

int filo_identity_generate(struct filo_identity **ret, struct filo_error *err) {
  unsigned char seed[FILO_SEED_SIZE];
  int rc = filo_random(seed, sizeof seed, err);
  if (rc == 0) rc = filo_identity_from_seed(seed, ret, err);
  OPENSSL_cleanse(seed, sizeof seed);
  return rc;
}

int filo_identity_save(const struct filo_identity *identity, const char *path,
                       struct filo_error *err) {
  return filo_identity_file_write(path, identity->seed, err);
}

int filo_identity_load(const char *path, struct filo_identity **ret, struct filo_error *err) {
  unsigned char seed[FILO_SEED_SIZE];
  int rc = filo_identity_file_read(path, seed, err);
  if (rc == 0) rc = filo_identity_from_seed(seed, ret, err);
  OPENSSL_cleanse(seed, sizeof seed);
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

void filo_identity_seed(const struct filo_identity *identity, unsigned char out[FILO_SEED_SIZE]) {
  memcpy(out, identity->seed, FILO_SEED_SIZE);
}

int filo_identity_sign(const struct filo_identity *identity, const void *data, size_t len,
                       unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err) {
  return filo_sign(identity->key, data, len, signature, err);
}

int filo_identity_derive(const struct filo_identity *identity, const char *label,
                         unsigned char out[FILO_SEED_SIZE], struct filo_error *err) {
  return filo_hkdf_sha256(identity->seed, FILO_SEED_SIZE, NULL, 0, label, strlen(label), out,
                          FILO_SEED_SIZE, err);
}
