#include "transfer/draft.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "transfer/publication.h"

enum { SLOTS = 34, INLINE_MAX = 65536 };

struct slot {
  struct filo_job job;
  struct filo_draft *draft;
  struct filo_buffer *buffer; /* NULL: the worker copies from the file */
  uint64_t index;
  size_t len;
  int code;
  struct filo_error err;
  struct slot *next_free;
};

struct filo_draft {
  struct filo_desk *desk;
  struct filo_store *store;
  struct filo_sealer *sealer;
  struct filo_hasher *hasher;
  uint64_t size, sealed, next_index;
  struct slot slots[SLOTS];
  struct slot *free_slots;
  unsigned under_way, under_way_max;

  struct filo_buffer *buffer; /* being filled */
  size_t fill;

  int fd;
  char *name;
  struct event *readable; /* drain */
  bool copying;           /* a file is read by the workers */
  bool reading;           /* a pipe is read by the loop */
  bool ending;            /* no more bytes come; the last chunk may still wait for its turn */
  bool abandoned, published;

  struct filo_publication publication;
  struct filo_draft_place place;
  bool publishing;

  int code;
  struct filo_error err;
  filo_draft_fn *changed;
  void *ctx;
};

static void destroy(struct filo_draft *draft) {
  if (draft->buffer) filo_buffers_give(draft->desk->buffers, draft->buffer);
  filo_sealer_free(draft->sealer);
  filo_hasher_free(draft->hasher);
  if (draft->readable) event_free(draft->readable);
  if (draft->fd >= 0) close(draft->fd);
  filo_identity_unref(draft->place.identity);
  free((void *)draft->place.meta);
  free((void *)draft->place.path);
  free(draft->name);
  free(draft);
}

static void fail(struct filo_draft *draft, int code, const struct filo_error *err) {
  if (draft->code < 0) return;
  draft->code = code;
  draft->err = *err;
  draft->copying = draft->reading = draft->ending = false;
  if (draft->readable) event_del(draft->readable);
}

bool filo_draft_settled(const struct filo_draft *draft) {
  return draft->under_way == 0 && !draft->publishing && !draft->copying && !draft->reading &&
         !draft->ending;
}

static void pump(struct filo_draft *draft);

/* After anything changed: goes on, tells the owner, or ends what was abandoned. */
static void turn(struct filo_draft *draft) {
  if (!draft->abandoned) {
    if (draft->code == 0) pump(draft);
    draft->changed(draft->ctx);
  } else if (draft->under_way == 0 && !draft->publishing) {
    destroy(draft);
  }
}

/* --- Sealing one chunk, on a worker --- */

static int seal_chunk(struct slot *slot) {
  struct filo_draft *draft = slot->draft;
  if (!slot->buffer)
    return filo_sealer_copy_chunk(draft->sealer, slot->index, draft->fd, draft->name, slot->len,
                                  &slot->err);
  int code = 0;
  if (draft->hasher)
    code = filo_hasher_update(draft->hasher, slot->buffer->bytes, slot->len, &slot->err);
  if (code == 0)
    code =
        filo_sealer_chunk(draft->sealer, slot->index, slot->buffer->bytes, slot->len, &slot->err);
  return code;
}

/* The file's bytes pass through a buffer only when they must be digested in order. */
static int read_chunk(struct slot *slot) {
  struct filo_draft *draft = slot->draft;
  size_t have = 0;
  while (have < slot->len) {
    off_t at = (off_t)(slot->index * FILO_CHUNK_SIZE + have);
    ssize_t n = pread(draft->fd, slot->buffer->bytes + have, slot->len - have, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return filo_fail_errno(&slot->err, errno, "cannot read %s", draft->name);
    if (n == 0)
      return filo_fail(&slot->err, FILO_IO, "%s changed while being stored: store it again",
                       draft->name);
    have += (size_t)n;
  }
  return 0;
}

static void run_slot(struct filo_job *job) {
  struct slot *slot = (struct slot *)job;
  slot->code = slot->buffer && slot->draft->copying ? read_chunk(slot) : 0;
  if (slot->code == 0) slot->code = seal_chunk(slot);
}

static void slot_done(struct filo_job *job) {
  struct slot *slot = (struct slot *)job;
  struct filo_draft *draft = slot->draft;
  if (slot->buffer) filo_buffers_give(draft->desk->buffers, slot->buffer);
  if (slot->code < 0)
    fail(draft, slot->code, &slot->err);
  else
    draft->sealed += slot->len;
  slot->next_free = draft->free_slots;
  draft->free_slots = slot;
  draft->under_way--;
  turn(draft);
}

static struct slot *take_slot(struct filo_draft *draft, struct filo_buffer *buffer, size_t len) {
  struct slot *slot = draft->free_slots;
  draft->free_slots = slot->next_free;
  slot->job = (struct filo_job){.run = run_slot, .done = slot_done};
  slot->draft = draft;
  slot->buffer = buffer;
  slot->index = draft->next_index++;
  slot->len = len;
  draft->under_way++;
  return slot;
}

static bool may_start(const struct filo_draft *draft) {
  return draft->under_way < draft->under_way_max && draft->code == 0;
}

/* Hands the filled buffer to a worker; a small object is sealed at once, which is quicker than
 * waking one. */
static void submit_fill(struct filo_draft *draft, bool last) {
  struct slot *slot = take_slot(draft, draft->buffer, draft->fill);
  bool small = last && slot->index == 0 && slot->len <= INLINE_MAX;
  draft->buffer = NULL;
  draft->fill = 0;
  if (!small) {
    filo_pool_submit(draft->desk->pool, &slot->job);
    return;
  }
  run_slot(&slot->job);
  slot_done(&slot->job);
}

/* --- Sources --- */

/* False: a job under way will give one back. */
static bool have_buffer(struct filo_draft *draft) {
  if (!draft->buffer)
    draft->buffer = filo_buffers_take(draft->desk->buffers, draft->under_way == 0);
  if (!draft->buffer && draft->under_way == 0) {
    struct filo_error err;
    fail(draft, filo_fail(&err, FILO_NO_MEMORY, "no memory for a buffer"), &err);
  }
  return draft->buffer != NULL;
}

int64_t filo_draft_write(struct filo_draft *draft, const unsigned char *bytes, size_t len,
                         struct filo_error *err) {
  size_t taken = 0;
  while (taken < len && draft->code == 0) {
    if (!have_buffer(draft)) break;
    size_t n = FILO_CHUNK_SIZE - draft->fill;
    if (n == 0) {
      if (!may_start(draft)) break;
      submit_fill(draft, false);
      continue;
    }
    if (n > len - taken) n = len - taken;
    memcpy(draft->buffer->bytes + draft->fill, bytes + taken, n);
    draft->fill += n;
    taken += n;
  }
  return draft->code < 0 ? filo_draft_status(draft, err) : (int64_t)taken;
}

static void end_more(struct filo_draft *draft) {
  if (!may_start(draft)) return;
  draft->ending = false;
  if (draft->fill > 0) submit_fill(draft, true);
}

void filo_draft_end(struct filo_draft *draft) {
  draft->ending = draft->code == 0;
  end_more(draft);
}

static void copy_more(struct filo_draft *draft) {
  uint64_t count = filo_chunk_count(draft->size);
  while (draft->next_index < count && may_start(draft)) {
    size_t len = filo_chunk_length(draft->size, draft->next_index);
    if (draft->hasher && !have_buffer(draft)) return;
    struct filo_buffer *buffer = draft->buffer;
    draft->buffer = NULL;
    filo_pool_submit(draft->desk->pool, &take_slot(draft, buffer, len)->job);
  }
  if (draft->next_index == count && draft->under_way == 0) draft->copying = false;
}

void filo_draft_copy(struct filo_draft *draft, int fd, const char *name) {
  draft->fd = fd;
  draft->name = strdup(name);
  draft->copying = true;
  copy_more(draft);
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct filo_draft *draft = arg;
  struct filo_error err;
  if (draft->fill == FILO_CHUNK_SIZE || !have_buffer(draft)) {
    event_del(draft->readable); /* `pump` goes on when there is room */
    return;
  }
  ssize_t n = read(fd, draft->buffer->bytes + draft->fill, FILO_CHUNK_SIZE - draft->fill);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n < 0) fail(draft, filo_fail_errno(&err, errno, "cannot read %s", draft->name), &err);
  if (n > 0) draft->fill += (size_t)n;
  if (n == 0) {
    draft->reading = false;
    draft->ending = true;
    event_del(draft->readable);
  }
  if (n <= 0 || draft->fill == FILO_CHUNK_SIZE) turn(draft);
}

int filo_draft_drain(struct filo_draft *draft, int fd, const char *name, struct filo_error *err) {
  draft->fd = fd;
  draft->name = strdup(name);
  draft->readable = event_new(draft->desk->base, fd, EV_READ | EV_PERSIST, on_readable, draft);
  if (!draft->readable || event_add(draft->readable, NULL) < 0)
    return filo_fail(err, FILO_INVALID, "cannot wait for %s to become readable", name);
  draft->reading = true;
  return 0;
}

static void read_more(struct filo_draft *draft) {
  if (draft->fill == FILO_CHUNK_SIZE) {
    if (!may_start(draft)) return;
    submit_fill(draft, false);
  }
  if (have_buffer(draft)) event_add(draft->readable, NULL);
}

static void pump(struct filo_draft *draft) {
  if (draft->copying) copy_more(draft);
  if (draft->reading) read_more(draft);
  if (draft->ending) end_more(draft);
}

/* --- Ending --- */

int filo_draft_new(struct filo_desk *desk, struct filo_store *store,
                   const struct filo_draft_options *options, filo_draft_fn *changed, void *ctx,
                   struct filo_draft **ret, struct filo_error *err) {
  struct filo_draft *draft = calloc(1, sizeof *draft);
  if (!draft) return filo_fail(err, FILO_NO_MEMORY, "no memory to store an object");
  draft->desk = desk;
  draft->store = store;
  draft->size = options->size;
  draft->fd = -1;
  draft->changed = changed;
  draft->ctx = ctx;
  draft->under_way_max = options->digest ? 1 : filo_pool_threads(desk->pool) + 1;
  for (int i = 0; i < SLOTS; i++) {
    draft->slots[i].next_free = draft->free_slots;
    draft->free_slots = &draft->slots[i];
  }
  int code = options->digest ? filo_hasher_new(FILO_SHA256, &draft->hasher, err) : 0;
  if (code == 0) code = filo_sealer_new(store, options->size, options->plain, &draft->sealer, err);
  if (code < 0) {
    destroy(draft);
    return code;
  }
  *ret = draft;
  return 0;
}

int filo_draft_status(const struct filo_draft *draft, struct filo_error *err) {
  if (draft->code < 0 && err) *err = draft->err;
  return draft->code;
}

uint64_t filo_draft_size(const struct filo_draft *draft) {
  return draft->sealed;
}

int filo_draft_digest(struct filo_draft *draft, unsigned char out[32], struct filo_error *err) {
  return filo_hasher_finish(draft->hasher, out, err);
}

static struct filo_draft *owner(struct filo_publication *publication) {
  return (struct filo_draft *)((char *)publication - offsetof(struct filo_draft, publication));
}

static int finish_and_publish(struct filo_publication *publication, struct filo_error *err) {
  struct filo_draft *draft = owner(publication);
  const struct filo_draft_place *place = &draft->place;
  int code = filo_sealer_finish(draft->sealer, place->identity, draft->sealed, place->key_hash,
                                place->version, place->meta, place->meta_len, err);
  if (code == 0)
    filo_sealer_publish(draft->sealer, place->path, filo_publication_ended, publication);
  return code;
}

static void publication_done(struct filo_publication *publication) {
  struct filo_draft *draft = owner(publication);
  draft->publishing = false;
  draft->published = publication->code == 0;
  if (publication->code < 0) fail(draft, publication->code, &publication->err);
  turn(draft);
}

static void *copy_bytes(const void *bytes, size_t len) {
  void *copy = malloc(len ? len : 1);
  if (copy && len) memcpy(copy, bytes, len);
  return copy;
}

int filo_draft_publish(struct filo_draft *draft, const struct filo_draft_place *place,
                       struct filo_error *err) {
  assert(filo_draft_settled(draft) && !draft->place.identity);
  if (draft->code < 0) return filo_draft_status(draft, err);
  draft->place = *place;
  draft->place.identity = filo_identity_ref(place->identity);
  draft->place.meta = copy_bytes(place->meta, place->meta_len);
  draft->place.path = strdup(place->path);
  if (!draft->place.meta || !draft->place.path)
    return filo_fail(err, FILO_NO_MEMORY, "no memory to publish %s", place->path);
  draft->publishing = true;
  draft->publication.work = finish_and_publish;
  draft->publication.done = publication_done;
  filo_publication_start(&draft->publication, draft->desk->pool);
  return 0;
}

const unsigned char *filo_draft_record(const struct filo_draft *draft, size_t *len) {
  assert(draft->published);
  return filo_sealer_record(draft->sealer, len);
}

void filo_draft_free(struct filo_draft *draft) {
  if (!draft) return;
  draft->abandoned = true;
  draft->copying = draft->reading = draft->ending = false;
  if (draft->readable) event_del(draft->readable);
  turn(draft);
}
