#include "transfer/deposit.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "store/object.h"
#include "transfer/publication.h"

enum { SLOTS = 34 };

struct slot {
  struct filo_job job;
  struct filo_deposit *deposit;
  struct filo_buffer *buffer; /* NULL: the worker copies from the file */
  bool reads;                 /* the worker fills the buffer from the file */
  uint64_t index;
  size_t len;
  int code;
  struct filo_error err;
  struct slot *next_free;
};

struct filo_deposit {
  struct filo_resources *resources;
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
  uint64_t from; /* where the content of a regular file starts */
  char *name;
  struct event *readable;     /* drain */
  const struct timeval *tick; /* instead of waiting for the descriptor; NULL: it can tell */
  struct filo_pull *pull;     /* until its end */
  size_t pulled;              /* of its last piece */
  bool pull_failed;
  bool copying; /* a file is read by the workers */
  bool reading; /* a pipe is read by the loop */
  bool ending;  /* no more bytes come; the last chunk may still wait for its turn */
  bool abandoned, published;

  struct filo_publication publication;
  struct filo_namespace *ns; /* from publishing on, as are the next two */
  struct filo_version version;
  char *path;
  bool fresh, taken, publishing; /* taken: something lies there where nothing should */

  int code;
  struct filo_error err;
  filo_deposit_fn *changed;
  void *ctx;
};

static void forget_version(struct filo_deposit *deposit) {
  filo_namespace_unref(deposit->ns);
  free((void *)deposit->version.meta);
  free(deposit->path);
  deposit->ns = NULL;
  deposit->version.meta = NULL;
  deposit->path = NULL;
}

static void drop_pull(struct filo_deposit *deposit) {
  struct filo_pull *pull = deposit->pull;
  deposit->pull = NULL;
  if (pull) pull->drop(pull);
}

static void destroy(struct filo_deposit *deposit) {
  if (deposit->buffer) filo_buffers_give(deposit->resources->buffers, deposit->buffer);
  filo_sealer_free(deposit->sealer);
  filo_hasher_free(deposit->hasher);
  if (deposit->readable) event_free(deposit->readable);
  if (deposit->fd >= 0) close(deposit->fd);
  forget_version(deposit);
  free(deposit->name);
  free(deposit);
}

static void fail(struct filo_deposit *deposit, int code, const struct filo_error *err) {
  if (deposit->code < 0) return;
  deposit->code = code;
  deposit->err = *err;
  deposit->copying = deposit->reading = deposit->ending = false;
  if (deposit->readable) event_del(deposit->readable);
  drop_pull(deposit);
}

bool filo_deposit_settled(const struct filo_deposit *deposit) {
  return deposit->under_way == 0 && !deposit->publishing && !deposit->copying &&
         !deposit->reading && !deposit->pull && !deposit->ending;
}

static void pump(struct filo_deposit *deposit);

/* After anything changed: goes on, tells the owner, or ends what was abandoned. */
static void turn(struct filo_deposit *deposit) {
  if (!deposit->abandoned) {
    if (deposit->code == 0) pump(deposit);
    deposit->changed(deposit->ctx);
  } else if (deposit->under_way == 0 && !deposit->publishing) {
    destroy(deposit);
  }
}

/* --- Sealing one chunk, on a worker --- */

static int seal_chunk(struct slot *slot) {
  struct filo_deposit *deposit = slot->deposit;
  if (!slot->buffer)
    return filo_sealer_copy_chunk(deposit->sealer, slot->index, deposit->fd, deposit->from,
                                  deposit->name, slot->len, &slot->err);
  int code = 0;
  if (deposit->hasher)
    code = filo_hasher_update(deposit->hasher, slot->buffer->bytes, slot->len, &slot->err);
  if (code == 0)
    code =
        filo_sealer_chunk(deposit->sealer, slot->index, slot->buffer->bytes, slot->len, &slot->err);
  return code;
}

/* The file's bytes pass through a buffer only when they must be digested in order. */
static int read_chunk(struct slot *slot) {
  struct filo_deposit *deposit = slot->deposit;
  size_t have = 0;
  while (have < slot->len) {
    off_t at = (off_t)(deposit->from + slot->index * FILO_CHUNK_SIZE + have);
    ssize_t n = pread(deposit->fd, slot->buffer->bytes + have, slot->len - have, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return filo_fail_errno(&slot->err, errno, "cannot read %s", deposit->name);
    if (n == 0)
      return filo_fail(&slot->err, FILO_IO, "%s changed while being stored: store it again",
                       deposit->name);
    have += (size_t)n;
  }
  return 0;
}

static void run_slot(struct filo_job *job) {
  struct slot *slot = (struct slot *)job;
  slot->code = slot->reads ? read_chunk(slot) : 0;
  if (slot->code == 0) slot->code = seal_chunk(slot);
}

static void slot_done(struct filo_job *job) {
  struct slot *slot = (struct slot *)job;
  struct filo_deposit *deposit = slot->deposit;
  if (slot->buffer) filo_buffers_give(deposit->resources->buffers, slot->buffer);
  if (slot->code < 0)
    fail(deposit, slot->code, &slot->err);
  else
    deposit->sealed += slot->len;
  slot->next_free = deposit->free_slots;
  deposit->free_slots = slot;
  deposit->under_way--;
  turn(deposit);
}

static struct slot *take_slot(struct filo_deposit *deposit, struct filo_buffer *buffer,
                              size_t len) {
  struct slot *slot = deposit->free_slots;
  deposit->free_slots = slot->next_free;
  slot->job = (struct filo_job){.run = run_slot, .done = slot_done};
  slot->deposit = deposit;
  slot->buffer = buffer;
  slot->reads = buffer && deposit->copying;
  slot->index = deposit->next_index++;
  slot->len = len;
  deposit->under_way++;
  return slot;
}

static bool may_start(const struct filo_deposit *deposit) {
  return deposit->under_way < deposit->under_way_max && deposit->code == 0;
}

/* Hands the filled buffer to a worker. A small object is sealed at once: that is quicker than
 * waking one, and touches no disk. */
static void submit_fill(struct filo_deposit *deposit) {
  struct slot *slot = take_slot(deposit, deposit->buffer, deposit->fill);
  bool small = deposit->size <= FILO_SMALL_SIZE;
  deposit->buffer = NULL;
  deposit->fill = 0;
  if (!small) {
    filo_pool_submit(deposit->resources->pool, &slot->job);
    return;
  }
  run_slot(&slot->job);
  slot_done(&slot->job);
}

/* --- Sources --- */

/* False: a job under way will give one back. */
static bool have_buffer(struct filo_deposit *deposit) {
  if (!deposit->buffer)
    deposit->buffer = filo_buffers_take(deposit->resources->buffers, deposit->under_way == 0);
  if (!deposit->buffer && deposit->under_way == 0) {
    struct filo_error err;
    fail(deposit, filo_fail(&err, FILO_NO_MEMORY, "no memory for a buffer"), &err);
  }
  return deposit->buffer != NULL;
}

int64_t filo_deposit_write(struct filo_deposit *deposit, const unsigned char *bytes, size_t len,
                           struct filo_error *err) {
  size_t taken = 0;
  while (taken < len && deposit->code == 0) {
    if (!have_buffer(deposit)) break;
    size_t n = FILO_CHUNK_SIZE - deposit->fill;
    if (n == 0) {
      if (!may_start(deposit)) break;
      submit_fill(deposit);
      continue;
    }
    if (n > len - taken) n = len - taken;
    memcpy(deposit->buffer->bytes + deposit->fill, bytes + taken, n);
    deposit->fill += n;
    taken += n;
  }
  return deposit->code < 0 ? filo_deposit_status(deposit, err) : (int64_t)taken;
}

static void end_more(struct filo_deposit *deposit) {
  if (!may_start(deposit)) return;
  deposit->ending = false;
  if (deposit->fill > 0) submit_fill(deposit);
}

void filo_deposit_end(struct filo_deposit *deposit) {
  if (deposit->fd >= 0) return; /* a file has its own end */
  deposit->ending = deposit->code == 0;
  end_more(deposit);
}

static void copy_more(struct filo_deposit *deposit) {
  uint64_t count = filo_chunk_count(deposit->size);
  while (deposit->next_index < count && may_start(deposit)) {
    size_t len = filo_chunk_length(deposit->size, deposit->next_index);
    if (deposit->hasher && !have_buffer(deposit)) return;
    struct filo_buffer *buffer = deposit->buffer;
    deposit->buffer = NULL;
    filo_pool_submit(deposit->resources->pool, &take_slot(deposit, buffer, len)->job);
  }
  if (deposit->next_index == count && deposit->under_way == 0) deposit->copying = false;
}

void filo_deposit_copy(struct filo_deposit *deposit, int fd, uint64_t from, const char *name) {
  deposit->fd = fd;
  deposit->from = from;
  deposit->name = strdup(name);
  deposit->copying = true;
  copy_more(deposit);
}

/* Another reader of a shared input may have taken what this one was told of. */
static bool is_readable(int fd) {
  struct pollfd input = {.fd = fd, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct filo_deposit *deposit = arg;
  struct filo_error err;
  if (deposit->fill == FILO_CHUNK_SIZE || !have_buffer(deposit)) {
    event_del(deposit->readable); /* `pump` goes on when there is room */
    return;
  }
  if (!is_readable(deposit->fd)) return;
  ssize_t n =
      read(deposit->fd, deposit->buffer->bytes + deposit->fill, FILO_CHUNK_SIZE - deposit->fill);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n < 0) fail(deposit, filo_fail_errno(&err, errno, "cannot read %s", deposit->name), &err);
  if (n > 0) deposit->fill += (size_t)n;
  if (n == 0) {
    deposit->reading = false;
    deposit->ending = true;
    event_del(deposit->readable);
  }
  if (n <= 0 || deposit->fill == FILO_CHUNK_SIZE) turn(deposit);
}

/* Some devices, such as /dev/null, know no waiting. */
static bool can_wait(int fd) {
  struct epoll_event event = {.events = EPOLLIN};
  int probe = epoll_create1(EPOLL_CLOEXEC);
  bool refused = probe >= 0 && epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) < 0 && errno == EPERM;
  if (probe >= 0) close(probe);
  return !refused;
}

int filo_deposit_drain(struct filo_deposit *deposit, int fd, const char *name,
                       struct filo_error *err) {
  static const struct timeval soon = {.tv_usec = 1}; /* libevent does not repeat 0 */
  bool waits = can_wait(fd);
  deposit->fd = fd;
  deposit->name = strdup(name);
  deposit->tick = waits ? NULL : &soon;
  deposit->readable = event_new(deposit->resources->base, waits ? fd : -1,
                                EV_PERSIST | (waits ? EV_READ : 0), on_readable, deposit);
  if (!deposit->readable || event_add(deposit->readable, deposit->tick) < 0)
    return filo_fail(err, FILO_INVALID, "cannot wait for %s to become readable", name);
  deposit->reading = true;
  return 0;
}

static void read_more(struct filo_deposit *deposit) {
  if (deposit->fill == FILO_CHUNK_SIZE) {
    if (!may_start(deposit)) return;
    submit_fill(deposit);
  }
  if (have_buffer(deposit)) event_add(deposit->readable, deposit->tick);
}

/* One piece: false when no more can be taken now. */
static bool pull_piece(struct filo_deposit *deposit) {
  struct filo_error err;
  const unsigned char *bytes;
  size_t len;
  int rc = deposit->pull->next(deposit->pull, deposit->pulled, &bytes, &len, &err);
  deposit->pulled = 0;
  if (rc == FILO_BUSY) return false;
  if (rc <= 0) drop_pull(deposit);
  deposit->pull_failed = rc < 0;
  if (rc < 0) fail(deposit, rc, &err);
  if (rc <= 0) return false;
  int64_t taken = filo_deposit_write(deposit, bytes, len, &err);
  deposit->pulled = taken > 0 ? (size_t)taken : 0;
  return deposit->pulled == len;
}

static void pull_more(struct filo_deposit *deposit) {
  while (deposit->pull && pull_piece(deposit)) {
  }
}

static void on_pull_changed(void *ctx) {
  turn(ctx);
}

void filo_deposit_pull(struct filo_deposit *deposit, struct filo_pull *pull) {
  if (deposit->code < 0) {
    pull->drop(pull);
    return;
  }
  deposit->pull = pull;
  pull->changed = on_pull_changed;
  pull->ctx = deposit;
  pump(deposit);
}

bool filo_deposit_is_pulling(const struct filo_deposit *deposit) {
  return deposit->pull != NULL;
}

bool filo_deposit_pull_failed(const struct filo_deposit *deposit) {
  return deposit->pull_failed;
}

static void pump(struct filo_deposit *deposit) {
  if (deposit->pull) pull_more(deposit);
  if (deposit->copying) copy_more(deposit);
  if (deposit->reading) read_more(deposit);
  if (deposit->ending) end_more(deposit);
}

/* --- Ending --- */

int filo_deposit_new(struct filo_resources *resources, struct filo_store *store,
                     const struct filo_deposit_options *options, filo_deposit_fn *changed,
                     void *ctx, struct filo_deposit **ret, struct filo_error *err) {
  struct filo_deposit *deposit = calloc(1, sizeof *deposit);
  if (!deposit) return filo_fail(err, FILO_NO_MEMORY, "no memory to store an object");
  deposit->resources = resources;
  deposit->store = store;
  deposit->size = options->size;
  deposit->fd = -1;
  deposit->changed = changed;
  deposit->ctx = ctx;
  deposit->under_way_max = options->digest ? 1 : filo_pool_threads(resources->pool) + 1;
  for (int i = 0; i < SLOTS; i++) {
    deposit->slots[i].next_free = deposit->free_slots;
    deposit->free_slots = &deposit->slots[i];
  }
  int code = options->digest ? filo_hasher_new(FILO_SHA256, &deposit->hasher, err) : 0;
  if (code == 0)
    code = filo_sealer_new(store, options->size, options->plain, &deposit->sealer, err);
  if (code < 0) {
    destroy(deposit);
    return code;
  }
  *ret = deposit;
  return 0;
}

int filo_deposit_status(const struct filo_deposit *deposit, struct filo_error *err) {
  if (deposit->code < 0 && err) *err = deposit->err;
  return deposit->code;
}

int filo_deposit_source(const struct filo_deposit *deposit) {
  return deposit->fd;
}

uint64_t filo_deposit_size(const struct filo_deposit *deposit) {
  return deposit->sealed;
}

int filo_deposit_digest(struct filo_deposit *deposit, unsigned char out[32],
                        struct filo_error *err) {
  return filo_hasher_finish(deposit->hasher, out, err);
}

static struct filo_deposit *owner(struct filo_publication *publication) {
  return (struct filo_deposit *)((char *)publication - offsetof(struct filo_deposit, publication));
}

static int finish_and_publish(struct filo_publication *publication, struct filo_error *err) {
  struct filo_deposit *deposit = owner(publication);
  deposit->taken =
      deposit->fresh &&
      filo_object_is_there(deposit->store, filo_namespace_id(deposit->ns), deposit->path);
  if (deposit->taken) return filo_fail(err, FILO_EXISTS, "something lies at %s", deposit->path);
  int code =
      filo_sealer_finish(deposit->sealer, deposit->ns, &deposit->version, deposit->sealed, err);
  if (code == 0)
    filo_sealer_publish(deposit->sealer, deposit->path, filo_publication_ended, publication);
  return code;
}

static void publication_done(struct filo_publication *publication) {
  struct filo_deposit *deposit = owner(publication);
  deposit->publishing = false;
  deposit->published = publication->code == 0;
  if (deposit->taken)
    forget_version(deposit);
  else if (publication->code < 0)
    fail(deposit, publication->code, &publication->err);
  turn(deposit);
}

static void *copy_bytes(const void *bytes, size_t len) {
  void *copy = malloc(len ? len : 1);
  if (copy && len) memcpy(copy, bytes, len);
  return copy;
}

int filo_deposit_publish(struct filo_deposit *deposit, struct filo_namespace *ns,
                         const struct filo_version *version, const char *path, bool fresh,
                         struct filo_error *err) {
  assert(filo_deposit_settled(deposit) && !deposit->ns);
  if (deposit->code < 0) return filo_deposit_status(deposit, err);
  deposit->ns = filo_namespace_ref(ns);
  deposit->version = *version;
  deposit->version.meta = copy_bytes(version->meta, version->meta_len);
  deposit->path = strdup(path);
  if (!deposit->version.meta || !deposit->path)
    return filo_fail(err, FILO_NO_MEMORY, "no memory to publish %s", path);
  deposit->fresh = fresh;
  deposit->publishing = true;
  deposit->publication.work = finish_and_publish;
  deposit->publication.done = publication_done;
  filo_publication_start(&deposit->publication, deposit->resources->pool);
  return 0;
}

bool filo_deposit_published(const struct filo_deposit *deposit) {
  return deposit->published;
}

const unsigned char *filo_deposit_record(const struct filo_deposit *deposit, size_t *len) {
  assert(deposit->published);
  return filo_sealer_record(deposit->sealer, len);
}

int64_t filo_deposit_body(const struct filo_deposit *deposit, unsigned char *out) {
  assert(deposit->published);
  return filo_sealer_body(deposit->sealer, out);
}

void filo_deposit_free(struct filo_deposit *deposit) {
  if (!deposit) return;
  deposit->abandoned = true;
  deposit->copying = deposit->reading = deposit->ending = false;
  if (deposit->readable) event_del(deposit->readable);
  drop_pull(deposit);
  turn(deposit);
}
