#include "crypto/namespace.h"

#include <blake3.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto/digest.h"

static const char namespace_label[] = "filo namespace v2", key_label[] = "filo namespace key v2";
static const char name_label[] = "filo name v2", secret_label[] = "filo secret v2";
static const char object_label[] = "filo object v2";

/* HKDF's extract of a secret, the same for all objects of a generation: that which was used last. */
struct extract {
  pthread_mutex_t lock;
  bool known;
  uint32_t generation;
  unsigned char bytes[FILO_HASH_SIZE];
};

struct filo_namespace {
  atomic_uint refs;
  struct extract *extract;
  enum filo_access access;
  unsigned char id[FILO_ID_SIZE];
  unsigned char seed[FILO_SECRET_SIZE];     /* FILO_WRITES */
  EVP_PKEY *key;                            /* the same */
  unsigned char name_key[FILO_SECRET_SIZE]; /* FILO_READS, too */
  size_t count;
  struct filo_capability given[];
};

static int derive(const unsigned char from[FILO_SECRET_SIZE], const char *label,
                  const unsigned char *more, size_t more_len, unsigned char out[FILO_SECRET_SIZE],
                  struct filo_error *err) {
  char info[64], *end = stpcpy(info, label);
  if (more_len) memcpy(end, more, more_len);
  return filo_hkdf_sha256(from, FILO_SECRET_SIZE, NULL, 0, info, (size_t)(end - info) + more_len,
                          out, FILO_SECRET_SIZE, err);
}

static int signing_key(const unsigned char seed[FILO_SECRET_SIZE], EVP_PKEY **ret,
                       unsigned char id[FILO_ID_SIZE], struct filo_error *err) {
  unsigned char private[32];
  int rc = derive(seed, key_label, NULL, 0, private, err);
  if (rc == 0) rc = filo_signing_key(private, ret, id, err);
  OPENSSL_cleanse(private, sizeof private);
  return rc;
}

/* --- making --- */

/* The namespace that a capability is of: a writer's seed tells. */
static int id_of(const struct filo_capability *given, unsigned char id[FILO_ID_SIZE],
                 struct filo_error *err) {
  EVP_PKEY *key = NULL;
  memcpy(id, given->id, FILO_ID_SIZE);
  int rc = given->access == FILO_WRITES ? signing_key(given->seed, &key, id, err) : 0;
  EVP_PKEY_free(key);
  return rc;
}

static int take_seed(struct filo_namespace *ns, const unsigned char seed[FILO_SECRET_SIZE],
                     struct filo_error *err) {
  if (ns->key) return 0;
  memcpy(ns->seed, seed, FILO_SECRET_SIZE);
  int rc = signing_key(seed, &ns->key, ns->id, err);
  return rc < 0 ? rc : derive(seed, name_label, NULL, 0, ns->name_key, err);
}

static int add(struct filo_namespace *ns, const struct filo_capability *given,
               struct filo_error *err) {
  unsigned char id[FILO_ID_SIZE];
  int rc = id_of(given, id, err);
  if (rc < 0) return rc;
  if (ns->count > 0 && memcmp(id, ns->id, sizeof id) != 0)
    return filo_fail(err, FILO_INVALID, "these are capabilities of two namespaces");
  memcpy(ns->id, id, sizeof id);
  ns->given[ns->count++] = *given;
  if (given->access > ns->access) ns->access = given->access;
  if (given->access == FILO_READS && !ns->key)
    memcpy(ns->name_key, given->name_key, FILO_SECRET_SIZE);
  return given->access == FILO_WRITES ? take_seed(ns, given->seed, err) : 0;
}

static int make_extract(struct filo_namespace *ns, struct filo_error *err) {
  ns->extract = calloc(1, sizeof *ns->extract);
  if (!ns->extract) return filo_fail(err, FILO_NO_MEMORY, "no memory for the keys of a namespace");
  pthread_mutex_init(&ns->extract->lock, NULL);
  return 0;
}

int filo_namespace_new(const struct filo_capability *capabilities, size_t count,
                       struct filo_namespace **ret, struct filo_error *err) {
  size_t size = sizeof(struct filo_namespace) + count * sizeof *capabilities;
  struct filo_namespace *ns = calloc(1, size);
  if (!ns) return filo_fail(err, FILO_NO_MEMORY, "no memory for the keys of a namespace");
  atomic_init(&ns->refs, 1);
  int rc = make_extract(ns, err);
  for (size_t i = 0; i < count && rc == 0; i++) rc = add(ns, &capabilities[i], err);
  if (rc < 0) {
    filo_namespace_unref(ns);
    return rc;
  }
  *ret = ns;
  return 0;
}

int filo_namespace_of_identity(const struct filo_identity *identity, struct filo_namespace **ret,
                               struct filo_error *err) {
  struct filo_capability *all = calloc(1, sizeof *all);
  if (!all) return filo_fail(err, FILO_NO_MEMORY, "no memory for the keys of a namespace");
  all->access = FILO_WRITES;
  int rc = filo_identity_derive(identity, namespace_label, all->seed, err);
  if (rc == 0) rc = filo_namespace_new(all, 1, ret, err);
  OPENSSL_clear_free(all, sizeof *all);
  return rc;
}

struct filo_namespace *filo_namespace_ref(struct filo_namespace *ns) {
  atomic_fetch_add_explicit(&ns->refs, 1, memory_order_relaxed);
  return ns;
}

void filo_namespace_unref(struct filo_namespace *ns) {
  if (!ns || atomic_fetch_sub_explicit(&ns->refs, 1, memory_order_acq_rel) != 1) return;
  EVP_PKEY_free(ns->key);
  if (ns->extract) pthread_mutex_destroy(&ns->extract->lock);
  if (ns->extract) OPENSSL_clear_free(ns->extract, sizeof *ns->extract);
  OPENSSL_cleanse(ns, sizeof *ns + ns->count * sizeof *ns->given);
  free(ns);
}

/* --- using --- */

const unsigned char *filo_namespace_id(const struct filo_namespace *ns) {
  return ns->id;
}

enum filo_access filo_namespace_access(const struct filo_namespace *ns) {
  return ns->access;
}

void filo_namespace_print(const struct filo_namespace *ns, unsigned char out[FILO_PRINT_SIZE]) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, ns->id, sizeof ns->id);
  blake3_hasher_update(&hasher, &ns->access, sizeof ns->access);
  for (size_t i = 0; i < ns->count; i++) {
    const struct filo_capability *given = &ns->given[i];
    blake3_hasher_update(&hasher, &given->access, sizeof given->access);
    blake3_hasher_update(&hasher, &given->generation, sizeof given->generation);
    if (given->access == FILO_READS_ONE)
      blake3_hasher_update(&hasher, given->key_hash, sizeof given->key_hash);
  }
  blake3_hasher_finalize(&hasher, out, FILO_PRINT_SIZE);
}

int filo_namespace_key_hash(const struct filo_namespace *ns, const void *key, size_t len,
                            unsigned char out[32], struct filo_error *err) {
  if (ns->access >= FILO_READS)
    return filo_hmac_sha256(ns->name_key, FILO_SECRET_SIZE, key, len, out, err);
  for (size_t i = 0; i < ns->count; i++) {
    const struct filo_capability *given = &ns->given[i];
    if (given->access != FILO_READS_ONE || given->key_len != len) continue;
    if (memcmp(given->key, key, len) != 0) continue;
    memcpy(out, given->key_hash, 32);
    return 0;
  }
  return filo_fail(err, FILO_DENIED,
                   "no access to that object was given: ask its owner to share it");
}

static int secret_of(const struct filo_namespace *ns, uint32_t generation,
                     unsigned char out[FILO_SECRET_SIZE], struct filo_error *err) {
  unsigned char number[4];
  filo_put_le32(number, generation);
  if (ns->access == FILO_WRITES)
    return derive(ns->seed, secret_label, number, sizeof number, out, err);
  bool newer = false;
  for (size_t i = 0; i < ns->count; i++) {
    const struct filo_capability *given = &ns->given[i];
    newer = newer || given->generation > generation;
    if (given->access != FILO_READS || given->generation != generation) continue;
    memcpy(out, given->secret, FILO_SECRET_SIZE);
    return 0;
  }
  if (newer)
    return filo_fail(err, FILO_DENIED,
                     "it still has old keys (generation %u), which were not given: they are being "
                     "changed, try later",
                     generation);
  return filo_fail(
      err, FILO_DENIED,
      "access to it ended when its keys were changed (generation %u): ask its owner to "
      "share it anew",
      generation);
}

uint32_t filo_namespace_newest(const struct filo_namespace *ns, const unsigned char *key_hash) {
  uint32_t newest = 0;
  for (size_t i = 0; i < ns->count; i++) {
    const struct filo_capability *given = &ns->given[i];
    bool opens = given->access == FILO_READS || (given->access == FILO_READS_ONE && key_hash &&
                                                 memcmp(given->key_hash, key_hash, 32) == 0);
    if (opens && given->generation > newest) newest = given->generation;
  }
  return newest;
}

/* The key of an object that alone was shared. */
static const unsigned char *given_key(const struct filo_namespace *ns,
                                      const unsigned char key_hash[32], uint32_t generation) {
  for (size_t i = 0; i < ns->count; i++) {
    const struct filo_capability *given = &ns->given[i];
    if (given->access == FILO_READS_ONE && given->generation == generation &&
        memcmp(given->key_hash, key_hash, 32) == 0)
      return given->secret;
  }
  return NULL;
}

static int extract_secret(const struct filo_namespace *ns, uint32_t generation,
                          unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  unsigned char secret[FILO_SECRET_SIZE];
  int rc = secret_of(ns, generation, secret, err);
  if (rc == 0) rc = filo_hkdf_extract(secret, sizeof secret, NULL, 0, out, err);
  OPENSSL_cleanse(secret, sizeof secret);
  return rc;
}

static int extract_of(const struct filo_namespace *ns, uint32_t generation,
                      unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  struct extract *latest = ns->extract;
  pthread_mutex_lock(&latest->lock);
  int rc = 0;
  if (!latest->known || latest->generation != generation) {
    rc = extract_secret(ns, generation, latest->bytes, err);
    latest->known = rc == 0;
    latest->generation = generation;
  }
  if (rc == 0) memcpy(out, latest->bytes, sizeof latest->bytes);
  pthread_mutex_unlock(&latest->lock);
  return rc;
}

int filo_namespace_object_key(const struct filo_namespace *ns, const unsigned char key_hash[32],
                              uint32_t generation, unsigned char out[FILO_SECRET_SIZE],
                              struct filo_error *err) {
  const unsigned char *given = given_key(ns, key_hash, generation);
  if (given) {
    memcpy(out, given, FILO_SECRET_SIZE);
    return 0;
  }
  unsigned char extract[FILO_HASH_SIZE], info[sizeof object_label - 1 + 32];
  memcpy(info, object_label, sizeof object_label - 1);
  memcpy(info + sizeof object_label - 1, key_hash, 32);
  int rc = extract_of(ns, generation, extract, err);
  if (rc == 0) rc = filo_hkdf_expand(extract, info, sizeof info, out, FILO_SECRET_SIZE, err);
  OPENSSL_cleanse(extract, sizeof extract);
  return rc;
}

int filo_namespace_sign(const struct filo_namespace *ns, const void *data, size_t len,
                        unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err) {
  if (!ns->key) return filo_fail(err, FILO_DENIED, "that namespace can be read here, not written");
  return filo_sign(ns->key, data, len, signature, err);
}

/* --- giving away --- */

static int grant_one(const struct filo_namespace *ns, uint32_t generation, const void *key,
                     size_t key_len, struct filo_capability *ret, struct filo_error *err) {
  if (key_len < 1 || key_len > FILO_KEY_TEXT_MAX)
    return filo_fail(err, FILO_INVALID, "a key has 1 to %d bytes", FILO_KEY_TEXT_MAX);
  memcpy(ret->key, key, key_len);
  ret->key_len = key_len;
  int rc = filo_namespace_key_hash(ns, key, key_len, ret->key_hash, err);
  return rc < 0 ? rc : filo_namespace_object_key(ns, ret->key_hash, generation, ret->secret, err);
}

static int grant_all(const struct filo_namespace *ns, uint32_t generation,
                     struct filo_capability *ret, struct filo_error *err) {
  if (ns->access < FILO_READS)
    return filo_fail(err, FILO_DENIED, "who was not given all of a namespace cannot share it");
  memcpy(ret->name_key, ns->name_key, FILO_SECRET_SIZE);
  return secret_of(ns, generation, ret->secret, err);
}

int filo_namespace_grant(const struct filo_namespace *ns, enum filo_access access,
                         uint32_t generation, const void *key, size_t key_len,
                         struct filo_capability *ret, struct filo_error *err) {
  memset(ret, 0, sizeof *ret);
  ret->access = access;
  ret->generation = generation;
  memcpy(ret->id, ns->id, FILO_ID_SIZE);
  switch (access) {
  case FILO_KEEPS:
    return 0;
  case FILO_READS_ONE:
    return grant_one(ns, generation, key, key_len, ret, err);
  case FILO_READS:
    return grant_all(ns, generation, ret, err);
  case FILO_WRITES:
    break;
  }
  if (ns->access < FILO_WRITES)
    return filo_fail(err, FILO_DENIED, "who can only read a namespace cannot let others write it");
  memcpy(ret->seed, ns->seed, FILO_SECRET_SIZE);
  return 0;
}
