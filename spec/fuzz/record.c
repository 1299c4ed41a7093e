/* The record: the input is one without its signature. A record that is taken encodes to the same
 * bytes, by the table of core/README.md; signed by its owner it is valid, and with any bit changed
 * it is not. */
#include "store/record.h"

#include <string.h>

#include "bytes.h"
#include "fuzz.h"

enum { NAMESPACE_AT = 24 };

static struct filo_namespace *owner(void) {
  static const struct filo_capability all = {.access = FILO_WRITES, .seed = {1}};
  static struct filo_namespace *keys;
  if (!keys) MUST(filo_namespace_new(&all, 1, &keys, NULL) == 0);
  return keys;
}

static void check_clear(const struct filo_record *fields, const unsigned char *bytes, size_t len) {
  unsigned char clear[FILO_RECORD_CLEAR] = {FILO_RECORD_VERSION, fields->flags, FILO_CHUNK_BITS,
                                            fields->class};
  filo_put_le32(clear + 4, (uint32_t)(len - FILO_RECORD_CLEAR - FILO_SIGNATURE_SIZE));
  filo_put_le64(clear + 8, fields->version);
  filo_put_le64(clear + 16, fields->size);
  memcpy(clear + NAMESPACE_AT, fields->ns, sizeof fields->ns);
  memcpy(clear + 56, fields->key_hash, sizeof fields->key_hash);
  memcpy(clear + 88, fields->iv, sizeof fields->iv);
  memcpy(clear + 104, fields->root, sizeof fields->root);
  filo_put_le32(clear + 136, fields->generation);
  MUST(memcmp(clear, bytes, sizeof clear) == 0);
  MUST(memcmp(fields->nonce, bytes + sizeof clear, sizeof fields->nonce) == 0);
  MUST(fields->version <= INT64_MAX && fields->size <= FILO_SIZE_MAX &&
       (fields->flags & ~(FILO_TOMBSTONE | FILO_PLAIN)) == 0);
}

static void sign(unsigned char *bytes, size_t len) {
  static const char prefix[] = "filo record v2";
  size_t body = len - FILO_SIGNATURE_SIZE, prefix_len = sizeof prefix - 1;
  unsigned char *text = malloc(prefix_len + body);
  MUST(text);
  memcpy(text, prefix, prefix_len);
  memcpy(text + prefix_len, bytes, body);
  MUST(filo_namespace_sign(owner(), text, prefix_len + body, bytes + body, NULL) == 0);
  free(text);
}

static void check_signed(unsigned char *bytes, size_t len, uint32_t bit) {
  struct filo_record fields;
  struct filo_error err;
  MUST(filo_record_parse(bytes, len, &fields, &err) == 0);
  check_clear(&fields, bytes, len);
  bit %= (uint32_t)len * 8;
  bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  int code = filo_record_parse(bytes, len, &fields, &err);
  MUST(code == FILO_CORRUPT || (code == FILO_UNSUPPORTED && bit < 8));
  MUST(err.message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_len) {
  struct filo_record fields;
  struct filo_error err;
  unsigned char *unseen, key[FILO_KEY_SIZE];
  size_t len = input_len + FILO_SIGNATURE_SIZE, unseen_len;
  unsigned char *bytes = calloc(1, len);
  MUST(bytes);
  memcpy(bytes, input, input_len);
  filo_record_parse(bytes, input_len, &fields, NULL); /* as it is */
  if (input_len >= FILO_RECORD_CLEAR)
    memcpy(bytes + NAMESPACE_AT, filo_namespace_id(owner()), FILO_ID_SIZE);
  /* In half of the inputs the length is made right: hardly one would get past it. */
  if (input_len >= FILO_RECORD_CLEAR && input[input_len - 1] & 1)
    filo_put_le32(bytes + 4, (uint32_t)(input_len - FILO_RECORD_CLEAR));
  int code = filo_record_peek(bytes, len, &fields, &err);
  if (code == 0) {
    check_clear(&fields, bytes, len);
    sign(bytes, len);
    code = filo_record_unseal(owner(), bytes, len, key, &unseen, &unseen_len, &err);
    MUST(code == FILO_CORRUPT); /* nobody guesses the tag */
    check_signed(bytes, len, filo_get_le32(bytes + 88));
  } else {
    MUST(err.message[0] && (code == FILO_CORRUPT || code == FILO_UNSUPPORTED));
  }
  free(bytes);
  return 0;
}
