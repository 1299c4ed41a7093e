#include "transfer/receive.h"

#include <stdlib.h>

/* Buffers that one stream may hold: enough to hide the wake-ups, few enough to leave some for
 * others. */
enum { DEPTH = 4 };

/* A part of the stream that fits a buffer: a piece of the hash list, or a chunk. */
struct part {
  struct filo_job job;
  struct filo_receive *receive;
  struct filo_buffer *buffer;
  bool hashes;
  uint64_t chunk;
  size_t len;
  int code;
  struct filo_error err;
  struct part *next;
};

struct filo_receive {
  struct filo_resources *resources;
  struct filo_partial *partial;
  struct filo_inflow *flow;
  uint64_t hashes_left; /* bytes of the list not planned yet */
  uint64_t next_chunk, end_chunk;
  uint64_t size;
  struct part parts[DEPTH];
  struct part *free_parts;
  struct part *filling, **last; /* parts with credit, in the order of the stream */
  size_t fill;
  unsigned working, hashing;
  bool ended;
  struct event *stall;
  uint64_t bytes;
  filo_receive_fn *done;
  void *ctx;
  bool freed;
};

static void destroy(struct filo_receive *receive) {
  filo_partial_unref(receive->partial);
  if (receive->stall) event_free(receive->stall);
  free(receive);
}

static void release_part(struct filo_receive *receive, struct part *part) {
  filo_buffers_give(receive->resources->buffers, part->buffer);
  part->buffer = NULL;
  part->next = receive->free_parts;
  receive->free_parts = part;
}

static void finish(struct filo_receive *receive, int code, const struct filo_error *err) {
  filo_receive_fn *done = receive->done;
  receive->done = NULL;
  event_del(receive->stall);
  if (receive->flow) filo_inflow_abort(receive->flow, code < 0 ? code : FILO_CLOSED);
  receive->flow = NULL;
  while (receive->filling) {
    struct part *part = receive->filling;
    receive->filling = part->next;
    release_part(receive, part);
  }
  receive->last = &receive->filling;
  if (done) done(receive->ctx, code, err);
}

static void touch(struct filo_receive *receive) {
  struct timeval limit = {FILO_STALL_SECONDS, 0};
  event_add(receive->stall, &limit);
}

static void on_stall(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct filo_error err;
  int code = filo_fail(&err, FILO_TIMEOUT, "the peer sent no bytes for %d s", FILO_STALL_SECONDS);
  finish(arg, code, &err);
}

/* --- Planning: a buffer for each next part, and credit for it --- */

/* One piece of the hash list at a time, since they are put together in order; and no chunk before
 * it is verified. */
static bool more_to_plan(const struct filo_receive *receive) {
  if (receive->hashing > 0) return false;
  return receive->hashes_left > 0 || receive->next_chunk < receive->end_chunk;
}

static void plan_part(struct filo_receive *receive, struct filo_buffer *buffer) {
  struct part *part = receive->free_parts;
  receive->free_parts = part->next;
  part->buffer = buffer;
  part->hashes = receive->hashes_left > 0;
  if (part->hashes) {
    uint64_t left = receive->hashes_left;
    part->len = left < FILO_CHUNK_SIZE ? (size_t)left : FILO_CHUNK_SIZE;
    receive->hashes_left -= part->len;
    receive->hashing++;
  } else {
    part->chunk = receive->next_chunk++;
    part->len = filo_chunk_length(receive->size, part->chunk);
  }
  part->next = NULL;
  *receive->last = part;
  receive->last = &part->next;
  filo_inflow_credit(receive->flow, (uint32_t)part->len);
}

static void plan(struct filo_receive *receive) {
  while (receive->flow && receive->free_parts && more_to_plan(receive)) {
    bool first = !receive->filling && receive->working == 0;
    struct filo_buffer *buffer = filo_buffers_take(receive->resources->buffers, first);
    if (buffer) {
      plan_part(receive, buffer);
      continue;
    }
    struct filo_error err;
    if (first) finish(receive, filo_fail(&err, FILO_NO_MEMORY, "no memory for a buffer"), &err);
    return;
  }
}

/* --- Verifying and writing, on a worker --- */

static void run_part(struct filo_job *job) {
  struct part *part = (struct part *)job;
  struct filo_partial_file *file = part->receive->partial->file;
  if (part->hashes)
    part->code = filo_partial_file_hashes(file, part->buffer->bytes, part->len, &part->err);
  else
    part->code =
        filo_partial_file_chunk(file, part->chunk, part->buffer->bytes, part->len, &part->err);
}

static void settle(struct filo_receive *receive) {
  bool all = receive->working == 0 && !receive->filling && !more_to_plan(receive);
  struct filo_error err;
  if (all && receive->ended) {
    finish(receive, 0, NULL);
  } else if (receive->ended && receive->working == 0) {
    int code = filo_fail(&err, FILO_PROTOCOL, "the peer ended the stream before it was complete");
    finish(receive, code, &err);
  } else {
    plan(receive);
  }
}

static void part_done(struct filo_job *job) {
  struct part *part = (struct part *)job;
  struct filo_receive *receive = part->receive;
  struct filo_partial *partial = receive->partial;
  receive->working--;
  if (part->hashes) receive->hashing--;
  int code = part->code;
  struct filo_error err = part->err;
  bool chunk = !part->hashes;
  release_part(receive, part);
  if (code == 0 && chunk) filo_partial_landed(partial);
  if (receive->freed) {
    if (receive->working == 0) destroy(receive);
  } else if (receive->done && code < 0) {
    finish(receive, code, &err);
  } else if (receive->done) {
    settle(receive);
  }
}

/* --- The stream --- */

static unsigned char *space(void *ctx, size_t *room) {
  struct filo_receive *receive = ctx;
  struct part *part = receive->filling;
  *room = part->len - receive->fill;
  return part->buffer->bytes + receive->fill;
}

static void filled(void *ctx, size_t len) {
  struct filo_receive *receive = ctx;
  struct part *part = receive->filling;
  receive->fill += len;
  receive->bytes += len;
  touch(receive);
  if (receive->fill < part->len) return;
  receive->fill = 0;
  receive->filling = part->next;
  if (!receive->filling) receive->last = &receive->filling;
  part->job = (struct filo_job){.run = run_part, .done = part_done};
  receive->working++;
  filo_pool_submit(receive->resources->pool, &part->job);
  plan(receive);
}

static void on_end(void *ctx) {
  struct filo_receive *receive = ctx;
  receive->flow = NULL;
  receive->ended = true;
  settle(receive);
}

static void on_reset(void *ctx, int code, const char *why) {
  struct filo_receive *receive = ctx;
  struct filo_error err;
  receive->flow = NULL;
  filo_fail(&err, code, "%s", why);
  finish(receive, code, &err);
}

static void measure(struct filo_receive *receive, const struct filo_receive_options *options) {
  uint64_t chunks;
  receive->size = filo_partial_file_fields(receive->partial->file)->size;
  chunks = filo_chunk_count(receive->size);
  receive->next_chunk = options->first < chunks ? options->first : chunks;
  uint64_t count = chunks - receive->next_chunk;
  if (options->count < count) count = options->count;
  receive->end_chunk = receive->next_chunk + count;
  receive->hashes_left = options->hashes ? chunks * 32 : 0;
}

int filo_receive_start(struct filo_resources *resources, struct filo_connection *connection,
                       struct filo_partial *partial, const struct filo_receive_options *options,
                       filo_receive_fn *done, void *ctx, struct filo_receive **ret,
                       struct filo_error *err) {
  static const struct filo_inflow_handler handler = {space, filled, on_end, on_reset};
  struct filo_receive *receive = calloc(1, sizeof *receive);
  if (receive) receive->stall = evtimer_new(resources->base, on_stall, receive);
  if (!receive || !receive->stall) {
    free(receive);
    return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  }
  receive->resources = resources;
  receive->partial = filo_partial_ref(partial);
  receive->last = &receive->filling;
  receive->done = done;
  receive->ctx = ctx;
  for (int i = 0; i < DEPTH; i++) {
    receive->parts[i].receive = receive;
    receive->parts[i].next = receive->free_parts;
    receive->free_parts = &receive->parts[i];
  }
  measure(receive, options);
  int code = filo_inflow_open(connection, options->number, &handler, receive, &receive->flow, err);
  if (code < 0) {
    destroy(receive);
    return code;
  }
  touch(receive);
  plan(receive);
  *ret = receive;
  return 0;
}

uint64_t filo_receive_bytes(const struct filo_receive *receive) {
  return receive->bytes;
}

void filo_receive_free(struct filo_receive *receive) {
  if (!receive) return;
  struct filo_error err;
  if (receive->done) {
    receive->done = NULL;
    finish(receive, filo_fail(&err, FILO_CANCELLED, "given up"), &err);
  }
  receive->freed = true;
  if (receive->working == 0) destroy(receive);
}
