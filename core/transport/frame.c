#include "transport/frame.h"

#include <stdbool.h>
#include <string.h>

#include "bytes.h"

enum { MESSAGE_HEADER = 5 };

static size_t header_size(unsigned char type) {
  return type == FILO_FRAME_MESSAGE ? MESSAGE_HEADER : FILO_FRAME_HEADER_MAX;
}

static bool has_token(unsigned char type) {
  return type == FILO_FRAME_PING || type == FILO_FRAME_PONG;
}

size_t filo_frame_encode(const struct filo_frame *frame, unsigned char out[FILO_FRAME_HEADER_MAX]) {
  size_t size = header_size(frame->type);
  out[0] = frame->type;
  if (has_token(frame->type)) {
    filo_put_le64(out + 1, frame->token);
    return size;
  }
  if (size == FILO_FRAME_HEADER_MAX) filo_put_le32(out + 1, frame->stream);
  filo_put_le32(out + size - 4, frame->value);
  return size;
}

void filo_frame_decoder_init(struct filo_frame_decoder *decoder, uint32_t message_max) {
  memset(decoder, 0, sizeof *decoder);
  decoder->message_max = message_max;
}

static int check(const struct filo_frame *frame, uint32_t message_max, struct filo_error *err) {
  switch (frame->type) {
  case FILO_FRAME_MESSAGE:
    if (frame->value > message_max)
      return filo_fail(err, FILO_PROTOCOL, "a message of %u bytes, where %u are allowed",
                       frame->value, message_max);
    return 0;
  case FILO_FRAME_STREAM:
    if (frame->stream == 0) return filo_fail(err, FILO_PROTOCOL, "bytes for stream 0");
    if (frame->value > FILO_STREAM_FRAME_MAX)
      return filo_fail(err, FILO_PROTOCOL, "a frame of %u bytes on stream %u, where %d are allowed",
                       frame->value, frame->stream, FILO_STREAM_FRAME_MAX);
    return 0;
  case FILO_FRAME_CREDIT:
    if (frame->stream == 0) return filo_fail(err, FILO_PROTOCOL, "credit for stream 0");
    if (frame->value == 0)
      return filo_fail(err, FILO_PROTOCOL, "a credit of 0 bytes for stream %u", frame->stream);
    return 0;
  default:
    return 0; /* a reset: any stream, any reason; a ping or pong: any token */
  }
}

static struct filo_frame parse(const unsigned char *header, size_t size) {
  struct filo_frame frame = {.type = header[0]};
  if (has_token(frame.type)) {
    frame.token = filo_get_le64(header + 1);
    return frame;
  }
  frame.value = filo_get_le32(header + size - 4);
  if (size == FILO_FRAME_HEADER_MAX) frame.stream = filo_get_le32(header + 1);
  return frame;
}

/* Collects the header; 1 when it is whole and checked, 0 when bytes are missing. */
static int collect(struct filo_frame_decoder *decoder, const unsigned char *bytes, size_t len,
                   size_t *used, struct filo_error *err) {
  unsigned char type = decoder->have > 0 ? decoder->header[0] : bytes[0];
  if (type < FILO_FRAME_MESSAGE || type > FILO_FRAME_PONG)
    return filo_fail(err, FILO_PROTOCOL, "a frame of unknown type 0x%02x", type);
  size_t size = header_size(type), missing = size - decoder->have;
  size_t n = len < missing ? len : missing;
  memcpy(decoder->header + decoder->have, bytes, n);
  *used = n;
  if (n < missing) {
    decoder->have += (unsigned char)n;
    return 0;
  }
  struct filo_frame frame = parse(decoder->header, size);
  int rc = check(&frame, decoder->message_max, err);
  if (rc < 0) return rc;
  decoder->frame = frame;
  decoder->have = 0;
  decoder->payload_left = type == FILO_FRAME_MESSAGE || type == FILO_FRAME_STREAM ? frame.value : 0;
  return 1;
}

int filo_frame_decode(struct filo_frame_decoder *decoder, const unsigned char *bytes, size_t len,
                      size_t *used, const unsigned char **payload, size_t *payload_len,
                      struct filo_error *err) {
  if (len == 0) {
    *used = 0;
    return FILO_FRAME_MORE;
  }
  if (decoder->payload_left > 0) {
    size_t n = len < decoder->payload_left ? len : decoder->payload_left;
    filo_frame_decoder_advance(decoder, n);
    *used = n;
    *payload = bytes;
    *payload_len = n;
    return FILO_FRAME_PAYLOAD;
  }
  int rc = collect(decoder, bytes, len, used, err);
  if (rc < 0) return rc;
  return rc == 1 ? FILO_FRAME_BEGIN : FILO_FRAME_MORE;
}

void filo_frame_decoder_advance(struct filo_frame_decoder *decoder, size_t len) {
  decoder->payload_left -= (uint32_t)len;
}
