#include "store/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bytes.h"
#include "store/internal.h"

struct filo_object {
  atomic_uint refs;
  int fd;
  char *label;
  const char *path; /* its end */
  unsigned char *record;
  size_t record_len;
  struct timespec modified; /* before it was read; 0: that is not known */
  unsigned char *in_hand;   /* the body, where there is no file; of a small file, the content */
  struct filo_body body;
};

static unsigned char *copy(const unsigned char *bytes, size_t len) {
  unsigned char *out = malloc(len + 1);
  if (out) memcpy(out, bytes, len);
  return out;
}

static int load_body(struct filo_object *object, const unsigned char *ns,
                     const struct filo_trailer *trailer, struct filo_error *err) {
  if (memcmp(ns, trailer->fields.ns, FILO_ID_SIZE) != 0)
    return filo_fail(err, FILO_CORRUPT, "%s is of another namespace", object->label);
  int rc = filo_body_init(&object->body, object->fd, object->label, &trailer->fields, err);
  if (rc < 0) return rc;
  rc = filo_hash_list_load(&object->body, filo_trailer_hashes(trailer), err);
  if (rc < 0) filo_body_free(&object->body);
  return rc;
}

/* Takes what is in the trailer, or frees it. */
static int load_rest(struct filo_object *object, const unsigned char *ns,
                     struct filo_trailer *trailer, struct filo_error *err) {
  int rc = load_body(object, ns, trailer, err);
  if (rc < 0) {
    filo_trailer_free(trailer);
    return rc;
  }
  object->record = trailer->record;
  object->record_len = trailer->record_len;
  object->modified = trailer->modified;
  return 0;
}

static int load_once(struct filo_object *object, const unsigned char *ns, unsigned how,
                     struct filo_error *err) {
  struct filo_trailer trailer;
  int rc = filo_trailer_read(object->fd, object->label, how & FILO_READ_UNSIGNED, &trailer, err);
  return rc < 0 ? rc : load_rest(object, ns, &trailer, err);
}

static int load_at_once(struct filo_object *object, const unsigned char *ns, unsigned how) {
  struct filo_trailer trailer;
  if (filo_trailer_read_at_once(object->fd, how & FILO_READ_UNSIGNED, &trailer) < 0)
    return FILO_BUSY;
  bool has_hashes = filo_trailer_hashes(&trailer) != NULL;
  if (!has_hashes) filo_trailer_free(&trailer);
  if (!has_hashes || load_rest(object, ns, &trailer, NULL) < 0) return FILO_BUSY;
  const unsigned char *content = filo_trailer_content(&trailer);
  if (content) object->in_hand = copy(content, (size_t)trailer.fields.size);
  object->body.content = object->in_hand;
  return 0;
}

static int load(struct filo_object *object, const unsigned char *ns, unsigned how,
                struct filo_error *err) {
  if (how & FILO_READ_AT_ONCE) return load_at_once(object, ns, how);
  if (how & FILO_READ_AFRESH) filo_forget_cached(object->fd);
  int rc = load_once(object, ns, how, err);
  if (rc != FILO_CORRUPT) return rc;
  filo_forget_cached(object->fd);
  return load_once(object, ns, how, err);
}

/* Takes fd and label also when it fails. */
int filo_object_open_file(int fd, char *label, const unsigned char ns[FILO_ID_SIZE],
                          const char *path, unsigned how, struct filo_object **ret,
                          struct filo_error *err) {
  struct filo_object *object = label ? malloc(sizeof *object) : NULL;
  int rc;
  if (object) {
    atomic_init(&object->refs, 1);
    object->fd = fd;
    object->in_hand = NULL;
    object->label = label;
    object->path = label + strlen(label) - strlen(path);
    rc = load(object, ns, how, err);
  } else {
    rc = filo_fail(err, FILO_NO_MEMORY, "no memory to open an object");
  }
  if (rc == 0) {
    *ret = object;
    return 0;
  }
  free(object);
  free(label);
  close(fd);
  return rc;
}

static int open_file(struct filo_store *store, const unsigned char ns[32], const char *path,
                     unsigned how, int *ret_fd, struct filo_error *err) {
  return how & FILO_READ_AT_ONCE ? filo_location_open_cached(store, ns, path, ret_fd, err)
                                 : filo_location_open_file(store, ns, path, ret_fd, err);
}

int filo_object_open(struct filo_store *store, const unsigned char ns[32], const char *path,
                     unsigned how, struct filo_object **ret, struct filo_error *err) {
  int fd, rc = open_file(store, ns, path, how, &fd, err);
  if (rc < 0) return rc;
  return filo_object_open_file(fd, filo_location_label(store, ns, path), ns, path, how, ret, err);
}

bool filo_object_is_there(struct filo_store *store, const unsigned char ns[32], const char *path) {
  return !filo_location_is_free(store, ns, path);
}

static int take_body(struct filo_object *object, const struct filo_record *fields,
                     struct filo_error *err) {
  if (!object->record || !object->in_hand || !object->label)
    return filo_fail(err, FILO_NO_MEMORY, "no memory to open an object");
  int rc = filo_body_init(&object->body, -1, object->label, fields, err);
  if (rc < 0) return rc;
  rc = filo_hash_list_load(&object->body, object->in_hand, err);
  if (rc < 0) filo_body_free(&object->body);
  return rc;
}

static struct filo_object *new_in_hand(const unsigned char *record, size_t record_len,
                                       const unsigned char *body, size_t body_len) {
  struct filo_object *object = calloc(1, sizeof *object);
  if (!object) return NULL;
  atomic_init(&object->refs, 1);
  object->fd = -1;
  object->record = copy(record, record_len);
  object->record_len = record_len;
  object->in_hand = copy(body, body_len);
  object->label = strdup("what has come");
  object->path = object->label;
  return object;
}

int filo_object_in_hand(const unsigned char *record, size_t record_len, const unsigned char *body,
                        size_t body_len, struct filo_object **ret, struct filo_error *err) {
  struct filo_record fields;
  int rc = filo_record_peek(record, record_len, &fields, err);
  if (rc < 0) return rc;
  if (!filo_record_is_checked(record, record_len)) return FILO_BUSY;
  if (!filo_record_vouches(&fields, body, body_len))
    return filo_fail(err, FILO_CORRUPT, "what has come does not match its record");
  struct filo_object *object = new_in_hand(record, record_len, body, body_len);
  if (!object) return filo_fail(err, FILO_NO_MEMORY, "no memory to open an object");
  rc = take_body(object, &fields, err);
  if (rc < 0) {
    free(object->record);
    free(object->in_hand);
    free(object->label);
    free(object);
    return rc;
  }
  object->body.content = object->in_hand + FILO_HASH_SIZE * filo_chunk_count(fields.size);
  if (fields.size > 0) filo_body_mark(&object->body, 0);
  *ret = object;
  return 0;
}

struct filo_object *filo_object_ref(struct filo_object *object) {
  atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
  return object;
}

void filo_object_unref(struct filo_object *object) {
  if (!object || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1) return;
  filo_body_free(&object->body);
  free(object->record);
  free(object->in_hand);
  filo_close_fd(&object->fd);
  free(object->label);
  free(object);
}

const struct filo_record *filo_object_fields(const struct filo_object *object) {
  return &object->body.fields;
}

const unsigned char *filo_object_record(const struct filo_object *object, size_t *len) {
  *len = object->record_len;
  return object->record;
}

int filo_object_stat(struct filo_store *store, const unsigned char ns[32], const char *path,
                     unsigned how, struct filo_record *fields, unsigned char **record,
                     size_t *record_len, struct filo_error *err) {
  FILO_AUTO_CLOSE int fd = -1;
  int rc = open_file(store, ns, path, how, &fd, err);
  if (rc < 0) return rc;
  FILO_AUTO_FREE char *label = filo_location_label(store, ns, path);
  if (!label) return filo_fail(err, FILO_NO_MEMORY, "no memory to look at an object");
  struct filo_trailer trailer;
  rc = how & FILO_READ_AT_ONCE ? filo_trailer_read_at_once(fd, false, &trailer)
                               : filo_trailer_read(fd, label, false, &trailer, err);
  if (rc < 0) return rc;
  if (memcmp(ns, trailer.fields.ns, FILO_ID_SIZE) != 0) {
    filo_trailer_free(&trailer);
    return filo_fail(err, FILO_CORRUPT, "%s is of another namespace", label);
  }
  *fields = trailer.fields;
  *record = trailer.record;
  *record_len = trailer.record_len;
  return 0;
}

void filo_object_set_key(struct filo_object *object, const unsigned char key[FILO_KEY_SIZE]) {
  filo_body_set_key(&object->body, key);
}

int filo_object_read_at_once(struct filo_object *object, unsigned char *out,
                             struct filo_error *err) {
  return filo_body_read_at_once(&object->body, out, err);
}

int64_t filo_object_read(struct filo_object *object, uint64_t offset, unsigned char *out,
                         size_t len, struct filo_error *err) {
  return filo_body_read(&object->body, offset, out, len, err);
}

/* Up to len bytes of a part of the file that has `size` bytes and starts at `base`. */
static int64_t read_part(struct filo_object *object, uint64_t base, uint64_t size, uint64_t offset,
                         unsigned char *out, size_t len, struct filo_error *err) {
  if (offset >= size) return 0;
  if (len > size - offset) len = (size_t)(size - offset);
  int rc = filo_read_full(object->fd, object->label, base + offset, out, len, err);
  return rc < 0 ? rc : (int64_t)len;
}

int64_t filo_object_read_sealed(struct filo_object *object, uint64_t offset, unsigned char *out,
                                size_t len, struct filo_error *err) {
  return read_part(object, 0, object->body.fields.size, offset, out, len, err);
}

int64_t filo_object_read_hashes(struct filo_object *object, uint64_t offset, unsigned char *out,
                                size_t len, struct filo_error *err) {
  uint64_t size = object->body.fields.size;
  return read_part(object, size, FILO_HASH_SIZE * filo_chunk_count(size), offset, out, len, err);
}

int filo_object_read_body(struct filo_object *object, unsigned how, unsigned char *out,
                          struct filo_error *err) {
  uint64_t size = object->body.fields.size;
  size_t hashes = FILO_HASH_SIZE * (size_t)filo_chunk_count(size);
  if (how & FILO_READ_AT_ONCE) return filo_body_sealed_at_once(&object->body, out) ? 0 : FILO_BUSY;
  int64_t n = filo_object_read_hashes(object, 0, out, hashes, err);
  if (n >= 0) n = filo_object_read_sealed(object, 0, out + hashes, (size_t)size, err);
  return n < 0 ? (int)n : 0;
}

static int check_index(const struct filo_object *object, uint64_t index, struct filo_error *err) {
  if (index < filo_chunk_count(object->body.fields.size)) return 0;
  return filo_fail(err, FILO_INVALID, "%s has no chunk %llu", object->label,
                   (unsigned long long)index);
}

int filo_object_verify_chunk(struct filo_object *object, uint64_t index, struct filo_error *err) {
  int rc = check_index(object, index, err);
  return rc < 0 ? rc : filo_body_verify(&object->body, index, err);
}

int filo_object_prove_chunk(struct filo_object *object, uint64_t index,
                            const unsigned char key[FILO_HASH_SIZE],
                            unsigned char hash[FILO_HASH_SIZE], struct filo_error *err) {
  int rc = check_index(object, index, err);
  return rc < 0 ? rc : filo_body_prove(&object->body, index, key, hash, err);
}

int filo_object_compare_chunk(struct filo_object *object, int fd, uint64_t index,
                              struct filo_error *err) {
  const struct filo_body *body = &object->body;
  int rc = check_index(object, index, err);
  if (rc < 0) return rc;
  if (!(body->fields.flags & FILO_PLAIN) && !body->has_key)
    return filo_fail(err, FILO_INVALID, "%s is encrypted: its content key is needed to compare it",
                     object->label);
  return filo_body_compare(&object->body, fd, index, err);
}

int filo_object_set_aside(struct filo_object *object, struct filo_store *store, const char *path,
                          struct filo_error *err) {
  struct stat st;
  if (fstat(object->fd, &st) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot examine %s", object->label);
  }
  struct filo_bad of = {.version = object->body.fields.version};
  memcpy(of.key_hash, object->body.fields.key_hash, sizeof of.key_hash);
  return filo_set_aside(store, object->body.fields.ns, path, &st, &of, err);
}

int64_t filo_object_verified(const struct filo_object *object) {
  return filo_verified_at(object->fd);
}

bool filo_object_bringer(const struct filo_object *object, unsigned char ret[FILO_ID_SIZE]) {
  return filo_brought_by(object->fd, ret);
}

/* Then what was hashed may be something else than what is there now. */
static bool was_written_to(const struct filo_object *object) {
  struct stat st;
  const struct timespec *before = &object->modified;
  return before->tv_sec && (fstat(object->fd, &st) < 0 || st.st_mtim.tv_sec != before->tv_sec ||
                            st.st_mtim.tv_nsec != before->tv_nsec);
}

void filo_object_mark_verified(const struct filo_object *object, struct filo_store *store) {
  if (store->readonly || was_written_to(object)) return;
  filo_verified_note(object->fd, time(NULL));
  pthread_mutex_lock(&store->names);
  filo_store_changed(store, object->body.fields.ns, object->path);
  pthread_mutex_unlock(&store->names);
}
