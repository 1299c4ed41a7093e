/* The partial file has the final layout, so a chunk lands where it stays. Which chunks are there is
 * known from memory only; after a restart, data extents are hashed again (holes cost nothing). */
#include "store/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "store/internal.h"

struct filo_incoming {
  struct filo_draft draft;
  struct filo_body body;
  char *label;
  unsigned char *record;
  size_t record_len;
  char name[FILO_NS_DIGITS + sizeof ".part"]; /* of the partial; "" for an object that came whole */
  bool listed, loaded;                        /* in the store's table; with a body to free */
  bool unread;                                /* what is there may be good: it stays */
  bool makes_room;                            /* by what it deletes */
  atomic_bool has_hashes;
  uint64_t hashes_len; /* bytes of the hash list so far */
  struct filo_incoming *next;
};

static uint64_t chunks_of(const struct filo_incoming *incoming) {
  return filo_chunk_count(incoming->draft.fields.size);
}

static uint64_t hashes_at(const struct filo_incoming *incoming) {
  return FILO_IV_SIZE + incoming->draft.fields.size;
}

static uint64_t record_at(const struct filo_incoming *incoming) {
  return hashes_at(incoming) + FILO_HASH_SIZE * chunks_of(incoming);
}

/* Whether it is a tombstone, and what it takes the place of is no smaller. */
static bool makes_room(const struct filo_incoming *incoming, uint64_t total) {
  const struct filo_draft *draft = &incoming->draft;
  struct filo_place place;
  struct stat st;
  if (!(draft->fields.flags & FILO_TOMBSTONE) ||
      filo_place_open(draft->store, draft->fields.ns, draft->path, false, &place, NULL) < 0)
    return false;
  bool there = fstatat(place.fd, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  filo_place_close(&place);
  return there && (uint64_t)st.st_size >= total;
}

/* Room for what is not here yet. What makes room itself may use the reserve meanwhile. */
static int promise(struct filo_incoming *incoming, uint64_t here, struct filo_error *err) {
  uint64_t total = record_at(incoming) + incoming->record_len + FILO_FOOTER_SIZE;
  incoming->makes_room = makes_room(incoming, total);
  if (incoming->makes_room || here >= total) return 0;
  return filo_draft_promise(&incoming->draft, total - here, err);
}

/* --- opening --- */

/* "It is here" is an acknowledgement: what was renamed to its place a moment ago, or could not be
 * flushed then, is as durable as a new copy would be. */
static int flush_existing(struct filo_store *store, const struct filo_place *place,
                          const char *path, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  bool needed = store->placed > 0 && store->durability != FILO_DURABLE_NONE;
  pthread_mutex_unlock(&store->names);
  int error = needed ? filo_place_flush(place, place->depth) : 0;
  return error ? filo_fail_errno(err, error, "cannot flush %s for %s", store->root, path)
               : FILO_EXISTS;
}

static int check_path(struct filo_store *store, const char *path, const struct filo_record *fields,
                      struct filo_error *err) {
  struct filo_place place;
  struct filo_error why;
  int rc = filo_place_open(store, fields->ns, path, false, &place, &why);
  if (rc == FILO_NOT_FOUND) return 0;
  if (rc < 0) return filo_fail(err, rc, "%s", why.message);
  rc = filo_place_check(&place, path, fields, err);
  if (rc == FILO_EXISTS) rc = flush_existing(store, &place, path, err);
  filo_place_close(&place);
  return rc;
}

static int copy_record(struct filo_incoming *incoming, const unsigned char *record,
                       struct filo_error *err) {
  incoming->record = malloc(incoming->record_len);
  if (!incoming->record || asprintf(&incoming->label, "%s/tmp/%s", incoming->draft.store->root,
                                    *incoming->name ? incoming->name : "(received)") < 0) {
    incoming->label = NULL;
    return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  }
  memcpy(incoming->record, record, incoming->record_len);
  return 0;
}

static int new_incoming(struct filo_store *store, const char *path, const unsigned char *record,
                        size_t record_len, bool partial, bool beside, struct filo_incoming **ret,
                        struct filo_error *err) {
  struct filo_record fields;
  int rc = filo_record_parse(record, record_len, &fields, err);
  if (rc == 0 && !beside) rc = check_path(store, path, &fields, err);
  unsigned char digest[FILO_HASH_SIZE] = {0};
  if (rc == 0) rc = filo_digest(FILO_SHA256, record, record_len, digest, err);
  if (rc < 0) return rc;
  struct filo_incoming *incoming = calloc(1, sizeof *incoming);
  if (!incoming) return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  filo_draft_init(&incoming->draft, filo_store_ref(store));
  incoming->draft.fields = fields;
  strcpy(incoming->draft.path, path); /* its length was checked with the path */
  incoming->record_len = record_len;
  if (partial) {
    filo_hex(incoming->name, digest, sizeof digest);
    strcat(incoming->name, ".part");
  }
  rc = copy_record(incoming, record, err);
  if (rc < 0) {
    filo_incoming_free(incoming);
    return rc;
  }
  *ret = incoming;
  return 0;
}

static int enlist(struct filo_incoming *incoming, struct filo_error *err) {
  struct filo_store *store = incoming->draft.store;
  int rc = 0;
  pthread_mutex_lock(&store->receiving);
  for (const struct filo_incoming *other = store->incoming; other && rc == 0; other = other->next)
    if (strcmp(other->name, incoming->name) == 0)
      rc = filo_fail(err, FILO_BUSY, "this version is being received already");
  if (rc == 0) {
    incoming->next = store->incoming;
    store->incoming = incoming;
    incoming->listed = true;
  }
  pthread_mutex_unlock(&store->receiving);
  return rc;
}

static void delist(struct filo_incoming *incoming) {
  struct filo_store *store = incoming->draft.store;
  pthread_mutex_lock(&store->receiving);
  struct filo_incoming **at = &store->incoming;
  while (*at != incoming) at = &(*at)->next;
  *at = incoming->next;
  pthread_mutex_unlock(&store->receiving);
}

/* Verifies the chunks that lie wholly within the data from `from` to `to`. */
static void verify_extent(struct filo_incoming *incoming, uint64_t from, uint64_t to) {
  uint64_t index = from <= FILO_IV_SIZE ? 0 : filo_chunk_count(from - FILO_IV_SIZE);
  for (; index < chunks_of(incoming); index++) {
    size_t len = filo_chunk_length(incoming->draft.fields.size, index);
    if (FILO_IV_SIZE + index * FILO_CHUNK_SIZE + len > to) return;
    filo_body_verify(&incoming->body, index, NULL);
  }
}

/* What an interrupted transfer left counts as far as it verifies, and no further: an unreadable
 * chunk is a missing one. Without the list nothing is known; it may be readable in a while. */
static int resume(struct filo_incoming *incoming, struct filo_error *err) {
  int fd = incoming->draft.fd;
  struct filo_error why;
  int rc = filo_body_load(&incoming->body, NULL, &why);
  if (rc == FILO_CORRUPT) {
    if (ftruncate(fd, 0) == 0) return 0;
    int error = errno;
    return filo_fail_errno(err, error, "cannot write %s", incoming->label);
  }
  incoming->unread = rc < 0;
  if (rc < 0) return filo_fail(err, rc, "%s; it is kept: remove it if that lasts", why.message);
  atomic_store(&incoming->has_hashes, true);
  for (off_t from = 0, to; (from = lseek(fd, from, SEEK_DATA)) >= 0; from = to) {
    to = lseek(fd, from, SEEK_HOLE);
    if (to <= from) break;
    verify_extent(incoming, (uint64_t)from, (uint64_t)to);
  }
  return 0;
}

/* Room is taken last: a partial without a valid list gives all of its own back, and one that turns
 * out good is kept when there is not enough. */
static int take_room(struct filo_incoming *incoming, struct filo_error *err) {
  struct filo_draft *draft = &incoming->draft;
  struct stat st;
  bool seen = fstat(draft->fd, &st) == 0;
  int rc = promise(incoming, seen ? (uint64_t)st.st_blocks * 512 : 0, err);
  return rc < 0 || chunks_of(incoming) == 0 ? rc
                                            : filo_draft_allocate(draft, record_at(incoming), err);
}

static int start(struct filo_incoming *incoming, struct filo_error *err) {
  struct filo_draft *draft = &incoming->draft;
  int rc = filo_body_init(&incoming->body, -1, incoming->label, &draft->fields, err);
  if (rc < 0) return rc;
  incoming->loaded = true;
  rc = filo_draft_create(draft, incoming->name, err);
  if (rc < 0) return rc;
  incoming->body.fd = draft->fd;
  if (chunks_of(incoming) == 0)
    atomic_store(&incoming->has_hashes, true);
  else
    rc = resume(incoming, err);
  return rc < 0 ? rc : take_room(incoming, err);
}

int filo_incoming_open(struct filo_store *store, const char *path, const unsigned char *record,
                       size_t record_len, bool beside, struct filo_incoming **ret,
                       struct filo_error *err) {
  struct filo_incoming *incoming;
  int rc = new_incoming(store, path, record, record_len, true, beside, &incoming, err);
  if (rc < 0) return rc;
  rc = enlist(incoming, err);
  if (rc == 0) rc = start(incoming, err);
  if (rc < 0) {
    filo_incoming_free(incoming);
    return rc;
  }
  *ret = incoming;
  return 0;
}

/* A partial that is kept for resuming takes no room for what it lacks. */
static void give_back_missing(struct filo_incoming *incoming) {
  uint64_t chunks = chunks_of(incoming), to;
  for (uint64_t from = 0; (from = filo_body_missing(&incoming->body, from)) < chunks; from = to) {
    for (to = from + 1; to < chunks && !filo_body_has(&incoming->body, to);) to++;
    uint64_t end = to < chunks ? FILO_IV_SIZE + to * FILO_CHUNK_SIZE : hashes_at(incoming);
    filo_draft_give_back(&incoming->draft, FILO_IV_SIZE + from * FILO_CHUNK_SIZE, end);
  }
}

void filo_incoming_free(struct filo_incoming *incoming) {
  if (!incoming) return;
  struct filo_store *store = incoming->draft.store;
  int failed = incoming->draft.err.code;
  bool useful = incoming->loaded && *incoming->name && failed != FILO_EXISTS &&
                failed != FILO_INVALID && filo_body_any(&incoming->body);
  if (useful) give_back_missing(incoming);
  filo_draft_free(&incoming->draft, useful || incoming->unread);
  if (incoming->listed) delist(incoming);
  if (incoming->loaded) filo_body_free(&incoming->body);
  free(incoming->label);
  free(incoming->record);
  free(incoming);
  filo_store_close(store);
}

const struct filo_record *filo_incoming_fields(const struct filo_incoming *incoming) {
  return &incoming->draft.fields;
}

/* --- what arrives --- */

bool filo_incoming_has_hashes(const struct filo_incoming *incoming) {
  return atomic_load(&incoming->has_hashes);
}

int filo_incoming_hashes(struct filo_incoming *incoming, const unsigned char *bytes, size_t len,
                         struct filo_error *err) {
  uint64_t total = FILO_HASH_SIZE * chunks_of(incoming);
  if (filo_incoming_has_hashes(incoming))
    return filo_fail(err, FILO_INVALID, "the hash list is here already");
  if (len > total - incoming->hashes_len) {
    incoming->hashes_len = 0;
    return filo_fail(err, FILO_CORRUPT, "the hash list is longer than %llu bytes",
                     (unsigned long long)total);
  }
  uint64_t offset = hashes_at(incoming) + incoming->hashes_len;
  int rc = filo_draft_write(&incoming->draft, bytes, len, offset, err);
  if (rc < 0) return rc;
  incoming->hashes_len += len;
  if (incoming->hashes_len < total) return 0;
  incoming->hashes_len = 0;
  rc = filo_body_load(&incoming->body, NULL, err);
  if (rc == 0) atomic_store(&incoming->has_hashes, true);
  return rc;
}

bool filo_incoming_has(struct filo_incoming *incoming, uint64_t index) {
  return index < chunks_of(incoming) && filo_body_has(&incoming->body, index);
}

uint64_t filo_incoming_missing(struct filo_incoming *incoming, uint64_t from) {
  return filo_body_missing(&incoming->body, from);
}

static int check_bytes(uint64_t index, const unsigned char *bytes, size_t len,
                       const unsigned char wanted[FILO_HASH_SIZE], struct filo_error *err) {
  unsigned char found[FILO_HASH_SIZE];
  int rc = filo_digest(FILO_SHA256, bytes, len, found, err);
  if (rc == 0 && memcmp(found, wanted, sizeof found) != 0)
    rc = filo_fail(err, FILO_CORRUPT, "chunk %llu does not match its hash",
                   (unsigned long long)index);
  return rc;
}

int filo_incoming_chunk(struct filo_incoming *incoming, uint64_t index, const unsigned char *bytes,
                        size_t len, struct filo_error *err) {
  if (index >= chunks_of(incoming) || !filo_incoming_has_hashes(incoming))
    return filo_fail(err, FILO_INVALID, "chunk %llu is not expected (now)",
                     (unsigned long long)index);
  if (len != filo_chunk_length(incoming->draft.fields.size, index))
    return filo_fail(err, FILO_CORRUPT, "chunk %llu has another length than its record says",
                     (unsigned long long)index);
  if (filo_body_has(&incoming->body, index)) return 0;
  unsigned char wanted[FILO_HASH_SIZE];
  int rc = filo_body_hash(&incoming->body, index, wanted, err);
  if (rc == 0) rc = check_bytes(index, bytes, len, wanted, err);
  if (rc < 0) return rc;
  uint64_t offset = FILO_IV_SIZE + index * FILO_CHUNK_SIZE;
  rc = filo_draft_write(&incoming->draft, bytes, len, offset, err);
  if (rc < 0) return rc;
  filo_draft_start_flush(&incoming->draft, offset, len);
  filo_body_mark(&incoming->body, index);
  return 0;
}

void filo_incoming_set_key(struct filo_incoming *incoming, const unsigned char key[FILO_KEY_SIZE]) {
  filo_body_set_key(&incoming->body, key);
}

int64_t filo_incoming_read(struct filo_incoming *incoming, uint64_t offset, unsigned char *out,
                           size_t len, struct filo_error *err) {
  if (offset >= incoming->draft.fields.size) return 0;
  uint64_t first = offset / FILO_CHUNK_SIZE, missing = filo_body_missing(&incoming->body, first);
  if (missing == first)
    return filo_fail(err, FILO_NOT_FOUND, "chunk %llu is not here yet", (unsigned long long)first);
  uint64_t here = missing * FILO_CHUNK_SIZE - offset;
  return filo_body_read(&incoming->body, offset, out, len < here ? len : (size_t)here, err);
}

/* --- the end --- */

static int write_end(struct filo_incoming *incoming, struct filo_error *err) {
  struct filo_draft *draft = &incoming->draft;
  if (!filo_incoming_has_hashes(incoming) ||
      filo_body_missing(&incoming->body, 0) < chunks_of(incoming))
    return filo_fail(err, FILO_INVALID, "an object must be whole to be published");
  unsigned char footer[FILO_FOOTER_SIZE];
  filo_footer_put(footer, incoming->record_len);
  uint64_t at = record_at(incoming), end = at + incoming->record_len + sizeof footer;
  if (ftruncate(draft->fd, (off_t)end) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot write %s", incoming->label);
  }
  int rc = filo_draft_write(draft, draft->fields.iv, FILO_IV_SIZE, 0, err);
  if (rc == 0) rc = filo_draft_write(draft, incoming->record, incoming->record_len, at, err);
  at += incoming->record_len;
  return rc < 0 ? rc : filo_draft_write(draft, footer, sizeof footer, at, err);
}

void filo_incoming_publish(struct filo_incoming *incoming, filo_published_fn *fn, void *ctx) {
  struct filo_error err;
  int rc = *incoming->name ? write_end(incoming, &err) : 0;
  if (rc < 0)
    fn(ctx, rc, &err);
  else
    filo_draft_publish(&incoming->draft, incoming->draft.path, fn, ctx);
}

/* --- a whole one --- */

static int write_whole(struct filo_incoming *incoming, const unsigned char *body,
                       struct filo_error *err) {
  struct filo_draft *draft = &incoming->draft;
  size_t list = (size_t)FILO_HASH_SIZE * (size_t)chunks_of(incoming);
  unsigned char footer[FILO_FOOTER_SIZE];
  filo_footer_put(footer, incoming->record_len);
  const struct iovec parts[] = {
      {draft->fields.iv, FILO_IV_SIZE},
      {(void *)(body + list), draft->fields.size},
      {(void *)body, list},
      {incoming->record, incoming->record_len},
      {footer, sizeof footer},
  };
  int rc = draft->fd < 0 ? filo_draft_create(draft, NULL, err) : 0;
  return rc < 0 ? rc : filo_draft_write_parts(draft, parts, sizeof parts / sizeof *parts, err);
}

static int take_whole(struct filo_incoming *incoming, const unsigned char *body, size_t body_len,
                      struct filo_error *err) {
  struct filo_draft *draft = &incoming->draft;
  uint64_t size = draft->fields.size, chunks = chunks_of(incoming), list = FILO_HASH_SIZE * chunks;
  if (body_len != list + size)
    return filo_fail(err, FILO_CORRUPT, "%zu bytes where the record says %llu", body_len,
                     (unsigned long long)(list + size));
  int rc = filo_body_init(&incoming->body, -1, incoming->label, &draft->fields, err);
  if (rc < 0) return rc;
  incoming->loaded = true;
  rc = filo_body_load(&incoming->body, body, err);
  for (uint64_t i = 0; rc == 0 && i < chunks; i++) {
    const unsigned char *chunk = body + list + i * FILO_CHUNK_SIZE;
    size_t len = filo_chunk_length(size, i);
    rc = check_bytes(i, chunk, len, body + i * FILO_HASH_SIZE, err);
    if (rc == 0) filo_body_mark(&incoming->body, i);
  }
  atomic_store(&incoming->has_hashes, true);
  if (rc == 0) rc = promise(incoming, 0, err);
  if (rc == 0) rc = write_whole(incoming, body, err);
  /* On a disk without a free byte, what a tombstone deletes goes first. */
  if (rc == FILO_NO_SPACE && incoming->makes_room &&
      filo_store_remove(draft->store, draft->fields.ns, draft->path, 0, NULL) == 0)
    rc = write_whole(incoming, body, err);
  incoming->body.fd = draft->fd;
  return rc;
}

int filo_incoming_whole(struct filo_store *store, const char *path, const unsigned char *record,
                        size_t record_len, const unsigned char *body, size_t body_len, bool beside,
                        struct filo_incoming **ret, struct filo_error *err) {
  struct filo_incoming *incoming;
  int rc = new_incoming(store, path, record, record_len, false, beside, &incoming, err);
  if (rc < 0) return rc;
  rc = take_whole(incoming, body, body_len, err);
  if (rc < 0) {
    filo_incoming_free(incoming);
    return rc;
  }
  *ret = incoming;
  return 0;
}
