#include "store/record.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>

#include "bytes.h"
#include "crypto/aead.h"
#include "crypto/chunk_hash.h"
#include "crypto/digest.h"
#include "store/checked.h"
#include "store/internal.h"

static const char signature_prefix[] = "filo record v2";

enum {
  KNOWN_FLAGS = FILO_TOMBSTONE | FILO_PLAIN,
  SEALED_MIN = FILO_AEAD_OVERHEAD + FILO_KEY_SIZE,
  PREFIX_SIZE = sizeof signature_prefix - 1,
};

bool filo_record_is_newer(const struct filo_record *a, const struct filo_record *b) {
  if (a->version != b->version) return a->version > b->version;
  return memcmp(a->nonce, b->nonce, sizeof a->nonce) > 0;
}

uint64_t filo_chunk_count(uint64_t size) {
  return size / FILO_CHUNK_SIZE + (size % FILO_CHUNK_SIZE != 0);
}

size_t filo_chunk_length(uint64_t size, uint64_t index) {
  if (index >= filo_chunk_count(size)) return 0;
  uint64_t rest = size - index * FILO_CHUNK_SIZE;
  return rest < FILO_CHUNK_SIZE ? (size_t)rest : FILO_CHUNK_SIZE;
}

/* Ed25519 takes its message in one piece. */
static unsigned char *signed_text(const unsigned char *bytes, size_t len, struct filo_error *err) {
  unsigned char *text = malloc(PREFIX_SIZE + len);
  if (!text) {
    filo_fail(err, FILO_NO_MEMORY, "no memory for a record");
    return NULL;
  }
  memcpy(text, signature_prefix, PREFIX_SIZE);
  memcpy(text + PREFIX_SIZE, bytes, len);
  return text;
}

static int sign(const struct filo_namespace *ns, unsigned char *bytes, size_t len,
                struct filo_error *err) {
  FILO_AUTO_FREE unsigned char *text = signed_text(bytes, len, err);
  if (!text) return FILO_NO_MEMORY;
  int rc = filo_namespace_sign(ns, text, PREFIX_SIZE + len, bytes + len, err);
  unsigned char tag[FILO_CHECKED_SIZE];
  if (rc == 0 && filo_checked_tag(bytes, len + FILO_SIGNATURE_SIZE, tag)) filo_checked_add(tag);
  return rc;
}

static int verify(const unsigned char *bytes, size_t len, const unsigned char ns[32],
                  struct filo_error *err) {
  size_t body = len - FILO_SIGNATURE_SIZE;
  FILO_AUTO_FREE unsigned char *text = signed_text(bytes, body, err);
  if (!text) return FILO_NO_MEMORY;
  return filo_verify(ns, text, PREFIX_SIZE + body, bytes + body, err);
}

static int check_signature(const unsigned char *bytes, size_t len, const unsigned char ns[32],
                           struct filo_error *err) {
  unsigned char tag[FILO_CHECKED_SIZE];
  bool has_tag = filo_checked_tag(bytes, len, tag);
  if (has_tag && filo_checked_has(tag)) return 0;
  int rc = verify(bytes, len, ns, err);
  if (rc == 0 && has_tag) filo_checked_add(tag);
  return rc;
}

bool filo_record_is_checked(const unsigned char *bytes, size_t len) {
  unsigned char tag[FILO_CHECKED_SIZE];
  return filo_checked_tag(bytes, len, tag) && filo_checked_has(tag);
}

static void put_clear(unsigned char *out, const struct filo_record *fields, const unsigned char *id,
                      size_t sealed_len) {
  out[0] = FILO_RECORD_VERSION;
  out[1] = fields->flags;
  out[2] = FILO_CHUNK_BITS;
  out[3] = fields->class;
  filo_put_le32(out + 4, (uint32_t)sealed_len);
  filo_put_le64(out + 8, fields->version);
  filo_put_le64(out + 16, fields->size);
  memcpy(out + 24, id, FILO_ID_SIZE);
  memcpy(out + 56, fields->key_hash, 32);
  memcpy(out + 88, fields->iv, FILO_IV_SIZE);
  memcpy(out + 104, fields->root, 32);
  filo_put_le32(out + 136, fields->generation);
}

static void get_clear(const unsigned char *in, struct filo_record *fields) {
  fields->flags = in[1];
  fields->class = in[3];
  fields->version = filo_get_le64(in + 8);
  fields->size = filo_get_le64(in + 16);
  memcpy(fields->ns, in + 24, FILO_ID_SIZE);
  memcpy(fields->key_hash, in + 56, 32);
  memcpy(fields->iv, in + 88, FILO_IV_SIZE);
  memcpy(fields->root, in + 104, 32);
  fields->generation = filo_get_le32(in + 136);
  memcpy(fields->nonce, in + FILO_RECORD_CLEAR, sizeof fields->nonce);
}

/* Of all that is sealed and said beside it: the same record comes out the same wherever it is made, and
 * what differs has another nonce. */
static void make_nonce(const unsigned char key[FILO_SECRET_SIZE], const unsigned char *record,
                       const unsigned char *text, size_t len, unsigned char out[FILO_NONCE_SIZE]) {
  blake3_hasher hasher;
  blake3_hasher_init_derive_key(&hasher, "filo nonce v2");
  blake3_hasher_update(&hasher, key, FILO_SECRET_SIZE);
  blake3_hasher_update(&hasher, record, FILO_RECORD_CLEAR);
  blake3_hasher_update(&hasher, text, len);
  blake3_hasher_finalize(&hasher, out, FILO_NONCE_SIZE);
  OPENSSL_cleanse(&hasher, sizeof hasher);
}

static int seal_metadata(const struct filo_namespace *ns, const struct filo_record *fields,
                         const unsigned char content_key[FILO_KEY_SIZE], const void *meta,
                         size_t meta_len, unsigned char *record, struct filo_error *err) {
  unsigned char key[FILO_SECRET_SIZE];
  int rc = filo_namespace_object_key(ns, fields->key_hash, fields->generation, key, err);
  if (rc < 0) return rc;
  size_t len = FILO_KEY_SIZE + meta_len;
  unsigned char *text = malloc(len);
  if (text) {
    memcpy(text, content_key, FILO_KEY_SIZE);
    if (meta_len) memcpy(text + FILO_KEY_SIZE, meta, meta_len);
    unsigned char nonce[FILO_NONCE_SIZE];
    make_nonce(key, record, text, len, nonce);
    rc = filo_aead_seal(key, nonce, record, FILO_RECORD_CLEAR, text, len,
                        record + FILO_RECORD_CLEAR, err);
    OPENSSL_cleanse(text, len);
    free(text);
  } else {
    rc = filo_fail(err, FILO_NO_MEMORY, "no memory for a record");
  }
  OPENSSL_cleanse(key, sizeof key);
  return rc;
}

static int check_fields(const struct filo_record *fields, struct filo_error *err) {
  if (fields->flags & ~KNOWN_FLAGS)
    return filo_fail(err, FILO_CORRUPT, "record with unknown flags 0x%02x", fields->flags);
  if (fields->size > FILO_SIZE_MAX)
    return filo_fail(err, FILO_CORRUPT, "record of an impossible size");
  if (fields->version > INT64_MAX)
    return filo_fail(err, FILO_CORRUPT, "record of an impossible version");
  if (fields->flags & FILO_TOMBSTONE && fields->size > 0)
    return filo_fail(err, FILO_CORRUPT, "record of a tombstone with content");
  if (fields->size > 0) return 0;
  unsigned char root[FILO_HASH_SIZE];
  blake3_hasher nothing;
  filo_chunk_hash_begin_root(&nothing);
  filo_chunk_hash_take(&nothing, root);
  if (memcmp(root, fields->root, sizeof root) != 0)
    return filo_fail(err, FILO_CORRUPT, "record of no content with a root of some");
  return 0;
}

int filo_record_build(const struct filo_namespace *ns, const struct filo_record *fields,
                      const unsigned char content_key[FILO_KEY_SIZE], const void *meta,
                      size_t meta_len, unsigned char **ret, size_t *ret_len,
                      struct filo_error *err) {
  if (meta_len > FILO_METADATA_MAX - SEALED_MIN)
    return filo_fail(err, FILO_TOO_LARGE, "%zu bytes of metadata are over the limit of %d",
                     meta_len, FILO_METADATA_MAX - SEALED_MIN);
  int rc = check_fields(fields, err);
  if (rc < 0) return rc;
  size_t sealed = SEALED_MIN + meta_len, body = FILO_RECORD_CLEAR + sealed;
  unsigned char *bytes = malloc(body + FILO_SIGNATURE_SIZE);
  if (!bytes) return filo_fail(err, FILO_NO_MEMORY, "no memory for a record");
  put_clear(bytes, fields, filo_namespace_id(ns), sealed);
  rc = seal_metadata(ns, fields, content_key, meta, meta_len, bytes, err);
  if (rc == 0) rc = sign(ns, bytes, body, err);
  if (rc < 0) {
    free(bytes);
    return rc;
  }
  *ret = bytes;
  *ret_len = body + FILO_SIGNATURE_SIZE;
  return 0;
}

int filo_record_peek(const unsigned char *bytes, size_t len, struct filo_record *ret,
                     struct filo_error *err) {
  if (len < 1) return filo_fail(err, FILO_CORRUPT, "an empty record");
  if (bytes[0] > FILO_RECORD_VERSION)
    return filo_fail(err, FILO_UNSUPPORTED, "record of format %d: a newer Filo made it", bytes[0]);
  if (bytes[0] != FILO_RECORD_VERSION || len < FILO_RECORD_MIN || len > FILO_RECORD_MAX)
    return filo_fail(err, FILO_CORRUPT, "not a record");
  uint32_t sealed = filo_get_le32(bytes + 4);
  if (sealed < SEALED_MIN || sealed != len - FILO_RECORD_CLEAR - FILO_SIGNATURE_SIZE)
    return filo_fail(err, FILO_CORRUPT, "record whose length does not add up");
  if (bytes[2] != FILO_CHUNK_BITS)
    return filo_fail(err, FILO_CORRUPT, "record with an unknown chunk size");
  struct filo_record fields;
  get_clear(bytes, &fields);
  int rc = check_fields(&fields, err);
  if (rc == 0) *ret = fields;
  return rc;
}

int filo_record_parse(const unsigned char *bytes, size_t len, struct filo_record *ret,
                      struct filo_error *err) {
  struct filo_record fields;
  int rc = filo_record_peek(bytes, len, &fields, err);
  if (rc == 0) rc = check_signature(bytes, len, fields.ns, err);
  if (rc == 0) *ret = fields;
  return rc;
}

int filo_record_parse_at_once(const unsigned char *bytes, size_t len, struct filo_record *ret) {
  struct filo_record fields;
  if (filo_record_peek(bytes, len, &fields, NULL) < 0 || !filo_record_is_checked(bytes, len))
    return FILO_BUSY;
  *ret = fields;
  return 0;
}

bool filo_record_vouches(const struct filo_record *fields, const unsigned char *body, size_t len) {
  unsigned char found[FILO_HASH_SIZE];
  size_t hash = fields->size > 0 ? FILO_HASH_SIZE : 0;
  if (fields->size > FILO_CHUNK_SIZE || len != hash + fields->size) return false;
  blake3_hasher root;
  filo_chunk_hash_begin_root(&root);
  blake3_hasher_update(&root, body, hash);
  filo_chunk_hash_take(&root, found);
  if (memcmp(found, fields->root, sizeof found) != 0) return false;
  filo_chunk_hash(body + hash, len - hash, found);
  return hash == 0 || memcmp(found, body, sizeof found) == 0;
}

static int open_metadata(const struct filo_namespace *ns, const struct filo_record *fields,
                         const unsigned char *bytes, size_t len, unsigned char *text,
                         struct filo_error *err) {
  unsigned char key[FILO_SECRET_SIZE];
  int rc = filo_namespace_object_key(ns, fields->key_hash, fields->generation, key, err);
  if (rc < 0) return rc;
  rc = filo_aead_open(key, bytes, FILO_RECORD_CLEAR, bytes + FILO_RECORD_CLEAR,
                      len - FILO_RECORD_CLEAR - FILO_SIGNATURE_SIZE, text, err);
  OPENSSL_cleanse(key, sizeof key);
  return rc;
}

int filo_record_unseal(const struct filo_namespace *ns, const unsigned char *bytes, size_t len,
                       unsigned char content_key[FILO_KEY_SIZE], unsigned char **ret,
                       size_t *ret_len, struct filo_error *err) {
  struct filo_record fields;
  int rc = filo_record_peek(bytes, len, &fields, err);
  if (rc < 0) return rc;
  if (memcmp(fields.ns, filo_namespace_id(ns), FILO_ID_SIZE) != 0)
    return filo_fail(err, FILO_DENIED, "that record is of another namespace");
  size_t text_len = len - FILO_RECORD_CLEAR - FILO_SIGNATURE_SIZE - FILO_AEAD_OVERHEAD;
  unsigned char *text = malloc(text_len);
  if (!text) return filo_fail(err, FILO_NO_MEMORY, "no memory for metadata");
  rc = open_metadata(ns, &fields, bytes, len, text, err);
  if (rc < 0) {
    free(text);
    return rc;
  }
  memcpy(content_key, text, FILO_KEY_SIZE);
  *ret_len = text_len - FILO_KEY_SIZE;
  memmove(text, text + FILO_KEY_SIZE, *ret_len);
  OPENSSL_cleanse(text + *ret_len, FILO_KEY_SIZE);
  *ret = text;
  return 0;
}
