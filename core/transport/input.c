/* Bytes are read into a buffer on the stack and decoded from there, unless they are the middle of
 * something long: then they go straight to where they stay, in the stream's sink or the message.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/internal.h"

enum { SCRATCH = 16 * 1024 };

/* --- Messages --- */

static void deliver(struct filo_connection *c, const unsigned char *bytes, size_t len) {
  c->messages_in++;
  c->handler.message(c->ctx, bytes, len);
}

/* Room for more of the message; it grows with what is really there, not with what is announced. */
static int grow(struct filo_connection *c, size_t need, struct filo_error *err) {
  size_t room = c->message_room ? c->message_room : SCRATCH;
  if (c->message_room >= need) return 0;
  while (room < need) room *= 2;
  return filo_unfinished_grow(c, room, err);
}

static void message_grew(struct filo_connection *c, size_t len) {
  c->message_have += len;
  if (c->decoder.payload_left > 0) return;
  size_t have = c->message_have;
  unsigned char *message = filo_unfinished_take(c);
  deliver(c, message, have);
  free(message);
}

static int message_piece(struct filo_connection *c, const unsigned char *bytes, size_t len,
                         struct filo_error *err) {
  if (len == c->decoder.frame.value) {
    deliver(c, bytes, len);
    return 0;
  }
  int rc = grow(c, c->message_have + len, err);
  if (rc < 0) return rc;
  memcpy(c->message + c->message_have, bytes, len);
  message_grew(c, len);
  return 0;
}

/* --- Streams --- */

static void stream_piece(struct filo_connection *c, const unsigned char *bytes, size_t len) {
  struct filo_inflow *flow = c->inflow;
  while (len > 0 && flow && c->inflow == flow && c->state == FILO_STATE_OPEN) {
    size_t room = 0;
    unsigned char *space = flow->handler.space(flow->ctx, &room);
    if (c->inflow != flow || c->state != FILO_STATE_OPEN) return;
    size_t n = len < room ? len : room;
    memcpy(space, bytes, n);
    bytes += n;
    len -= n;
    flow->handler.filled(flow->ctx, n);
  }
}

/* --- Frames --- */

static void peer_closed(struct filo_connection *c, uint32_t reason) {
  struct filo_error err;
  int code = filo_connection_code(reason);
  filo_fail(&err, code, "the peer closed: %s", filo_code_name(code));
  filo_connection_end(c, &err);
}

static int begin(struct filo_connection *c, struct filo_error *err) {
  const struct filo_frame *frame = &c->decoder.frame;
  if (frame->type == FILO_FRAME_MESSAGE && c->bulk && c->admitted)
    return filo_fail(err, FILO_PROTOCOL, "a message on a bulk line");
  if (frame->type == FILO_FRAME_MESSAGE) {
    if (frame->value == 0) deliver(c, c->decoder.header, 0);
    return 0;
  }
  if (frame->type == FILO_FRAME_RESET && frame->stream == 0) {
    peer_closed(c, frame->value);
    return 0;
  }
  if (frame->type == FILO_FRAME_PING) {
    filo_keepalive_ping(c, frame->token);
    return 0;
  }
  if (frame->type == FILO_FRAME_PONG) return filo_keepalive_pong(c, frame->token, err);
  if (!c->admitted)
    return filo_fail(err, FILO_PROTOCOL, "a frame about stream %u before it was let in",
                     frame->stream);
  if (frame->type == FILO_FRAME_STREAM)
    return filo_stream_frame(c, frame->stream, frame->value, err);
  if (frame->type == FILO_FRAME_CREDIT)
    return filo_stream_credited(c, frame->stream, frame->value, err);
  return filo_stream_reset(c, frame->stream, frame->value, err);
}

static int decode(struct filo_connection *c, const unsigned char *bytes, size_t len,
                  struct filo_error *err) {
  while (len > 0 && c->state == FILO_STATE_OPEN) {
    size_t used = 0, payload_len = 0;
    const unsigned char *payload = NULL;
    int rc = filo_frame_decode(&c->decoder, bytes, len, &used, &payload, &payload_len, err);
    if (rc == FILO_FRAME_BEGIN)
      rc = begin(c, err);
    else if (rc == FILO_FRAME_PAYLOAD && c->decoder.frame.type == FILO_FRAME_MESSAGE)
      rc = message_piece(c, payload, payload_len, err);
    else if (rc == FILO_FRAME_PAYLOAD)
      stream_piece(c, payload, payload_len);
    if (rc < 0) return rc;
    bytes += used;
    len -= used;
  }
  return 0;
}

/* --- Reading --- */

/* Where the next bytes go: straight to where they stay when that is worth it. */
static int destination(struct filo_connection *c, unsigned char *scratch, unsigned char **to,
                       size_t *room, struct filo_error *err) {
  size_t left = c->decoder.payload_left;
  struct filo_inflow *flow = c->inflow;
  *to = scratch;
  *room = SCRATCH;
  if (left < SCRATCH) return 0;
  if (c->decoder.frame.type == FILO_FRAME_STREAM && flow) {
    size_t space_room = 0;
    unsigned char *space = flow->handler.space(flow->ctx, &space_room);
    if (c->inflow != flow) return 0;
    *to = space;
    *room = space_room < left ? space_room : left;
  }
  if (c->decoder.frame.type == FILO_FRAME_MESSAGE) {
    int rc = grow(c, c->message_have + SCRATCH, err);
    if (rc < 0) return rc;
    *to = c->message + c->message_have;
    *room = c->message_room - c->message_have;
    if (*room > left) *room = left;
  }
  return 0;
}

/* Bytes were read straight to where they stay. */
static void arrived(struct filo_connection *c, size_t len) {
  filo_frame_decoder_advance(&c->decoder, len);
  if (c->decoder.frame.type == FILO_FRAME_MESSAGE)
    message_grew(c, len);
  else
    c->inflow->handler.filled(c->inflow->ctx, len);
}

static void peer_gone(struct filo_connection *c, struct filo_error *err) {
  if (err->code == FILO_CLOSED && (c->decoder.have > 0 || c->decoder.payload_left > 0))
    filo_fail(err, FILO_UNREACHABLE, "the peer hung up in the middle of a frame");
  filo_connection_end(c, err);
}

/* *more: there may be more to read now. Not after a short read, which is not worth a look that
 * finds nothing. */
static int read_some(struct filo_connection *c, size_t *total, bool *more, struct filo_error *err) {
  unsigned char scratch[SCRATCH];
  unsigned char *to;
  size_t room;
  int want;
  int rc = destination(c, scratch, &to, &room, err);
  *more = false;
  if (rc < 0) return rc;
  if (c->state != FILO_STATE_OPEN) return 0;
  ssize_t n = filo_link_read(c->link, to, room, &want, err);
  if (n < 0) {
    peer_gone(c, err);
    return 0;
  }
  *more = n > 0 && ((size_t)n == room || filo_link_pending(c->link));
  *total += (size_t)n;
  c->bytes_in += (size_t)n;
  filo_moved.in += (size_t)n;
  if (to == scratch) return decode(c, scratch, (size_t)n, err);
  if (n > 0) arrived(c, (size_t)n);
  return 0;
}

void filo_input_run(struct filo_connection *c) {
  const struct timeval at_once = {0};
  struct filo_error err;
  size_t total = 0;
  bool more = true;
  int rc = 0;
  while (rc == 0 && more && total < TURN_BUDGET && c->state == FILO_STATE_OPEN)
    rc = read_some(c, &total, &more, &err);
  if (total > 0) c->heard = filo_connection_clock();
  if (rc == FILO_PROTOCOL)
    filo_connection_breach(c, &err);
  else if (rc == FILO_BUSY)
    filo_connection_close(c, FILO_BUSY, err.message);
  else if (rc < 0)
    filo_connection_end(c, &err);
  if (c->state != FILO_STATE_OPEN) return;
  /* A timer, not an active event: the loop looks at all others before it. */
  if (total >= TURN_BUDGET && filo_link_pending(c->link)) event_add(&c->again, &at_once);
  rc = filo_link_flush(c->link, &err);
  if (rc < 0) filo_connection_end(c, &err);
  if (rc > 0) event_add(&c->writable, NULL);
}
