#include "transfer/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "store/sealer.h"
#include "transfer/target.h"

enum { READER_DEPTH = 3 };

/* One chunk's share of the range, in a buffer. */
struct piece {
  struct filo_job job;
  struct filo_reader *reader;
  struct filo_buffer *buffer;
  uint64_t at;
  size_t len, saved;
  bool busy, ready, unread; /* unread: it is reading that failed */
  int code;
  struct filo_error err;
};

/* Opening or finishing the target, or both with all that comes between. */
struct step {
  struct filo_job job;
  struct filo_reader *reader;
  int code;
  struct filo_error err;
};

struct filo_reader {
  struct filo_resources *resources;
  struct filo_object *object;
  struct filo_partial *partial;
  int fd; /* of a file, or -1 */
  char *name;
  uint64_t begin, planned, given, end;
  struct piece pieces[READER_DEPTH]; /* a ring: `take` is the oldest, `plan` the next to fill */
  unsigned plan, take, under_way;
  size_t taken; /* of the oldest piece */
  struct filo_partial_watch watch;
  struct filo_target *target; /* NULL: content is handed out */
  int mode;                   /* of its file */
  struct step step;
  bool opened, finished, unread;
  struct event *writable; /* of a target that takes no more: its piece waits */
  int code;
  struct filo_error err;
  struct filo_pull pull; /* its `changed`, also where it is not used as one */
  bool freed;
};

static void free_target(struct filo_job *job) {
  filo_target_free(((struct step *)job)->reader->target);
}

static void free_reader(struct filo_job *job) {
  free(((struct step *)job)->reader);
}

static void destroy(struct filo_reader *reader) {
  for (int i = 0; i < READER_DEPTH; i++)
    if (reader->pieces[i].buffer)
      filo_buffers_give(reader->resources->buffers, reader->pieces[i].buffer);
  filo_object_unref(reader->object);
  filo_partial_unref(reader->partial);
  filo_close_fd(&reader->fd);
  free(reader->name);
  if (reader->writable) event_free(reader->writable);
  reader->step.reader = reader;
  reader->step.job = (struct filo_job){.run = free_target, .done = free_reader};
  if (reader->target)
    filo_pool_submit(reader->resources->pool, &reader->step.job);
  else
    free(reader);
}

/* --- On a worker --- */

/* FILO_BUSY: to be called again when the target takes more. */
static int save_piece(struct piece *piece) {
  const struct filo_reader *reader = piece->reader;
  while (piece->saved < piece->len) {
    int64_t n = filo_target_write(reader->target, piece->buffer->bytes + piece->saved,
                                  piece->len - piece->saved,
                                  piece->at - reader->begin + piece->saved, &piece->err);
    if (n < 0) return (int)n;
    piece->saved += (size_t)n;
  }
  return 0;
}

static int64_t read_file(const struct filo_reader *reader, struct piece *piece) {
  size_t have = 0;
  while (have < piece->len) {
    ssize_t n = pread(reader->fd, piece->buffer->bytes + have, piece->len - have,
                      (off_t)(piece->at + have));
    if (n < 0 && errno != EINTR)
      return filo_fail_errno(&piece->err, errno, "cannot read %s", reader->name);
    if (n == 0)
      return filo_fail(&piece->err, FILO_IO, "%s became shorter while it was read", reader->name);
    if (n > 0) have += (size_t)n;
  }
  return (int64_t)have;
}

static int64_t read_source(const struct filo_reader *reader, struct piece *piece) {
  unsigned char *out = piece->buffer->bytes;
  if (reader->object)
    return filo_object_read(reader->object, piece->at, out, piece->len, &piece->err);
  if (reader->partial)
    return filo_partial_file_read(reader->partial->file, piece->at, out, piece->len, &piece->err);
  return read_file(reader, piece);
}

static void run_piece(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  struct filo_reader *reader = piece->reader;
  int64_t n = read_source(reader, piece);
  piece->code = n < 0 ? (int)n : 0;
  if (n >= 0 && (size_t)n != piece->len)
    piece->code = filo_fail(&piece->err, FILO_CORRUPT, "the object ends early");
  piece->unread = piece->code < 0;
  if (piece->code == 0 && reader->target) piece->code = save_piece(piece);
}

static void run_rest(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  piece->code = save_piece(piece);
}

static void run_open(struct filo_job *job) {
  struct step *step = (struct step *)job;
  const struct filo_reader *reader = step->reader;
  step->code = filo_target_open(reader->target, reader->end - reader->begin, &step->err);
}

static void run_finish(struct filo_job *job) {
  struct step *step = (struct step *)job;
  step->code = filo_target_finish(step->reader->target, step->reader->mode, &step->err);
}

/* What goes to a stream is written as usual, once that is open. */
static void run_whole(struct filo_job *job) {
  struct step *step = (struct step *)job;
  struct filo_reader *reader = step->reader;
  struct piece *piece = &reader->pieces[reader->take];
  run_open(job);
  if (step->code < 0 || filo_target_is_stream(reader->target)) return;
  if (piece->busy) run_piece(&piece->job);
  if (piece->code == 0) run_finish(job);
}

/* --- On the loop --- */

static void piece_done(struct filo_job *job);

static struct piece *plan_piece(struct filo_reader *reader, struct filo_buffer *buffer) {
  struct piece *piece = &reader->pieces[reader->plan];
  uint64_t chunk_end = (reader->planned | (FILO_CHUNK_SIZE - 1)) + 1;
  uint64_t end = chunk_end < reader->end ? chunk_end : reader->end;
  piece->job = (struct filo_job){.run = run_piece, .done = piece_done};
  piece->reader = reader;
  piece->buffer = buffer;
  piece->at = reader->planned;
  piece->len = (size_t)(end - reader->planned);
  piece->saved = 0;
  piece->busy = true;
  reader->planned = end;
  reader->plan = (reader->plan + 1) % READER_DEPTH;
  reader->under_way++;
  return piece;
}

static void start_piece(struct filo_reader *reader, struct filo_buffer *buffer) {
  filo_pool_submit(reader->resources->pool, &plan_piece(reader, buffer)->job);
}

static bool may_plan(const struct filo_reader *reader) {
  const struct piece *piece = &reader->pieces[reader->plan];
  if (reader->code < 0 || piece->busy || piece->ready || reader->planned == reader->end)
    return false;
  if (reader->target && !reader->opened) return false;
  if (reader->target && filo_target_is_stream(reader->target) && reader->under_way > 0)
    return false;
  return !reader->partial ||
         filo_partial_file_has(reader->partial->file, reader->planned >> FILO_CHUNK_BITS);
}

static void pump(struct filo_reader *reader) {
  while (may_plan(reader)) {
    bool first = reader->planned == reader->given;
    struct filo_buffer *buffer = filo_buffers_take(reader->resources->buffers, first);
    if (buffer) {
      start_piece(reader, buffer);
      continue;
    }
    if (first) reader->code = filo_fail(&reader->err, FILO_NO_MEMORY, "no memory for a buffer");
    return;
  }
}

static void advance(struct filo_reader *reader, struct piece *piece) {
  reader->given += piece->len;
  reader->taken = 0;
  reader->take = (reader->take + 1) % READER_DEPTH;
  piece->ready = false;
  filo_buffers_give(reader->resources->buffers, piece->buffer);
  piece->buffer = NULL;
}

static void fail(struct filo_reader *reader, int code, const struct filo_error *err) {
  if (reader->code < 0) return;
  reader->code = code;
  reader->err = *err;
}

static void go_on_saving(struct filo_reader *reader);

/* After a job, whose reader may have been freed meanwhile. */
static void job_ended(struct filo_reader *reader) {
  reader->under_way--;
  if (reader->freed) {
    if (reader->under_way == 0) destroy(reader);
    return;
  }
  if (reader->target) go_on_saving(reader);
  pump(reader);
  filo_pull_tell(&reader->pull);
}

/* --- Saving --- */

static void step_done(struct filo_job *job) {
  struct step *step = (struct step *)job;
  struct filo_reader *reader = step->reader;
  if (step->code < 0)
    fail(reader, step->code, &step->err);
  else if (!reader->opened)
    reader->opened = true;
  else
    reader->finished = true;
  job_ended(reader);
}

static void submit_step(struct filo_reader *reader, void (*run)(struct filo_job *job),
                        void (*done)(struct filo_job *job)) {
  reader->step.reader = reader;
  reader->step.job = (struct filo_job){.run = run, .done = done};
  reader->under_way++;
  filo_pool_submit(reader->resources->pool, &reader->step.job);
}

static void start_step(struct filo_reader *reader, void (*run)(struct filo_job *job)) {
  submit_step(reader, run, step_done);
}

static void go_on_saving(struct filo_reader *reader) {
  struct piece *piece;
  while ((piece = &reader->pieces[reader->take])->ready && piece->code == 0) advance(reader, piece);
  bool all = reader->given == reader->end && reader->under_way == 0 && reader->code == 0;
  if (all && !reader->finished) start_step(reader, run_finish);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct piece *piece = arg;
  piece->job.run = run_rest;
  filo_pool_submit(piece->reader->resources->pool, &piece->job);
}

/* False, and a failure, when it cannot be. */
static bool wait_writable(struct piece *piece) {
  struct filo_reader *reader = piece->reader;
  if (reader->writable) event_free(reader->writable);
  reader->writable = event_new(reader->resources->base, filo_target_fd(reader->target), EV_WRITE,
                               on_writable, piece);
  if (reader->writable && event_add(reader->writable, NULL) == 0) return true;
  piece->code =
      filo_fail(&piece->err, FILO_NO_MEMORY, "no memory to wait for the reader of a pipe");
  return false;
}

static void end_piece(struct piece *piece) {
  struct filo_reader *reader = piece->reader;
  piece->busy = false;
  piece->ready = true;
  if (piece->code < 0 && reader->code == 0) reader->unread = piece->unread;
  if (piece->code < 0) fail(reader, piece->code, &piece->err);
}

static void piece_done(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  struct filo_reader *reader = piece->reader;
  if (piece->code == FILO_BUSY && !reader->freed && wait_writable(piece)) return;
  end_piece(piece);
  job_ended(reader);
}

static void whole_done(struct filo_job *job) {
  struct step *step = (struct step *)job;
  struct filo_reader *reader = step->reader;
  struct piece *piece = &reader->pieces[reader->take];
  bool has_piece = piece->busy;
  if (step->code < 0) {
    fail(reader, step->code, &step->err);
  } else if (filo_target_is_stream(reader->target)) {
    reader->opened = true;
    if (has_piece && !reader->freed) {
      filo_pool_submit(reader->resources->pool, &piece->job);
      has_piece = false;
    }
  } else {
    reader->opened = true;
    reader->finished = piece->code == 0;
    if (has_piece) end_piece(piece);
  }
  if (has_piece) reader->under_way--;
  job_ended(reader);
}

/* A small object is saved in one trip to a worker, where a buffer is at hand. */
static void start_whole(struct filo_reader *reader) {
  struct filo_buffer *buffer = NULL;
  if (reader->begin < reader->end) {
    buffer = filo_buffers_take(reader->resources->buffers, true);
    if (buffer) plan_piece(reader, buffer);
  }
  bool whole = buffer || reader->begin == reader->end;
  submit_step(reader, whole ? run_whole : run_open, whole ? whole_done : step_done);
}

int filo_reader_next(struct filo_reader *reader, size_t used, const unsigned char **bytes,
                     size_t *len, struct filo_error *err) {
  struct piece *piece = &reader->pieces[reader->take];
  reader->taken += used;
  if (piece->ready && piece->code == 0 && reader->taken == piece->len) {
    advance(reader, piece);
    piece = &reader->pieces[reader->take];
    pump(reader);
  }
  if (reader->given == reader->end && (!reader->target || reader->finished)) return 0;
  if (piece->ready && piece->code == 0) {
    *bytes = piece->buffer->bytes + reader->taken;
    *len = piece->len - reader->taken;
    return 1;
  }
  pump(reader);
  if (reader->under_way > 0) return FILO_BUSY;
  const struct filo_partial *partial = reader->partial;
  int code = reader->code < 0 ? reader->code : partial ? partial->code : 0;
  if (code == 0) return FILO_BUSY;
  if (err) *err = reader->code < 0 ? reader->err : partial->err;
  return code;
}

static void on_landed(struct filo_partial_watch *watch) {
  struct filo_reader *reader =
      (struct filo_reader *)((char *)watch - offsetof(struct filo_reader, watch));
  pump(reader);
  filo_pull_tell(&reader->pull);
}

/* --- As a pull --- */

static struct filo_reader *owner(struct filo_pull *pull) {
  return (struct filo_reader *)((char *)pull - offsetof(struct filo_reader, pull));
}

static int next_of_pull(struct filo_pull *pull, size_t used, const unsigned char **bytes,
                        size_t *len, struct filo_error *err) {
  return filo_reader_next(owner(pull), used, bytes, len, err);
}

static void drop_pull(struct filo_pull *pull) {
  filo_reader_free(owner(pull));
}

struct filo_pull *filo_reader_pull(struct filo_reader *reader) {
  return &reader->pull;
}

static struct filo_reader *make(struct filo_resources *resources, uint64_t offset, uint64_t end) {
  struct filo_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->resources = resources;
  reader->fd = -1;
  reader->begin = reader->planned = reader->given = offset < end ? offset : end;
  reader->end = end;
  reader->pull = (struct filo_pull){.next = next_of_pull, .drop = drop_pull};
  return reader;
}

int filo_reader_new(struct filo_resources *resources, struct filo_object *object,
                    struct filo_partial *partial, uint64_t offset, uint64_t end,
                    filo_reader_fn *changed, void *ctx, struct filo_reader **ret,
                    struct filo_error *err) {
  struct filo_reader *reader = make(resources, offset, end);
  if (!reader) return filo_fail(err, FILO_NO_MEMORY, "no memory to read an object");
  reader->object = object ? filo_object_ref(object) : NULL;
  if (partial) {
    reader->partial = filo_partial_ref(partial);
    reader->watch.changed = on_landed;
    filo_partial_watch(partial, &reader->watch);
  }
  reader->pull.changed = changed;
  reader->pull.ctx = ctx;
  *ret = reader;
  return 0;
}

int filo_reader_of_file(struct filo_resources *resources, int fd, const char *name, uint64_t offset,
                        uint64_t end, struct filo_reader **ret, struct filo_error *err) {
  struct filo_reader *reader = make(resources, offset, end);
  if (reader) reader->name = strdup(name);
  if (!reader || !reader->name) {
    free(reader);
    close(fd);
    return filo_fail(err, FILO_NO_MEMORY, "no memory to read %s", name);
  }
  reader->fd = fd;
  *ret = reader;
  return 0;
}

int filo_reader_save(struct filo_reader *reader, const char *path, bool sparse, int mode,
                     struct filo_error *err) {
  reader->mode = mode;
  int code = filo_target_new(path, sparse, &reader->target, err);
  if (code < 0) return code;
  bool small = reader->object && reader->begin == 0 && reader->end <= FILO_SMALL_SIZE;
  if (small)
    start_whole(reader);
  else
    start_step(reader, run_open);
  return 0;
}

bool filo_reader_can_be_replaced(const struct filo_reader *reader) {
  bool begun = reader->opened && filo_target_is_stream(reader->target) &&
               (reader->given > reader->begin || reader->pieces[reader->take].saved > 0);
  return reader->unread && !begun;
}

void filo_reader_free(struct filo_reader *reader) {
  if (!reader) return;
  reader->freed = true;
  filo_partial_unwatch(&reader->watch);
  bool waits = reader->writable && event_pending(reader->writable, EV_WRITE, NULL);
  if (waits) event_del(reader->writable);
  if (waits) reader->under_way--;
  if (reader->under_way == 0) destroy(reader);
}
