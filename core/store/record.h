/* The record: the signed description of one version of an object. Bytes in, bytes out; no files.
 *
 * Little-endian:
 *     0    1   record version, 2
 *     1    1   flags: 1 tombstone, 2 plain (stored unencrypted)
 *     2    1   log2 of the chunk size: 20
 *     3    1   class, which the owner's policy gives
 *     4    4   m, length of the sealed metadata: 60 to 65536
 *     8    8   version, below 2^63: larger is newer; of two that are equal the one with the larger nonce
 *    16    8   size of the content in bytes, at most FILO_SIZE_MAX
 *    24   32   namespace ID
 *    56   32   key hash
 *    88   16   IV
 *   104   32   root: over the chunk hashes (crypto/chunk_hash.h)
 *   136    4   generation of the namespace's secrets
 *   140    m   sealed metadata: nonce 12, AES-256-GCM ciphertext, tag 16;
 *              associated data: bytes 0..139; key: the object key (crypto/namespace.h);
 *              inside: content key 32, then the caller's bytes (CBOR: name, modification time,
 *              the user's fields, who wrote, what he had seen)
 * 140+m   64   Ed25519 signature by the namespace over "filo record v2" || bytes 0..139+m
 *
 * A tombstone has size 0 and no chunks. It has a root all the same: of no chunk hashes.
 */
#ifndef FILO_STORE_RECORD_H
#define FILO_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/ctr.h"
#include "crypto/namespace.h"
#include "error.h"

enum {
  FILO_RECORD_VERSION = 2,
  FILO_RECORD_CLEAR = 140,
  FILO_METADATA_MAX = 65536,
  FILO_RECORD_MIN = FILO_RECORD_CLEAR + 60 + FILO_SIGNATURE_SIZE,
  FILO_RECORD_MAX = FILO_RECORD_CLEAR + FILO_METADATA_MAX + FILO_SIGNATURE_SIZE,
  FILO_CHUNK_BITS = 20,
  FILO_CHUNK_SIZE = 1 << FILO_CHUNK_BITS,
  FILO_TOMBSTONE = 1,
  FILO_PLAIN = 2,
};

#define FILO_SIZE_MAX ((uint64_t)1 << 48)

/* The clear fields, by value. */
struct filo_record {
  uint64_t version;
  uint64_t size;
  uint32_t generation;
  unsigned char flags;
  unsigned char class;
  unsigned char ns[FILO_ID_SIZE];
  unsigned char key_hash[32];
  unsigned char iv[FILO_IV_SIZE];
  unsigned char root[32];
  unsigned char nonce[12]; /* of the sealed metadata */
};

/* Whether of two records of one object the first counts: the one with the larger version; where two
 * writers have made the same, the one with the larger nonce. */
bool filo_record_is_newer(const struct filo_record *a, const struct filo_record *b);

/* Chunks of an object of this size, and bytes of chunk `index` (the last may be shorter). */
uint64_t filo_chunk_count(uint64_t size);
size_t filo_chunk_length(uint64_t size, uint64_t index);

/* Seals content_key and metadata and signs. `ns` is taken from the keys, FILO_DENIED when they do not
 * write. *ret is malloc'ed, the caller frees it. meta_len is at most FILO_METADATA_MAX - 60: FILO_TOO_LARGE otherwise. */
int filo_record_build(const struct filo_namespace *ns, const struct filo_record *fields,
                      const unsigned char content_key[FILO_KEY_SIZE], const void *meta,
                      size_t meta_len, unsigned char **ret, size_t *ret_len,
                      struct filo_error *err);

/* Checks structure, every limit and the signature: FILO_CORRUPT, or FILO_UNSUPPORTED for a newer
 * version. Needs no key. Any thread; some 200 us unless this process has checked it before (checked.h), so
 * not on the loop for many. */
int filo_record_parse(const unsigned char *bytes, size_t len, struct filo_record *ret,
                      struct filo_error *err);

/* The same of one whose signature this process has found right before, and remembers: FILO_BUSY
 * otherwise. */
int filo_record_parse_at_once(const unsigned char *bytes, size_t len, struct filo_record *ret);

/* Whether this process has found its signature right before, and remembers it. */
bool filo_record_is_checked(const unsigned char *bytes, size_t len);

/* As filo_record_parse without the signature: for what this process has checked before. */
int filo_record_peek(const unsigned char *bytes, size_t len, struct filo_record *ret,
                     struct filo_error *err);

/* Whether a body of at most one chunk (its hash, then its bytes) is what the fields describe. Any
 * thread; no signature is checked. */
bool filo_record_vouches(const struct filo_record *fields, const unsigned char *body, size_t len);

/* Opens the sealed metadata of a parsed record. *ret (malloc'ed) holds the caller's bytes.
 * FILO_DENIED when it is of another namespace, or of an object or a generation that the keys do not open. */
int filo_record_unseal(const struct filo_namespace *ns, const unsigned char *bytes, size_t len,
                       unsigned char content_key[FILO_KEY_SIZE], unsigned char **ret,
                       size_t *ret_len, struct filo_error *err);

#endif
