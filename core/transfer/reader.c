#include "transfer/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { READER_DEPTH = 3 };

/* One chunk's share of the range, in a buffer. */
struct piece {
  struct filo_job job;
  struct filo_reader *reader;
  struct filo_buffer *buffer;
  uint64_t at;
  size_t len;
  bool busy, ready;
  int code;
  struct filo_error err;
};

struct filo_reader {
  struct filo_desk *desk;
  struct filo_object *object;
  struct filo_partial *partial;
  uint64_t begin, planned, given, end;
  struct piece pieces[READER_DEPTH]; /* a ring: `take` is the oldest, `plan` the next to fill */
  unsigned plan, take, under_way;
  size_t taken; /* of the oldest piece */
  struct filo_partial_watch watch;
  int save_fd;
  int code;
  struct filo_error err;
  filo_reader_fn *changed;
  void *ctx;
  bool freed;
};

static void destroy(struct filo_reader *reader) {
  for (int i = 0; i < READER_DEPTH; i++)
    if (reader->pieces[i].buffer)
      filo_buffers_give(reader->desk->buffers, reader->pieces[i].buffer);
  filo_object_unref(reader->object);
  filo_partial_unref(reader->partial);
  if (reader->save_fd >= 0) close(reader->save_fd);
  free(reader);
}

/* --- On a worker --- */

static int write_all(int fd, const unsigned char *bytes, size_t len, uint64_t at,
                     struct filo_error *err) {
  while (len > 0) {
    ssize_t n = pwrite(fd, bytes, len, (off_t)at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return filo_fail_errno(err, errno, "cannot write the file");
    bytes += n;
    at += (uint64_t)n;
    len -= (size_t)n;
  }
  return 0;
}

/* Only makes writing cheaper: where it cannot be, or there is no room, writing will tell. */
static void allocate(const struct filo_reader *reader) {
  fallocate(reader->save_fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(reader->end - reader->begin));
}

static void save_piece(struct piece *piece) {
  struct filo_reader *reader = piece->reader;
  if (piece->at == reader->begin) allocate(reader);
  piece->code = write_all(reader->save_fd, piece->buffer->bytes, piece->len,
                          piece->at - reader->begin, &piece->err);
}

static void run_piece(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  struct filo_reader *reader = piece->reader;
  unsigned char *out = piece->buffer->bytes;
  int64_t n =
      reader->object
          ? filo_object_read(reader->object, piece->at, out, piece->len, &piece->err)
          : filo_incoming_read(reader->partial->incoming, piece->at, out, piece->len, &piece->err);
  piece->code = n < 0 ? (int)n : 0;
  if (n >= 0 && (size_t)n != piece->len)
    piece->code = filo_fail(&piece->err, FILO_CORRUPT, "the object ends early");
  if (piece->code == 0 && reader->save_fd >= 0) save_piece(piece);
}

/* --- On the loop --- */

static void piece_done(struct filo_job *job);

static void start_piece(struct filo_reader *reader, struct filo_buffer *buffer) {
  struct piece *piece = &reader->pieces[reader->plan];
  uint64_t chunk_end = (reader->planned | (FILO_CHUNK_SIZE - 1)) + 1;
  uint64_t end = chunk_end < reader->end ? chunk_end : reader->end;
  piece->job = (struct filo_job){.run = run_piece, .done = piece_done};
  piece->reader = reader;
  piece->buffer = buffer;
  piece->at = reader->planned;
  piece->len = (size_t)(end - reader->planned);
  piece->busy = true;
  reader->planned = end;
  reader->plan = (reader->plan + 1) % READER_DEPTH;
  reader->under_way++;
  filo_pool_submit(reader->desk->pool, &piece->job);
}

static bool may_plan(const struct filo_reader *reader) {
  const struct piece *piece = &reader->pieces[reader->plan];
  if (reader->code < 0 || piece->busy || piece->ready || reader->planned == reader->end)
    return false;
  return !reader->partial ||
         filo_incoming_has(reader->partial->incoming, reader->planned >> FILO_CHUNK_BITS);
}

static void pump(struct filo_reader *reader) {
  while (may_plan(reader)) {
    bool first = reader->planned == reader->given;
    struct filo_buffer *buffer = filo_buffers_take(reader->desk->buffers, first);
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
  filo_buffers_give(reader->desk->buffers, piece->buffer);
  piece->buffer = NULL;
}

static void drop_saved(struct filo_reader *reader) {
  struct piece *piece;
  while ((piece = &reader->pieces[reader->take])->ready && piece->code == 0) advance(reader, piece);
}

static void piece_done(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  struct filo_reader *reader = piece->reader;
  piece->busy = false;
  piece->ready = true;
  reader->under_way--;
  if (reader->freed) {
    if (reader->under_way == 0) destroy(reader);
    return;
  }
  if (piece->code < 0 && reader->code == 0) {
    reader->code = piece->code;
    reader->err = piece->err;
  }
  if (reader->save_fd >= 0) drop_saved(reader);
  pump(reader);
  reader->changed(reader->ctx);
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
  if (reader->given == reader->end) return 0;
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
  reader->changed(reader->ctx);
}

int filo_reader_new(struct filo_desk *desk, struct filo_object *object,
                    struct filo_partial *partial, uint64_t offset, uint64_t end,
                    filo_reader_fn *changed, void *ctx, struct filo_reader **ret,
                    struct filo_error *err) {
  struct filo_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return filo_fail(err, FILO_NO_MEMORY, "no memory to read an object");
  reader->desk = desk;
  reader->object = object ? filo_object_ref(object) : NULL;
  if (partial) {
    reader->partial = filo_partial_ref(partial);
    reader->watch.changed = on_landed;
    filo_partial_watch(partial, &reader->watch);
  }
  reader->begin = reader->planned = reader->given = offset < end ? offset : end;
  reader->end = end;
  reader->save_fd = -1;
  reader->changed = changed;
  reader->ctx = ctx;
  *ret = reader;
  return 0;
}

void filo_reader_save(struct filo_reader *reader, int fd) {
  reader->save_fd = fd;
  pump(reader);
}

void filo_reader_free(struct filo_reader *reader) {
  if (!reader) return;
  reader->freed = true;
  filo_partial_unwatch(&reader->watch);
  if (reader->under_way == 0) destroy(reader);
}
