/* The partial file has the final layout, so a chunk lands where it stays. Which chunks are there is
 * known from memory only; after a restart, data extents are hashed again (holes cost nothing). */
#include "store/partial_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/chunk_hash.h"
#include "store/internal.h"

struct filo_partial_file {
  struct filo_draft draft;
  struct filo_body body;
  char *label;
  unsigned char *record;
  size_t record_len;
  char name[FILO_PART_NAME]; /* of the partial; "" for an object that came whole */
  struct filo_part *part;    /* in use by this */
  bool loaded;               /* with a body to free */
  bool unread;               /* what is there may be good: it stays */
  bool makes_room;           /* by what it deletes */
  bool outside;              /* in a file of the caller's, to be turned into the content */
  atomic_bool has_hashes, allocated;
  uint64_t hashes_len; /* bytes of the hash list so far */
};

static uint64_t chunks_of(const struct filo_partial_file *file) {
  return filo_chunk_count(file->draft.fields.size);
}

static uint64_t hashes_at(const struct filo_partial_file *file) {
  return file->draft.fields.size;
}

static uint64_t record_at(const struct filo_partial_file *file) {
  return hashes_at(file) + FILO_HASH_SIZE * chunks_of(file);
}

static uint64_t end_of(const struct filo_partial_file *file) {
  return record_at(file) + file->record_len + FILO_FOOTER_SIZE;
}

/* Whether it is a tombstone, and what it takes the place of is no smaller. */
static bool makes_room(const struct filo_partial_file *file, uint64_t total) {
  const struct filo_draft *draft = &file->draft;
  struct filo_location location;
  struct stat st;
  if (!(draft->fields.flags & FILO_TOMBSTONE) ||
      filo_location_open(draft->store, draft->fields.ns, draft->path, false, &location, NULL) < 0)
    return false;
  bool there = fstatat(location.fd, location.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  filo_location_close(&location);
  return there && (uint64_t)st.st_size >= total;
}

/* Room for what is not here yet. What makes room itself may use the reserve meanwhile. */
static int promise(struct filo_partial_file *file, uint64_t here, struct filo_error *err) {
  uint64_t total = end_of(file);
  file->makes_room = makes_room(file, total);
  if (file->makes_room || here >= total) return 0;
  return filo_draft_promise(&file->draft, total - here, err);
}

/* --- opening --- */

static int copy_record(struct filo_partial_file *file, const unsigned char *record,
                       struct filo_error *err) {
  file->record = malloc(file->record_len);
  if (!file->record || asprintf(&file->label, "%s/tmp/%s", file->draft.store->root,
                                *file->name ? file->name : "(received)") < 0) {
    file->label = NULL;
    return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  }
  memcpy(file->record, record, file->record_len);
  return 0;
}

static int new_file(struct filo_store *store, const char *path, const unsigned char *record,
                    size_t record_len, bool partial, unsigned how, struct filo_partial_file **ret,
                    struct filo_error *err) {
  struct filo_record fields;
  char name[FILO_PART_NAME] = "";
  int rc = how & FILO_PARTIAL_TRUSTED ? filo_record_peek(record, record_len, &fields, err)
                                      : filo_record_parse(record, record_len, &fields, err);
  if (rc == 0 && partial) rc = filo_part_name(&fields, record, record_len, name, err);
  if (rc < 0) return rc;
  struct filo_partial_file *file = calloc(1, sizeof *file);
  if (!file) return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  filo_draft_init(&file->draft, filo_store_ref(store));
  file->draft.fields = fields;
  strcpy(file->draft.path, path); /* its length was checked with the path */
  strcpy(file->name, name);
  file->record_len = record_len;
  rc = copy_record(file, record, err);
  if (rc < 0) {
    filo_partial_file_free(file);
    return rc;
  }
  *ret = file;
  return 0;
}

/* What is at the path is looked at when the partial counts as in use: what is published from then
 * on takes it for superseded. */
static int take_name(struct filo_partial_file *file, unsigned how, struct filo_error *err) {
  struct filo_store *store = file->draft.store;
  struct filo_error busy;
  int taken = *file->name ? filo_part_begin(store, file->name, &file->part, &busy) : 0;
  int rc = how & FILO_PARTIAL_BESIDE
               ? 0
               : filo_publish_check(store, file->draft.path, &file->draft.fields, err);
  if (file->part && (rc == FILO_EXISTS || rc == FILO_INVALID)) {
    filo_part_end(store, file->part, false);
    file->part = NULL;
  }
  return rc == 0 && taken < 0 ? filo_fail(err, taken, "%s", busy.message) : rc;
}

/* Verifies the chunks that lie wholly within the data from `from` to `to`. */
static void verify_extent(struct filo_partial_file *file, uint64_t from, uint64_t to) {
  uint64_t index = filo_chunk_count(from);
  for (; index < chunks_of(file); index++) {
    size_t len = filo_chunk_length(file->draft.fields.size, index);
    if (index * FILO_CHUNK_SIZE + len > to) return;
    filo_body_verify(&file->body, index, NULL);
  }
}

/* A new file is left alone: ext4 would write all of one that was cut to nothing once it is closed,
 * which the loop does. */
static int make_empty(const struct filo_partial_file *file, struct filo_error *err) {
  struct stat st;
  bool empty = fstat(file->draft.fd, &st) == 0 && st.st_size == 0 && st.st_blocks == 0;
  if (empty || ftruncate(file->draft.fd, 0) == 0) return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot write %s", file->label);
}

/* What an interrupted transfer left counts as far as it verifies, and no further: an unreadable
 * chunk is a missing one. Without the list nothing is known; it may be readable in a while. */
static int resume(struct filo_partial_file *file, struct filo_error *err) {
  int fd = file->draft.fd;
  struct filo_error why;
  int rc = filo_hash_list_load(&file->body, NULL, &why);
  if (rc == FILO_CORRUPT) return make_empty(file, err);
  file->unread = rc < 0;
  if (rc < 0) return filo_fail(err, rc, "%s; it is kept: remove it if that lasts", why.message);
  atomic_store(&file->has_hashes, true);
  for (off_t from = 0, to; (from = lseek(fd, from, SEEK_DATA)) >= 0; from = to) {
    to = lseek(fd, from, SEEK_HOLE);
    if (to <= from) break;
    verify_extent(file, (uint64_t)from, (uint64_t)to);
  }
  return 0;
}

static int allocate(struct filo_partial_file *file, struct filo_error *err) {
  if (atomic_exchange(&file->allocated, true)) return 0;
  return filo_draft_allocate(&file->draft, end_of(file), err);
}

/* Room is taken last: a partial without a valid list gives all of its own back, and one that turns
 * out good is kept when there is not enough. One of which no chunk has come has a promise only. */
static int take_room(struct filo_partial_file *file, struct filo_error *err) {
  struct stat st;
  bool seen = fstat(file->draft.fd, &st) == 0;
  int rc = promise(file, seen ? (uint64_t)st.st_blocks * 512 : 0, err);
  return rc < 0 || !filo_body_any(&file->body) ? rc : allocate(file, err);
}

static int start(struct filo_partial_file *file, struct filo_error *err) {
  struct filo_draft *draft = &file->draft;
  int rc = filo_body_init(&file->body, -1, file->label, &draft->fields, err);
  if (rc < 0) return rc;
  file->loaded = true;
  rc = filo_draft_create(draft, file->name, err);
  if (rc < 0) return rc;
  file->body.fd = draft->fd;
  if (chunks_of(file) == 0)
    atomic_store(&file->has_hashes, true);
  else
    rc = resume(file, err);
  return rc < 0 ? rc : take_room(file, err);
}

int filo_partial_file_open(struct filo_store *store, const char *path, const unsigned char *record,
                           size_t record_len, unsigned how, struct filo_partial_file **ret,
                           struct filo_error *err) {
  struct filo_partial_file *file;
  int rc = new_file(store, path, record, record_len, true, how, &file, err);
  if (rc < 0) return rc;
  rc = take_name(file, how, err);
  if (rc == 0) rc = start(file, err);
  if (rc < 0) {
    filo_partial_file_free(file);
    return rc;
  }
  *ret = file;
  return 0;
}

int filo_partial_file_outside(struct filo_store *store, int fd, const unsigned char *record,
                              size_t record_len, struct filo_partial_file **ret,
                              struct filo_error *err) {
  struct filo_partial_file *file;
  int rc = new_file(store, "", record, record_len, false, 0, &file, err);
  if (rc < 0) {
    close(fd);
    return rc;
  }
  file->outside = true;
  file->draft.fd = fd;
  file->draft.outside = "the file that an object is fetched to";
  rc = filo_body_init(&file->body, fd, file->draft.outside, &file->draft.fields, err);
  file->loaded = rc == 0;
  atomic_store(&file->has_hashes, chunks_of(file) == 0);
  atomic_store(&file->allocated, true); /* its room is the caller's matter */
  if (rc < 0)
    filo_partial_file_free(file);
  else
    *ret = file;
  return rc;
}

/* A partial that is kept for resuming takes no room for the chunks that it lacks. */
static void give_back_missing(struct filo_partial_file *file) {
  uint64_t chunks = chunks_of(file), to;
  for (uint64_t from = 0; (from = filo_body_missing(&file->body, from)) < chunks; from = to) {
    for (to = from + 1; to < chunks && !filo_body_has(&file->body, to);) to++;
    uint64_t end = to < chunks ? to * FILO_CHUNK_SIZE : hashes_at(file);
    filo_draft_give_back(&file->draft, from * FILO_CHUNK_SIZE, end);
  }
}

void filo_partial_file_free(struct filo_partial_file *file) {
  if (!file) return;
  struct filo_store *store = file->draft.store;
  int failed = file->draft.err.code;
  bool useful = file->loaded && *file->name && failed != FILO_EXISTS && failed != FILO_INVALID &&
                filo_body_any(&file->body);
  if (useful) give_back_missing(file);
  bool opened = *file->draft.name; /* and not published */
  bool keeps = useful || file->unread || !opened;
  filo_draft_free(&file->draft, keeps);
  if (file->part) filo_part_end(store, file->part, keeps);
  if (file->loaded) filo_body_free(&file->body);
  free(file->label);
  free(file->record);
  free(file);
  filo_store_close(store);
}

void filo_partial_file_set_bringer(struct filo_partial_file *file, const unsigned char *by) {
  filo_draft_set_bringer(&file->draft, by);
}

const struct filo_record *filo_partial_file_fields(const struct filo_partial_file *file) {
  return &file->draft.fields;
}

/* --- what arrives --- */

bool filo_partial_file_has_hashes(const struct filo_partial_file *file) {
  return atomic_load(&file->has_hashes);
}

int filo_partial_file_hashes(struct filo_partial_file *file, const unsigned char *bytes, size_t len,
                             struct filo_error *err) {
  uint64_t total = FILO_HASH_SIZE * chunks_of(file);
  if (filo_partial_file_has_hashes(file))
    return filo_fail(err, FILO_INVALID, "the hash list is here already");
  if (len > total - file->hashes_len) {
    file->hashes_len = 0;
    return filo_fail(err, FILO_CORRUPT, "the hash list is longer than %llu bytes",
                     (unsigned long long)total);
  }
  uint64_t offset = hashes_at(file) + file->hashes_len;
  int rc = filo_draft_write(&file->draft, bytes, len, offset, err);
  if (rc < 0) return rc;
  file->hashes_len += len;
  if (file->hashes_len < total) return 0;
  file->hashes_len = 0;
  rc = filo_hash_list_load(&file->body, NULL, err);
  if (rc == 0) atomic_store(&file->has_hashes, true);
  return rc;
}

bool filo_partial_file_has(struct filo_partial_file *file, uint64_t index) {
  return index < chunks_of(file) && filo_body_has(&file->body, index);
}

uint64_t filo_partial_file_missing(struct filo_partial_file *file, uint64_t from) {
  return filo_body_missing(&file->body, from);
}

static int check_bytes(uint64_t index, const unsigned char *bytes, size_t len,
                       const unsigned char wanted[FILO_HASH_SIZE], struct filo_error *err) {
  unsigned char found[FILO_HASH_SIZE];
  filo_chunk_hash(bytes, len, found);
  if (memcmp(found, wanted, sizeof found) == 0) return 0;
  return filo_fail(err, FILO_CORRUPT, "chunk %llu does not match its hash",
                   (unsigned long long)index);
}

int filo_partial_file_chunk(struct filo_partial_file *file, uint64_t index,
                            const unsigned char *bytes, size_t len, struct filo_error *err) {
  if (index >= chunks_of(file) || !filo_partial_file_has_hashes(file))
    return filo_fail(err, FILO_INVALID, "chunk %llu is not expected (now)",
                     (unsigned long long)index);
  if (len != filo_chunk_length(file->draft.fields.size, index))
    return filo_fail(err, FILO_CORRUPT, "chunk %llu has another length than its record says",
                     (unsigned long long)index);
  if (filo_body_has(&file->body, index)) return 0;
  unsigned char wanted[FILO_HASH_SIZE];
  int rc = filo_hash_list_get(&file->body, index, wanted, err);
  if (rc == 0) rc = check_bytes(index, bytes, len, wanted, err);
  if (rc == 0) rc = allocate(file, err);
  if (rc < 0) return rc;
  uint64_t offset = index * FILO_CHUNK_SIZE;
  rc = filo_draft_write(&file->draft, bytes, len, offset, err);
  if (rc < 0) return rc;
  filo_draft_start_flush(&file->draft, offset, len);
  filo_body_mark(&file->body, index);
  return 0;
}

void filo_partial_file_set_key(struct filo_partial_file *file,
                               const unsigned char key[FILO_KEY_SIZE]) {
  filo_body_set_key(&file->body, key);
}

int64_t filo_partial_file_read(struct filo_partial_file *file, uint64_t offset, unsigned char *out,
                               size_t len, struct filo_error *err) {
  if (offset >= file->draft.fields.size) return 0;
  uint64_t first = offset / FILO_CHUNK_SIZE, missing = filo_body_missing(&file->body, first);
  if (missing == first)
    return filo_fail(err, FILO_NOT_FOUND, "chunk %llu is not here yet", (unsigned long long)first);
  uint64_t here = missing * FILO_CHUNK_SIZE - offset;
  return filo_body_read(&file->body, offset, out, len < here ? len : (size_t)here, err);
}

/* --- the end --- */

static int write_end(struct filo_partial_file *file, struct filo_error *err) {
  struct filo_draft *draft = &file->draft;
  if (!filo_partial_file_has_hashes(file) || filo_body_missing(&file->body, 0) < chunks_of(file))
    return filo_fail(err, FILO_INVALID, "an object must be whole to be published");
  unsigned char footer[FILO_FOOTER_SIZE];
  filo_footer_put(footer, file->record_len);
  uint64_t at = record_at(file);
  if (ftruncate(draft->fd, (off_t)end_of(file)) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot write %s", file->label);
  }
  int rc = filo_draft_write(draft, file->record, file->record_len, at, err);
  at += file->record_len;
  return rc < 0 ? rc : filo_draft_write(draft, footer, sizeof footer, at, err);
}

static int unseal_chunk(struct filo_partial_file *file, uint64_t offset, unsigned char *space,
                        struct filo_error *err) {
  int64_t len = filo_partial_file_read(file, offset, space, FILO_CHUNK_SIZE, err);
  if (len < 0) return (int)len;
  return filo_draft_write(&file->draft, space, (size_t)len, offset, err);
}

/* The content takes the place of its ciphertext, in the same file. */
static int unseal(struct filo_partial_file *file, struct filo_error *err) {
  uint64_t size = file->draft.fields.size;
  FILO_AUTO_FREE unsigned char *space = malloc(FILO_CHUNK_SIZE);
  if (!space) return filo_fail(err, FILO_NO_MEMORY, "no memory to write an object");
  if (filo_body_missing(&file->body, 0) < chunks_of(file))
    return filo_fail(err, FILO_INVALID, "an object must be whole to be written");
  int rc = 0;
  for (uint64_t at = 0; rc == 0 && at < size; at += FILO_CHUNK_SIZE)
    rc = unseal_chunk(file, at, space, err);
  if (rc < 0 || ftruncate(file->draft.fd, (off_t)size) == 0) return rc;
  int error = errno;
  return filo_fail_errno(err, error, "cannot write %s", file->draft.outside);
}

void filo_partial_file_publish(struct filo_partial_file *file, filo_published_fn *fn, void *ctx) {
  struct filo_error err = {0};
  int rc = file->outside ? unseal(file, &err) : *file->name ? write_end(file, &err) : 0;
  if (rc < 0 || file->outside)
    fn(ctx, rc, &err);
  else
    filo_draft_publish(&file->draft, file->draft.path, fn, ctx);
}

void filo_partial_file_published(struct filo_partial_file *file) {
  if (file->part) filo_part_end(file->draft.store, file->part, false);
  file->part = NULL;
}

/* --- a whole one --- */

static int write_whole(struct filo_partial_file *file, const unsigned char *body,
                       struct filo_error *err) {
  struct filo_draft *draft = &file->draft;
  size_t list = (size_t)FILO_HASH_SIZE * (size_t)chunks_of(file);
  unsigned char footer[FILO_FOOTER_SIZE];
  filo_footer_put(footer, file->record_len);
  const struct iovec parts[] = {
      {(void *)(body + list), draft->fields.size},
      {(void *)body, list},
      {file->record, file->record_len},
      {footer, sizeof footer},
  };
  int rc = draft->fd < 0 ? filo_draft_create(draft, NULL, err) : 0;
  return rc < 0 ? rc : filo_draft_write_parts(draft, parts, sizeof parts / sizeof *parts, err);
}

static int take_whole(struct filo_partial_file *file, const unsigned char *body, size_t body_len,
                      struct filo_error *err) {
  struct filo_draft *draft = &file->draft;
  uint64_t size = draft->fields.size, chunks = chunks_of(file), list = FILO_HASH_SIZE * chunks;
  if (body_len != list + size)
    return filo_fail(err, FILO_CORRUPT, "%zu bytes where the record says %llu", body_len,
                     (unsigned long long)(list + size));
  int rc = filo_body_init(&file->body, -1, file->label, &draft->fields, err);
  if (rc < 0) return rc;
  file->loaded = true;
  rc = filo_hash_list_load(&file->body, body, err);
  for (uint64_t i = 0; rc == 0 && i < chunks; i++) {
    const unsigned char *chunk = body + list + i * FILO_CHUNK_SIZE;
    size_t len = filo_chunk_length(size, i);
    rc = check_bytes(i, chunk, len, body + i * FILO_HASH_SIZE, err);
    if (rc == 0) filo_body_mark(&file->body, i);
  }
  atomic_store(&file->has_hashes, true);
  if (rc == 0) rc = promise(file, 0, err);
  if (rc == 0) rc = write_whole(file, body, err);
  /* On a disk without a free byte, what a tombstone deletes goes first. */
  if (rc == FILO_NO_SPACE && file->makes_room &&
      filo_store_remove(draft->store, draft->fields.ns, draft->path, 0, false, NULL) == 0)
    rc = write_whole(file, body, err);
  file->body.fd = draft->fd;
  return rc;
}

int filo_partial_file_whole(struct filo_store *store, const char *path, const unsigned char *record,
                            size_t record_len, const unsigned char *body, size_t body_len,
                            unsigned how, struct filo_partial_file **ret, struct filo_error *err) {
  struct filo_partial_file *file;
  int rc = new_file(store, path, record, record_len, false, how, &file, err);
  if (rc < 0) return rc;
  rc = take_name(file, how, err);
  if (rc == 0) rc = take_whole(file, body, body_len, err);
  if (rc < 0) {
    filo_partial_file_free(file);
    return rc;
  }
  *ret = file;
  return 0;
}
