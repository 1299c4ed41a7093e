#include "transfer/send.h"

#include <stdlib.h>

struct block {
  struct filo_job job;
  struct filo_send *send;
  struct filo_buffer *buffer;
  uint64_t at; /* of the stream */
  size_t len;
  int code;
  struct filo_error err;
  bool busy, ready;
};

struct filo_send {
  struct filo_resources *resources;
  struct filo_object *object;
  struct filo_outflow *flow;
  uint32_t number;
  uint64_t hash_bytes;                  /* of the stream, before the ciphertext */
  uint64_t begin;                       /* of the ciphertext */
  uint64_t total, planned, given, sent; /* bytes: read or being read, handed over, gone */
  struct block blocks[2];               /* used in turns */
  unsigned plan_turn, send_turn;
  struct block *writing;
  struct event *stall;
  uint64_t seen; /* bytes that were gone when the stall timer was set */
  filo_send_fn *done;
  void *ctx;
  bool freed;
};

static void pump(struct filo_send *send);

static void destroy(struct filo_send *send) {
  for (int i = 0; i < 2; i++)
    if (send->blocks[i].buffer) filo_buffers_give(send->resources->buffers, send->blocks[i].buffer);
  filo_object_unref(send->object);
  if (send->stall) event_free(send->stall);
  free(send);
}

static bool reading(const struct filo_send *send) {
  return send->blocks[0].busy || send->blocks[1].busy;
}

static void finish(struct filo_send *send, int code, const struct filo_error *err) {
  filo_send_fn *done = send->done;
  send->done = NULL;
  event_del(send->stall);
  if (send->flow && code < 0) filo_outflow_abort(send->flow, code);
  if (send->flow && code == 0) filo_outflow_end(send->flow);
  send->flow = NULL;
  send->writing = NULL;
  if (done) done(send->ctx, code, err);
}

static void touch(struct filo_send *send) {
  struct timeval limit = {FILO_STALL_SECONDS, 0};
  send->seen = filo_send_bytes(send);
  event_add(send->stall, &limit);
}

static void on_stall(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct filo_send *send = arg;
  struct filo_error err;
  if (filo_send_bytes(send) > send->seen) { /* slowly, but it goes on */
    touch(send);
    return;
  }
  int code = filo_fail(&err, FILO_TIMEOUT, "the peer took no bytes for %d s", FILO_STALL_SECONDS);
  finish(send, code, &err);
}

/* --- Reading ahead, on a worker --- */

static void run_block(struct filo_job *job) {
  struct block *block = (struct block *)job;
  struct filo_send *send = block->send;
  int64_t n;
  if (block->at < send->hash_bytes)
    n = filo_object_read_hashes(send->object, block->at, block->buffer->bytes, block->len,
                                &block->err);
  else
    n = filo_object_read_sealed(send->object, send->begin + block->at - send->hash_bytes,
                                block->buffer->bytes, block->len, &block->err);
  block->code = n < 0 ? (int)n : 0;
  if (n >= 0 && (size_t)n != block->len)
    block->code = filo_fail(&block->err, FILO_CORRUPT, "the copy on disk is cut short");
}

static void block_done(struct filo_job *job) {
  struct block *block = (struct block *)job;
  struct filo_send *send = block->send;
  block->busy = false;
  block->ready = true;
  if (send->freed) {
    if (!reading(send)) destroy(send);
    return;
  }
  if (!send->done) return;
  if (block->code < 0)
    finish(send, block->code, &block->err);
  else
    pump(send);
}

/* --- Taking turns --- */

static size_t next_length(const struct filo_send *send) {
  bool hashes = send->planned < send->hash_bytes;
  uint64_t left = (hashes ? send->hash_bytes : send->total) - send->planned;
  uint64_t credit = filo_outflow_credit(send->flow) - (send->planned - send->given);
  if (left > credit) left = credit;
  return left > FILO_CHUNK_SIZE ? FILO_CHUNK_SIZE : (size_t)left;
}

static void plan(struct filo_send *send) {
  struct block *block = &send->blocks[send->plan_turn];
  if (block->busy || block->ready || send->planned == send->total) return;
  size_t len = next_length(send);
  if (len == 0) return;
  bool first = send->planned == send->sent;
  block->buffer = filo_buffers_take(send->resources->buffers, first);
  if (!block->buffer) {
    struct filo_error err;
    if (first) finish(send, filo_fail(&err, FILO_NO_MEMORY, "no memory for a buffer"), &err);
    return;
  }
  block->job = (struct filo_job){.run = run_block, .done = block_done};
  block->at = send->planned;
  block->len = len;
  block->busy = true;
  send->planned += len;
  send->plan_turn ^= 1;
  filo_pool_submit(send->resources->pool, &block->job);
}

static void pump(struct filo_send *send) {
  struct block *block = &send->blocks[send->send_turn];
  if (!send->writing && block->ready) {
    send->writing = block;
    send->given += block->len;
    filo_outflow_write(send->flow, block->buffer->bytes, block->len);
  }
  plan(send);
}

static void on_credit(void *ctx) {
  touch(ctx);
  pump(ctx);
}

static void on_written(void *ctx) {
  struct filo_send *send = ctx;
  struct block *block = send->writing;
  send->writing = NULL;
  send->sent += block->len;
  block->ready = false;
  filo_buffers_give(send->resources->buffers, block->buffer);
  block->buffer = NULL;
  send->send_turn ^= 1;
  touch(send);
  if (send->sent == send->total)
    finish(send, 0, NULL);
  else
    pump(send);
}

static void on_reset(void *ctx, int code, const char *why) {
  struct filo_send *send = ctx;
  struct filo_error err;
  send->flow = NULL;
  filo_fail(&err, code, "%s", why);
  finish(send, code, &err);
}

static void measure(struct filo_send *send, const struct filo_send_options *options) {
  uint64_t size = filo_object_fields(send->object)->size;
  uint64_t chunks = filo_chunk_count(size);
  uint64_t first = options->first < chunks ? options->first : chunks;
  uint64_t count = options->count < chunks - first ? options->count : chunks - first;
  uint64_t end = (first + count) << FILO_CHUNK_BITS;
  send->begin = first << FILO_CHUNK_BITS;
  if (send->begin > size) send->begin = size;
  if (end > size) end = size;
  send->hash_bytes = options->hashes ? chunks * 32 : 0;
  send->total = send->hash_bytes + end - send->begin;
}

int filo_send_start(struct filo_resources *resources, struct filo_connection *connection,
                    struct filo_object *object, const struct filo_send_options *options,
                    filo_send_fn *done, void *ctx, struct filo_send **ret, struct filo_error *err) {
  static const struct filo_outflow_handler handler = {on_credit, on_written, on_reset};
  struct filo_send *send = calloc(1, sizeof *send);
  if (send) send->stall = evtimer_new(resources->base, on_stall, send);
  if (!send || !send->stall) {
    free(send);
    return filo_fail(err, FILO_NO_MEMORY, "no memory to send an object");
  }
  send->resources = resources;
  send->object = filo_object_ref(object);
  send->blocks[0].send = send->blocks[1].send = send;
  send->done = done;
  send->ctx = ctx;
  measure(send, options);
  int code = send->total == 0 ? filo_fail(err, FILO_INVALID, "there is nothing to send") : 0;
  if (code == 0) code = filo_outflow_open(connection, &handler, send, &send->flow, err);
  if (code < 0) {
    destroy(send);
    return code;
  }
  send->number = filo_outflow_number(send->flow);
  touch(send);
  *ret = send;
  return 0;
}

uint32_t filo_send_number(const struct filo_send *send) {
  return send->number;
}

uint64_t filo_send_bytes(const struct filo_send *send) {
  if (!send->writing) return send->sent;
  return send->sent + send->writing->len - filo_outflow_left(send->flow);
}

void filo_send_free(struct filo_send *send) {
  if (!send) return;
  struct filo_error err;
  if (send->done) {
    send->done = NULL;
    finish(send, filo_fail(&err, FILO_CANCELLED, "given up"), &err);
  }
  send->freed = true;
  if (!reading(send)) destroy(send);
}
