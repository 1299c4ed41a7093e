/* The frame codec: a pure, incremental function of bytes. No sockets, no allocation.
 *
 *     0x01 message   u32 length, bytes (CBOR)            at most the decoder's limit
 *     0x02 stream    u32 stream, u32 length, raw bytes   at most FILO_STREAM_FRAME_MAX; 0: the end
 *     0x03 credit    u32 stream, u32 bytes               the receiver lets the sender go on; not 0
 *     0x04 reset     u32 stream, u32 reason              either side gives the stream up
 *     0x05 ping      u64 token                           is the other side there?
 *     0x06 pong      u64 token                           it is: the token of the ping
 *
 * Numbers are little-endian.
 */
#ifndef FILO_TRANSPORT_FRAME_H
#define FILO_TRANSPORT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
  FILO_FRAME_MESSAGE = 1,
  FILO_FRAME_STREAM = 2,
  FILO_FRAME_CREDIT = 3,
  FILO_FRAME_RESET = 4,
  FILO_FRAME_PING = 5,
  FILO_FRAME_PONG = 6,
  FILO_FRAME_HEADER_MAX = 9,
  FILO_MESSAGE_MAX = 1 << 20,
  FILO_STREAM_FRAME_MAX = 1 << 20,
};

struct filo_frame {
  unsigned char type;
  uint32_t stream; /* stream, credit, reset */
  uint32_t value;  /* length, credit bytes, or reason */
  uint64_t token;  /* ping, pong */
};

/* Writes the header of a frame; returns its size: 5 or 9. */
size_t filo_frame_encode(const struct filo_frame *frame, unsigned char out[FILO_FRAME_HEADER_MAX]);

struct filo_frame_decoder {
  unsigned char header[FILO_FRAME_HEADER_MAX];
  unsigned char have;    /* header bytes collected */
  uint32_t message_max;  /* may be changed at any time; holds from the next header on */
  uint32_t payload_left; /* payload bytes of the current frame still to come */
  struct filo_frame frame;
};

void filo_frame_decoder_init(struct filo_frame_decoder *decoder, uint32_t message_max);

/* What one step gave. */
enum filo_frame_event {
  FILO_FRAME_MORE, /* all bytes used; nothing whole yet */
  FILO_FRAME_BEGIN, /* decoder->frame is a whole header (the whole frame, but of a message or stream) */
  FILO_FRAME_PAYLOAD, /* *payload, *payload_len: a piece of the payload, within `bytes` */
};

/* Uses some of bytes (*used tells how many) and returns an enum filo_frame_event, or FILO_PROTOCOL
 * for an unknown type or a length over the limit: checked when the header is whole, before anybody
 * allocates. A frame's payload is complete when payload_left is 0 after a PAYLOAD, or at once when
 * its length is 0. */
int filo_frame_decode(struct filo_frame_decoder *decoder, const unsigned char *bytes, size_t len,
                      size_t *used, const unsigned char **payload, size_t *payload_len,
                      struct filo_error *err);

/* The caller read `len` payload bytes of the current frame by itself, to where they stay. */
void filo_frame_decoder_advance(struct filo_frame_decoder *decoder, size_t len);

#endif
