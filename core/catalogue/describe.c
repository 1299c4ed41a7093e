/* Names in the metadata of own objects: a CBOR map (RFC 8949) of which four fields are of interest.
 * Its owner has sealed it; what is not as this Filo writes it has no name. */
#include <openssl/crypto.h>
#include <string.h>

#include "bytes.h"
#include "catalogue/internal.h"

struct input {
  const unsigned char *at, *end;
};

enum { UINT, NEGINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
enum { DEPTH_MAX = 64, ARGUMENT_IS_BELOW = 24, ARGUMENT_IS_KNOWN = 27 };

/* The head of a value: its type and its argument. */
static bool read_head(struct input *in, unsigned *type, uint64_t *argument) {
  if (in->at == in->end) return false;
  unsigned low = *in->at & 31;
  *type = *in->at++ >> 5;
  *argument = low;
  if (low < ARGUMENT_IS_BELOW) return true;
  if (low > ARGUMENT_IS_KNOWN) return false; /* without a length: Filo writes none */
  size_t len = (size_t)1 << (low - ARGUMENT_IS_BELOW);
  if ((size_t)(in->end - in->at) < len) return false;
  for (*argument = 0; len > 0; len--) *argument = *argument << 8 | *in->at++;
  return true;
}

static bool read_text(struct input *in, uint64_t len, const unsigned char **ret) {
  if ((uint64_t)(in->end - in->at) < len) return false;
  *ret = in->at;
  in->at += len;
  return true;
}

static bool skip(struct input *in, int depth) {
  unsigned type;
  uint64_t argument;
  const unsigned char *text;
  if (depth > DEPTH_MAX || !read_head(in, &type, &argument)) return false;
  if (type == BYTES || type == TEXT) return read_text(in, argument, &text);
  if (type == TAG) return skip(in, depth + 1);
  if (type != ARRAY && type != MAP) return true;
  for (unsigned each = 0; each < (type == MAP ? 2 : 1); each++)
    for (uint64_t i = 0; i < argument; i++)
      if (!skip(in, depth + 1)) return false;
  return true;
}

static bool read_name(struct input *in, char **name, size_t *name_len) {
  unsigned type;
  uint64_t len;
  const unsigned char *text;
  if (!read_head(in, &type, &len) || (type != TEXT && type != BYTES) || !read_text(in, len, &text))
    return false;
  free(*name);
  *name_len = (size_t)len;
  *name = malloc(*name_len + 1);
  if (*name) memcpy(*name, text, *name_len);
  return *name != NULL;
}

static bool read_modified(struct input *in, struct filo_row *row) {
  struct input before = *in;
  unsigned type;
  uint64_t argument;
  if (!read_head(in, &type, &argument)) return false;
  row->has_modified = (type == UINT || type == NEGINT) && argument <= INT64_MAX;
  if (row->has_modified) row->modified = type == UINT ? (int64_t)argument : -1 - (int64_t)argument;
  *in = before;
  return skip(in, 0);
}

/* Of what cannot stand for content, as another writer may have made it, there is none. */
static bool read_etag(struct input *in, char etag[FILO_ETAG_MAX + 1]) {
  struct input value = *in;
  unsigned type;
  uint64_t len;
  const unsigned char *text;
  etag[0] = 0;
  if (!skip(in, 0) || !read_head(&value, &type, &len)) return false;
  if (type != TEXT || len > FILO_ETAG_MAX || !read_text(&value, len, &text)) return true;
  for (uint64_t i = 0; i < len; i++)
    if (text[i] <= ' ' || text[i] > '~' || text[i] == '"') return true;
  memcpy(etag, text, (size_t)len);
  etag[len] = 0;
  return true;
}

static bool is(const unsigned char *text, uint64_t len, const char *word) {
  return len == strlen(word) && memcmp(text, word, (size_t)len) == 0;
}

static bool read_fields(struct input in, struct filo_row *row) {
  unsigned type;
  uint64_t count, len;
  const unsigned char *key;
  if (!read_head(&in, &type, &count) || type != MAP) return false;
  for (uint64_t i = 0; i < count; i++) {
    if (!read_head(&in, &type, &len) || type != TEXT || !read_text(&in, len, &key)) return false;
    bool read = is(key, len, "name")       ? read_name(&in, &row->name, &row->name_len)
                : is(key, len, "conflict") ? read_name(&in, &row->conflict, &row->conflict_len)
                : is(key, len, "etag")     ? read_etag(&in, row->etag)
                : is(key, len, "modified") ? read_modified(&in, row)
                                           : skip(&in, 0);
    if (!read) return false;
  }
  return row->name != NULL;
}

bool filo_catalogue_describe(const struct filo_namespace *keys, const unsigned char *record,
                             size_t len, struct filo_row *row) {
  unsigned char content_key[FILO_KEY_SIZE], *meta;
  size_t meta_len;
  if (filo_record_unseal(keys, record, len, content_key, &meta, &meta_len, NULL) < 0) return false;
  OPENSSL_cleanse(content_key, sizeof content_key);
  bool read = read_fields((struct input){meta, meta + meta_len}, row);
  OPENSSL_cleanse(meta, meta_len);
  free(meta);
  return read;
}
