/* The queue holds whole frames: messages, and what streams have to tell. Stream bytes stay where
 * they are until it is their stream's turn, and then go to the link from there; only short ones are
 * copied into the queue, so that a message and a small body leave as one piece. A stream frame that
 * is on its way is finished before anything else is written: it is at most SLICE long, which is
 * thus the longest that a message waits here. */
#include <stdlib.h>
#include <string.h>

#include "transport/internal.h"

enum {
  SLICE = 256 * 1024,
  SHORT = 8 * 1024,
  GATHER = 64 * 1024, /* no more is put into the queue while so much waits in it */
  KEEP = 16 * 1024    /* of a queue's memory while it is empty */
};

/* --- The queue --- */

static size_t queued(const struct filo_queue *queue) {
  return queue->end - queue->start;
}

static int reserve(struct filo_queue *queue, size_t len, struct filo_error *err) {
  size_t used = queued(queue), size = queue->size ? queue->size : 4096;
  if (queue->size - queue->end >= len) return 0;
  while (size - used < len || (size == queue->size && used > size / 2)) size *= 2;
  if (size == queue->size) {
    memmove(queue->bytes, queue->bytes + queue->start, used);
  } else {
    unsigned char *bytes = malloc(size);
    if (!bytes) return filo_fail(err, FILO_NO_MEMORY, "no memory for messages to be sent");
    if (used > 0) memcpy(bytes, queue->bytes + queue->start, used);
    free(queue->bytes);
    queue->bytes = bytes;
    queue->size = size;
  }
  queue->start = 0;
  queue->end = used;
  return 0;
}

static void append(struct filo_queue *queue, const unsigned char *bytes, size_t len) {
  if (len > 0) memcpy(queue->bytes + queue->end, bytes, len);
  queue->end += len;
}

static void consume(struct filo_queue *queue, size_t len) {
  queue->start += len;
  if (queue->start < queue->end) return;
  queue->start = queue->end = 0;
  if (queue->size <= KEEP) return;
  free(queue->bytes);
  memset(queue, 0, sizeof *queue);
}

size_t filo_output_queued(const struct filo_connection *c) {
  return queued(&c->queue);
}

void filo_output_free(struct filo_connection *c) {
  free(c->queue.bytes);
  memset(&c->queue, 0, sizeof c->queue);
}

int filo_output_put(struct filo_connection *c, const struct filo_frame *frame,
                    const unsigned char *payload, struct filo_error *err) {
  unsigned char header[FILO_FRAME_HEADER_MAX];
  size_t header_len = filo_frame_encode(frame, header), len = payload ? frame->value : 0;
  int rc = reserve(&c->queue, header_len + len, err);
  if (rc < 0) return rc;
  append(&c->queue, header, header_len);
  append(&c->queue, payload, len);
  return 0;
}

int filo_connection_room(struct filo_connection *c, struct filo_error *err) {
  filo_connection_check(c);
  if (c->state >= FILO_STATE_CLOSING)
    return filo_fail(err, FILO_CLOSED, "the connection is closed");
  if (queued(&c->queue) <= QUEUE_LIMIT) return 0;
  c->refused = true;
  return filo_fail(err, FILO_BUSY, "%zu bytes of messages wait for %s already", queued(&c->queue),
                   c->remote);
}

int filo_connection_send(struct filo_connection *c, const unsigned char *bytes, size_t len,
                         struct filo_error *err) {
  if (len > FILO_MESSAGE_MAX)
    return filo_fail(err, FILO_TOO_LARGE, "a message of %zu bytes, where %d are allowed", len,
                     FILO_MESSAGE_MAX);
  int room = filo_connection_room(c, err);
  if (room < 0) return room;
  struct filo_frame frame = {.type = FILO_FRAME_MESSAGE, .value = (uint32_t)len};
  int rc = filo_output_put(c, &frame, bytes, err);
  if (rc < 0) return rc;
  c->messages_out++;
  filo_connection_wake(c);
  return 0;
}

/* --- Stream frames --- */

static struct filo_outflow *take_turn(struct filo_connection *c) {
  struct filo_outflow *flow = TAILQ_FIRST(&c->ready);
  TAILQ_REMOVE(&c->ready, flow, ready);
  return flow;
}

static void written(struct filo_outflow *flow) {
  flow->bytes = NULL;
  flow->handler.written(flow->ctx); /* may drop it */
}

static void begin_frame(struct filo_connection *c, size_t len) {
  struct filo_outflow *flow = take_turn(c);
  struct filo_frame header = {
      .type = FILO_FRAME_STREAM, .stream = flow->number, .value = (uint32_t)len};
  c->frame.flow = flow;
  c->frame.bytes = flow->bytes;
  c->frame.left = len;
  c->frame.header_left = (unsigned)filo_frame_encode(&header, c->frame.header);
  flow->bytes += len;
  flow->left -= len;
}

/* Its turn is over. */
static void put_back(struct filo_connection *c, struct filo_outflow *flow) {
  if (flow->left > 0)
    TAILQ_INSERT_TAIL(&c->ready, flow, ready);
  else
    written(flow);
}

static void end_frame(struct filo_connection *c) {
  struct filo_outflow *flow = c->frame.flow;
  c->frame.flow = NULL;
  put_back(c, flow);
}

void filo_output_release(struct filo_connection *c, const struct filo_outflow *flow) {
  struct filo_out_frame *frame = &c->frame;
  struct filo_queue *queue = &c->queue;
  struct filo_error err;
  if (frame->flow != flow) return;
  frame->flow = NULL;
  if (frame->header_left == FILO_FRAME_HEADER_MAX) return; /* nothing of it is sent */
  size_t len = frame->header_left + frame->left;
  if (reserve(queue, len, &err) < 0) {
    filo_connection_end(c, &err);
    return;
  }
  /* It has begun, so nothing of the queue was sent since: it goes before all of that. */
  unsigned char *front = queue->bytes + queue->start;
  memmove(front + len, front, queued(queue));
  memcpy(front, frame->header + FILO_FRAME_HEADER_MAX - frame->header_left, frame->header_left);
  memcpy(front + frame->header_left, frame->bytes, frame->left);
  queue->end += len;
}

/* Puts what is small into the queue: pings, what streams have to tell, short bodies whose turn it
 * is. */
static int gather(struct filo_connection *c, struct filo_error *err) {
  int rc = queued(&c->queue) < GATHER ? filo_keepalive_tell(c, err) : 0;
  while (rc == 0 && queued(&c->queue) < GATHER) {
    rc = filo_stream_tell(c, err);
    struct filo_outflow *flow = TAILQ_FIRST(&c->ready);
    if (rc < 0 || !flow || flow->left > SHORT) break;
    size_t len = filo_rate_take(filo_connection_up(c), &c->up, flow->left);
    if (len == 0) break;
    struct filo_frame frame = {
        .type = FILO_FRAME_STREAM, .stream = flow->number, .value = (uint32_t)len};
    rc = filo_output_put(c, &frame, flow->bytes, err);
    if (rc < 0) break;
    flow->bytes += len;
    flow->left -= len;
    take_turn(c);
    put_back(c, flow);
  }
  return rc;
}

/* --- Writing --- */

static ssize_t write_frame(struct filo_connection *c, int *want, struct filo_error *err) {
  struct filo_out_frame *frame = &c->frame;
  if (frame->header_left > 0) {
    const unsigned char *header = frame->header + FILO_FRAME_HEADER_MAX - frame->header_left;
    ssize_t n = filo_link_write(c->link, header, frame->header_left, want, err);
    if (n > 0) frame->header_left -= (unsigned)n;
    return n;
  }
  ssize_t n = filo_link_write(c->link, frame->bytes, frame->left, want, err);
  if (n < 0) return n;
  frame->bytes += n;
  frame->left -= (size_t)n;
  if (frame->left == 0) end_frame(c);
  return n;
}

static ssize_t write_queue(struct filo_connection *c, int *want, struct filo_error *err) {
  ssize_t n =
      filo_link_write(c->link, c->queue.bytes + c->queue.start, queued(&c->queue), want, err);
  if (n < 0) return n;
  consume(&c->queue, (size_t)n);
  if (c->refused && queued(&c->queue) <= QUEUE_LIMIT / 2) {
    c->refused = false;
    c->handler.drained(c->ctx);
  }
  return n;
}

/* How long the next stream frame may be; 0: there is none for now. */
static size_t next_frame(struct filo_connection *c) {
  struct filo_outflow *flow = TAILQ_FIRST(&c->ready);
  struct filo_rate *up = filo_connection_up(c);
  if (flow && c->state == FILO_STATE_OPEN)
    return filo_rate_take(up, &c->up, flow->left < SLICE ? flow->left : SLICE);
  if (up) filo_rate_leave(up, &c->up);
  return 0;
}

/* The next piece, by rank: 0 when there is none. */
static ssize_t write_next(struct filo_connection *c, int *want, struct filo_error *err) {
  if (c->frame.flow) return write_frame(c, want, err);
  int rc = gather(c, err);
  if (rc < 0) return rc;
  if (c->state == FILO_STATE_ENDED) return 0;
  if (queued(&c->queue) > 0) return write_queue(c, want, err);
  size_t len = next_frame(c);
  if (len == 0) return 0;
  begin_frame(c, len);
  return write_frame(c, want, err);
}

bool filo_output_done(const struct filo_connection *c) {
  return queued(&c->queue) == 0 && !c->frame.flow;
}

/* The peer may have said why it went, before the socket failed. */
static void lost(struct filo_connection *c, const struct filo_error *err) {
  if (c->state == FILO_STATE_OPEN) filo_input_run(c);
  filo_connection_end(c, err);
}

void filo_output_run(struct filo_connection *c) {
  struct filo_error err;
  size_t budget = TURN_BUDGET;
  int want = 0;
  while (c->state != FILO_STATE_ENDED && !want && budget > 0) {
    ssize_t n = write_next(c, &want, &err);
    if (n < 0) {
      lost(c, &err);
      return;
    }
    if (n == 0) break;
    c->bytes_out += (size_t)n;
    filo_moved.out += (size_t)n;
    budget -= (size_t)n < budget ? (size_t)n : budget;
  }
  if (c->state == FILO_STATE_ENDED) return;
  int rc = filo_link_flush(c->link, &err);
  if (rc < 0)
    lost(c, &err);
  else if (rc > 0 || want || budget == 0)
    event_add(&c->writable, NULL);
}
