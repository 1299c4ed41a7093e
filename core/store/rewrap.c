#include "store/rewrap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/chunk_hash.h"
#include "store/internal.h"

/* So much is copied before somebody may look whether it is still wanted. */
enum { STEP_BYTES = 256 << 20, BUFFER_BYTES = 64 << 10 };

struct filo_rewrap {
  struct filo_draft draft;
  char *label; /* of the file that is there */
  int source;
  struct stat there;
  uint64_t copied, length; /* of the bytes before the record */
  unsigned char *record;
  size_t record_len;
};

/* --- records --- */

int filo_record_rewrap(const struct filo_namespace *ns, const unsigned char *old, size_t old_len,
                       const struct filo_version *version, unsigned char **ret, size_t *ret_len,
                       struct filo_error *err) {
  struct filo_record fields;
  unsigned char content_key[FILO_KEY_SIZE], *meta;
  size_t meta_len;
  int rc = filo_record_peek(old, old_len, &fields, err);
  if (rc < 0) return rc;
  if (fields.flags & FILO_TOMBSTONE)
    return filo_fail(err, FILO_INVALID, "a deletion has nothing to be rewrapped");
  rc = filo_record_unseal(ns, old, old_len, content_key, &meta, &meta_len, err);
  if (rc < 0) return rc;
  OPENSSL_clear_free(meta, meta_len);
  memcpy(fields.key_hash, version->key_hash, sizeof fields.key_hash);
  fields.version = version->number;
  fields.generation = version->generation;
  fields.class = version->class;
  rc = filo_record_build(ns, &fields, content_key, version->meta, version->meta_len, ret, ret_len,
                         err);
  OPENSSL_cleanse(content_key, sizeof content_key);
  return rc;
}

/* --- what lies there --- */

static bool is_same_content(const struct filo_record *a, const struct filo_record *b) {
  return memcmp(a->ns, b->ns, sizeof a->ns) == 0 && a->size == b->size && a->flags == b->flags &&
         memcmp(a->iv, b->iv, sizeof a->iv) == 0 && memcmp(a->root, b->root, sizeof a->root) == 0;
}

static bool is_over(const struct filo_trailer *trailer, const struct filo_rewrap_options *options) {
  return !options->over || (trailer->record_len == options->over_len &&
                            memcmp(trailer->record, options->over, options->over_len) == 0);
}

/* FILO_NOT_FOUND also when it is bad: then the content has to come from elsewhere. */
static int check_there(struct filo_rewrap *rewrap, const struct filo_rewrap_options *options,
                       struct filo_error *err) {
  struct filo_trailer trailer;
  struct filo_error why;
  int rc = filo_trailer_read(rewrap->source, rewrap->label, false, &trailer, &why);
  if (rc == FILO_CORRUPT) return filo_fail(err, FILO_NOT_FOUND, "%s", why.message);
  if (rc < 0) return filo_fail(err, rc, "%s", why.message);
  if (!is_over(&trailer, options))
    rc = filo_fail(err, FILO_EXISTS, "another version is at %s by now", rewrap->label);
  else if (!is_same_content(&trailer.fields, &rewrap->draft.fields))
    rc = filo_fail(err, FILO_NOT_FOUND, "other content is at %s", rewrap->label);
  rewrap->length = trailer.file_size - trailer.record_len - FILO_FOOTER_SIZE;
  filo_trailer_free(&trailer);
  return rc;
}

static int open_there(struct filo_rewrap *rewrap, const struct filo_rewrap_options *options,
                      struct filo_error *err) {
  struct filo_store *store = rewrap->draft.store;
  const unsigned char *ns = rewrap->draft.fields.ns;
  const char *path = options->from ? options->from : rewrap->draft.path;
  const struct filo_old *old = options->old;
  rewrap->label = old ? filo_old_label(store, old) : filo_location_label(store, ns, path);
  if (!rewrap->label) return filo_fail(err, FILO_NO_MEMORY, "no memory to rewrap an object");
  int rc = old ? filo_old_open_file(store, old, &rewrap->source, err)
               : filo_location_open_file(store, ns, path, &rewrap->source, err);
  if (rc < 0) return rc;
  if (fstat(rewrap->source, &rewrap->there) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot examine %s", rewrap->label);
  }
  rc = check_there(rewrap, options, err);
  if (rc < 0) return rc;
  rewrap->draft.verified = filo_verified_at(rewrap->source);
  if (rewrap->draft.verified == 0) rewrap->draft.verified = FILO_NEVER_VERIFIED;
  if (options->over && !options->from && !old) rewrap->draft.over = &rewrap->there;
  struct filo_draft *draft =
      &rewrap->draft; /* its content came from him, where nobody brings the record */
  if (!draft->has_bringer) draft->has_bringer = filo_brought_by(rewrap->source, draft->bringer);
  return 0;
}

/* --- a new one --- */

static int take_record(struct filo_rewrap *rewrap, const unsigned char *record, size_t record_len,
                       bool trusted, struct filo_error *err) {
  struct filo_record *fields = &rewrap->draft.fields;
  int rc = trusted ? filo_record_peek(record, record_len, fields, err)
                   : filo_record_parse(record, record_len, fields, err);
  if (rc < 0) return rc;
  rewrap->record = malloc(record_len);
  if (!rewrap->record) return filo_fail(err, FILO_NO_MEMORY, "no memory to rewrap an object");
  memcpy(rewrap->record, record, record_len);
  rewrap->record_len = record_len;
  return 0;
}

static int begin(struct filo_rewrap *rewrap, const struct filo_rewrap_options *options,
                 struct filo_error *err) {
  struct filo_draft *draft = &rewrap->draft;
  int rc = filo_publish_check(draft->store, draft->path, &draft->fields, err);
  if (rc == 0) rc = open_there(rewrap, options, err);
  uint64_t total = rewrap->length + rewrap->record_len + FILO_FOOTER_SIZE;
  if (rc == 0) rc = filo_draft_promise(draft, total, err);
  return rc < 0 ? rc : filo_draft_create(draft, NULL, err);
}

int filo_rewrap_new(struct filo_store *store, const char *path, const unsigned char *record,
                    size_t record_len, const struct filo_rewrap_options *options,
                    struct filo_rewrap **ret, struct filo_error *err) {
  struct filo_rewrap *rewrap = calloc(1, sizeof *rewrap);
  if (!rewrap) return filo_fail(err, FILO_NO_MEMORY, "no memory to rewrap an object");
  filo_draft_init(&rewrap->draft, filo_store_ref(store));
  strcpy(rewrap->draft.path, path); /* its length was checked with the path */
  rewrap->source = -1;
  filo_draft_set_bringer(&rewrap->draft, options->bringer);
  int rc = take_record(rewrap, record, record_len, options->trusted, err);
  if (rc == 0) rc = begin(rewrap, options, err);
  if (rc < 0) {
    filo_rewrap_free(rewrap);
    return rc;
  }
  *ret = rewrap;
  return 0;
}

void filo_rewrap_free(struct filo_rewrap *rewrap) {
  if (!rewrap) return;
  struct filo_store *store = rewrap->draft.store;
  filo_draft_free(&rewrap->draft, false);
  filo_close_fd(&rewrap->source);
  free(rewrap->label);
  free(rewrap->record);
  free(rewrap);
  filo_store_close(store);
}

/* --- copying --- */

/* All at once, by sharing blocks; false where the file system cannot. */
static bool share_blocks(struct filo_rewrap *rewrap) {
  if (ioctl(rewrap->draft.fd, FICLONE, rewrap->source) < 0) return false;
  rewrap->copied = rewrap->length;
  return true;
}

/* Where the kernel cannot. */
static int copy_bytes(struct filo_rewrap *rewrap, size_t len, struct filo_error *err) {
  unsigned char buffer[BUFFER_BYTES];
  if (len > sizeof buffer) len = sizeof buffer;
  int rc = filo_read_full(rewrap->source, rewrap->label, rewrap->copied, buffer, len, err);
  if (rc == 0) rc = filo_draft_write(&rewrap->draft, buffer, len, rewrap->copied, err);
  if (rc == 0) rewrap->copied += len;
  return rc;
}

/* What it cannot copy, or does not know how to, is read and written, which tells why. */
static int copy_some(struct filo_rewrap *rewrap, size_t len, struct filo_error *err) {
  loff_t from = (loff_t)rewrap->copied, to = from;
  ssize_t n = copy_file_range(rewrap->source, &from, rewrap->draft.fd, &to, len, 0);
  if (n <= 0) return copy_bytes(rewrap, len, err);
  rewrap->copied += (uint64_t)n;
  filo_draft_keep_promise(&rewrap->draft, (uint64_t)n);
  return 0;
}

/* The list is small, and is what a reader goes by: that it is good is known before anything is
 * published. */
static int check_hashes(struct filo_rewrap *rewrap, struct filo_error *err) {
  unsigned char page[8192], found[FILO_HASH_SIZE];
  const struct filo_record *fields = &rewrap->draft.fields;
  blake3_hasher root;
  filo_chunk_hash_begin_root(&root);
  for (uint64_t at = fields->size; at < rewrap->length; at += sizeof page) {
    uint64_t left = rewrap->length - at;
    size_t len = left < sizeof page ? (size_t)left : sizeof page;
    int rc = filo_read_full(rewrap->draft.fd, rewrap->label, at, page, len, err);
    if (rc < 0) return rc;
    blake3_hasher_update(&root, page, len);
  }
  filo_chunk_hash_take(&root, found);
  if (memcmp(found, fields->root, sizeof found) == 0) return 0;
  return filo_fail(err, FILO_NOT_FOUND, "%s has other chunk hashes than its record says",
                   rewrap->label);
}

static int write_end(struct filo_rewrap *rewrap, struct filo_error *err) {
  unsigned char footer[FILO_FOOTER_SIZE];
  filo_footer_put(footer, rewrap->record_len);
  if (ftruncate(rewrap->draft.fd, (off_t)rewrap->length) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot rewrap %s", rewrap->label);
  }
  int rc =
      filo_draft_write(&rewrap->draft, rewrap->record, rewrap->record_len, rewrap->length, err);
  uint64_t end = rewrap->length + rewrap->record_len;
  return rc < 0 ? rc : filo_draft_write(&rewrap->draft, footer, sizeof footer, end, err);
}

int filo_rewrap_step(struct filo_rewrap *rewrap, struct filo_error *err) {
  /* The kernel hashes nothing of what it copies: nobody has seen these bytes. */
  if (rewrap->copied == 0 && rewrap->length > 0 && !share_blocks(rewrap))
    rewrap->draft.verified = FILO_NEVER_VERIFIED;
  uint64_t stop = rewrap->copied + STEP_BYTES;
  if (stop > rewrap->length) stop = rewrap->length;
  while (rewrap->copied < stop) {
    int rc = copy_some(rewrap, (size_t)(stop - rewrap->copied), err);
    if (rc < 0) return rc;
  }
  if (rewrap->copied < rewrap->length) return 1;
  int rc = check_hashes(rewrap, err);
  return rc < 0 ? rc : write_end(rewrap, err);
}

void filo_rewrap_publish(struct filo_rewrap *rewrap, filo_published_fn *fn, void *ctx) {
  filo_draft_publish(&rewrap->draft, rewrap->draft.path, fn, ctx);
}
