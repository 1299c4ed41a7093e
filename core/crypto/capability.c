#include "crypto/capability.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "bytes.h"
#include "crypto/digest.h"

static const char family[] = "filo-", label[] = "filo capability v2";

static const struct {
  const char *word;
  size_t fields; /* bytes, the user's key aside */
} kinds[] = {
    [FILO_KEEPS] = {"filo-keep.", 32},
    [FILO_READS_ONE] = {"filo-read-one.", 32 + 32 + 4 + 32},
    [FILO_READS] = {"filo-read.", 32 + 32 + 4 + 32},
    [FILO_WRITES] = {"filo-write.", 32},
};

enum {
  KINDS = sizeof kinds / sizeof *kinds,
  CHECK_SIZE = 8,
  FIELDS_MAX = 100 + FILO_KEY_TEXT_MAX,
  BYTES_MAX = FIELDS_MAX + CHECK_SIZE,
};

/* --- base64url --- */

static void replace(char *text, size_t len, char from, char to) {
  for (size_t i = 0; i < len; i++)
    if (text[i] == from) text[i] = to;
}

/* Gives the length; out takes 4 letters for each 3 bytes begun, and a NUL. */
static size_t encode(const unsigned char *bytes, size_t len, char *out) {
  size_t letters = (size_t)EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
  while (letters > 0 && out[letters - 1] == '=') letters--;
  out[letters] = '\0';
  replace(out, letters, '+', '-');
  replace(out, letters, '/', '_');
  return letters;
}

/* Gives the length, or -1. Only the one way of writing the bytes is taken. */
static int decode(const char *text, size_t len, unsigned char out[BYTES_MAX + 3]) {
  char padded[4 * (BYTES_MAX / 3 + 1) + 1], again[sizeof padded];
  if (len == 0 || len >= sizeof padded) return -1;
  memcpy(padded, text, len);
  replace(padded, len, '-', '+');
  replace(padded, len, '_', '/');
  size_t whole = len;
  while (whole % 4 != 0) padded[whole++] = '=';
  int bytes = EVP_DecodeBlock(out, (unsigned char *)padded, (int)whole);
  bytes -= (int)(whole - len);
  bool same = bytes > 0 && whole - len < 3 && encode(out, (size_t)bytes, again) == len &&
              CRYPTO_memcmp(again, text, len) == 0;
  OPENSSL_cleanse(padded, sizeof padded);
  OPENSSL_cleanse(again, sizeof again);
  return same ? bytes : -1;
}

/* --- the fields --- */

static int checksum(enum filo_access access, const unsigned char *fields, size_t len,
                    unsigned char out[FILO_HASH_SIZE], struct filo_error *err) {
  unsigned char text[sizeof label + 16 + FIELDS_MAX];
  size_t at = sizeof label - 1, word = strlen(kinds[access].word);
  memcpy(text, label, at);
  memcpy(text + at, kinds[access].word, word);
  memcpy(text + at + word, fields, len);
  int rc = filo_digest(FILO_SHA256, text, at + word + len, out, err);
  OPENSSL_cleanse(text, sizeof text);
  return rc;
}

static size_t put_fields(const struct filo_capability *capability, unsigned char *out) {
  if (capability->access == FILO_WRITES) {
    memcpy(out, capability->seed, 32);
    return 32;
  }
  memcpy(out, capability->id, 32);
  if (capability->access == FILO_KEEPS) return 32;
  bool one = capability->access == FILO_READS_ONE;
  memcpy(out + 32, one ? capability->key_hash : capability->name_key, 32);
  filo_put_le32(out + 64, capability->generation);
  memcpy(out + 68, capability->secret, 32);
  if (!one) return 100;
  memcpy(out + 100, capability->key, capability->key_len);
  return 100 + capability->key_len;
}

static void get_fields(const unsigned char *in, size_t len, struct filo_capability *ret) {
  if (ret->access == FILO_WRITES) {
    memcpy(ret->seed, in, 32);
    return;
  }
  memcpy(ret->id, in, 32);
  if (ret->access == FILO_KEEPS) return;
  bool one = ret->access == FILO_READS_ONE;
  memcpy(one ? ret->key_hash : ret->name_key, in + 32, 32);
  ret->generation = filo_get_le32(in + 64);
  memcpy(ret->secret, in + 68, 32);
  ret->key_len = len - kinds[ret->access].fields;
  memcpy(ret->key, in + 100, ret->key_len);
}

int filo_capability_write(const struct filo_capability *capability, char out[FILO_CAPABILITY_MAX],
                          struct filo_error *err) {
  unsigned char bytes[BYTES_MAX + FILO_HASH_SIZE];
  size_t len = put_fields(capability, bytes), word = strlen(kinds[capability->access].word);
  int rc = checksum(capability->access, bytes, len, bytes + len, err);
  memcpy(out, kinds[capability->access].word, word);
  if (rc == 0) encode(bytes, len + CHECK_SIZE, out + word);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return rc;
}

/* --- reading --- */

static bool starts_with(const char *text, size_t len, const char *word) {
  return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static bool fits(enum filo_access access, int len) {
  int fields = (int)kinds[access].fields;
  int most = fields + (access == FILO_READS_ONE ? FILO_KEY_TEXT_MAX : 0);
  int least = fields + (access == FILO_READS_ONE);
  return len >= least && len <= most;
}

static int read_fields(const char *letters, size_t len, struct filo_capability *ret,
                       struct filo_error *err) {
  unsigned char bytes[BYTES_MAX + 3] = {0}, check[FILO_HASH_SIZE];
  int count = decode(letters, len, bytes) - CHECK_SIZE;
  int rc = 0;
  bool whole = fits(ret->access, count);
  if (whole) rc = checksum(ret->access, bytes, (size_t)count, check, err);
  if (rc == 0 && (!whole || CRYPTO_memcmp(check, bytes + count, CHECK_SIZE) != 0))
    rc = filo_fail(err, FILO_CORRUPT, "the capability was mistyped or cut: copy it again, whole");
  if (rc == 0) get_fields(bytes, (size_t)count, ret);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return rc;
}

int filo_capability_read(const char *text, size_t len, struct filo_capability *ret,
                         struct filo_error *err) {
  for (; len > 0 && isspace((unsigned char)*text); len--) text++;
  while (len > 0 && isspace((unsigned char)text[len - 1])) len--;
  memset(ret, 0, sizeof *ret);
  for (int i = 0; i < KINDS; i++) {
    size_t word = strlen(kinds[i].word);
    if (!starts_with(text, len, kinds[i].word)) continue;
    ret->access = (enum filo_access)i;
    return read_fields(text + word, len - word, ret, err);
  }
  if (starts_with(text, len, family))
    return filo_fail(err, FILO_UNSUPPORTED, "a capability of a kind that this Filo does not know");
  return filo_fail(err, FILO_INVALID,
                   "this is no capability: one is a line that 'filo share' prints");
}
