#include "s3/signatures.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto/digest.h"

#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { DIGITS = 2 * FILO_S3_SIGNATURE_SIZE };

struct filo_s3_signatures {
  unsigned char key[FILO_HASH_SIZE];
  char *date, *scope;
  char before[DIGITS + 1]; /* the last signature */
  uint64_t chunks;         /* verified */
  struct filo_hasher *hasher;
};

int filo_s3_signatures_new(const struct filo_s3_signer *signer, struct filo_s3_signatures **ret,
                           struct filo_error *err) {
  struct filo_s3_signatures *made = calloc(1, sizeof *made);
  if (!made) return filo_fail(err, FILO_NO_MEMORY, "no memory to verify signatures");
  memcpy(made->key, signer->key, sizeof made->key);
  filo_hex(made->before, signer->seed, sizeof signer->seed);
  made->date = strdup(signer->date);
  made->scope = strdup(signer->scope);
  int rc = made->date && made->scope ? filo_hasher_new(FILO_SHA256, &made->hasher, err)
                                     : filo_fail(err, FILO_NO_MEMORY, "no memory for a signature");
  if (rc < 0) {
    filo_s3_signatures_free(made);
    return rc;
  }
  *ret = made;
  return 0;
}

int filo_s3_signatures_update(struct filo_s3_signatures *signatures, const void *bytes, size_t len,
                              struct filo_error *err) {
  return filo_hasher_update(signatures->hasher, bytes, len, err);
}

/* rest: the lines behind the signature before. */
static int sign(const struct filo_s3_signatures *signatures, const char *algorithm,
                const char *rest, unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  char *text;
  int len = asprintf(&text, "%s\n%s\n%s\n%s\n%s", algorithm, signatures->date, signatures->scope,
                     signatures->before, rest);
  if (len < 0) return filo_fail(err, FILO_NO_MEMORY, "no memory for a signature");
  int rc = filo_hmac_sha256(signatures->key, sizeof signatures->key, text, (size_t)len, out, err);
  free(text);
  return rc;
}

/* Whether it is the one that was given; the next is signed with it. */
static bool is_right(struct filo_s3_signatures *signatures, const struct filo_s3_signature *given,
                     const unsigned char right[FILO_HASH_SIZE]) {
  filo_hex(signatures->before, right, FILO_HASH_SIZE);
  return given->is_there && CRYPTO_memcmp(given->bytes, right, FILO_HASH_SIZE) == 0;
}

int filo_s3_signatures_check(struct filo_s3_signatures *signatures,
                             const struct filo_s3_signature *given, struct filo_error *err) {
  static const size_t at = sizeof HASH_OF_NOTHING;
  unsigned char hash[FILO_HASH_SIZE], right[FILO_HASH_SIZE];
  char rest[sizeof HASH_OF_NOTHING + DIGITS + 1] = HASH_OF_NOTHING "\n";
  int rc = filo_hasher_finish(signatures->hasher, hash, err);
  if (rc == 0) rc = filo_hasher_reset(signatures->hasher, err);
  if (rc < 0) return rc;
  filo_hex(rest + at, hash, sizeof hash);
  rc = sign(signatures, "AWS4-HMAC-SHA256-PAYLOAD", rest, right, err);
  if (rc < 0) return rc;
  signatures->chunks++;
  if (is_right(signatures, given, right)) return 0;
  return filo_fail(err, FILO_DENIED, "chunk %llu of the body %s",
                   (unsigned long long)signatures->chunks,
                   given->is_there ? "is not what was signed, or was signed with another key"
                                   : "has no signature");
}

int filo_s3_signatures_check_trailers(struct filo_s3_signatures *signatures,
                                      const struct filo_s3_frames *frames, struct filo_error *err) {
  unsigned char hash[FILO_HASH_SIZE], right[FILO_HASH_SIZE];
  char rest[DIGITS + 1];
  int rc = filo_digest(FILO_SHA256, frames->text, frames->text_len, hash, err);
  if (rc < 0) return rc;
  filo_hex(rest, hash, sizeof hash);
  rc = sign(signatures, "AWS4-HMAC-SHA256-TRAILER", rest, right, err);
  if (rc < 0 || is_right(signatures, &frames->trailers, right)) return rc;
  return filo_fail(err, FILO_DENIED, "the trailers of the body %s",
                   frames->trailers.is_there
                       ? "are not what was signed, or were signed with another key"
                       : "have no signature");
}

void filo_s3_signatures_free(struct filo_s3_signatures *signatures) {
  if (!signatures) return;
  OPENSSL_cleanse(signatures->key, sizeof signatures->key);
  filo_hasher_free(signatures->hasher);
  free(signatures->date);
  free(signatures->scope);
  free(signatures);
}
