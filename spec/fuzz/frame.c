/* The frame codec. Byte 0 chooses the limit of messages, byte 1 starts the splits, the rest is the
 * wire. However the wire is cut, the frames and their payload encode to the very bytes that were
 * decoded, up to the same end and the same complaint. */
#include "transport/frame.h"

#include <string.h>

#include "fuzz.h"

struct outcome {
  unsigned char *bytes; /* headers encoded anew, payloads as they came */
  size_t len;
  int code;
  struct filo_error err;
};

static void append(struct outcome *to, const unsigned char *bytes, size_t len) {
  memcpy(to->bytes + to->len, bytes, len);
  to->len += len;
}

static void check_frame(const struct filo_frame *frame, uint32_t message_max) {
  MUST(frame->type != FILO_FRAME_MESSAGE || frame->value <= message_max);
  MUST(frame->type >= FILO_FRAME_MESSAGE && frame->type <= FILO_FRAME_PONG);
  MUST(frame->stream > 0 || (frame->type != FILO_FRAME_STREAM && frame->type != FILO_FRAME_CREDIT));
  MUST(frame->type != FILO_FRAME_STREAM || frame->value <= FILO_STREAM_FRAME_MAX);
  MUST(frame->type != FILO_FRAME_CREDIT || frame->value > 0);
}

/* Decodes one piece as far as it goes. A copy of its own: a byte beyond it is noticed. */
static void decode_piece(struct filo_frame_decoder *decoder, const uint8_t *piece, size_t len,
                         struct outcome *to) {
  unsigned char *bytes = malloc(len ? len : 1), header[FILO_FRAME_HEADER_MAX];
  MUST(bytes);
  memcpy(bytes, piece, len);
  for (size_t at = 0; at < len && to->code >= 0;) {
    size_t used = 0, payload_len = 0;
    const unsigned char *payload = NULL;
    to->code =
        filo_frame_decode(decoder, bytes + at, len - at, &used, &payload, &payload_len, &to->err);
    if (to->code < 0) break;
    MUST(used > 0 && used <= len - at);
    if (to->code == FILO_FRAME_BEGIN) {
      check_frame(&decoder->frame, decoder->message_max);
      append(to, header, filo_frame_encode(&decoder->frame, header));
    } else if (to->code == FILO_FRAME_PAYLOAD) {
      MUST(payload == bytes + at && payload_len == used);
      append(to, payload, payload_len);
    }
    at += used;
  }
  free(bytes);
}

/* Cuts the wire into pieces of `step` bytes, or of lengths that follow from the seed when step is
 * 0. */
static struct outcome decode(const uint8_t *wire, size_t len, uint32_t message_max, size_t step,
                             uint32_t seed) {
  struct outcome outcome = {.bytes = malloc(len + FILO_FRAME_HEADER_MAX)};
  struct filo_frame_decoder decoder;
  MUST(outcome.bytes);
  filo_frame_decoder_init(&decoder, message_max);
  for (size_t at = 0; at < len && outcome.code >= 0;) {
    seed = seed * 1103515245 + 12345;
    size_t n = step ? step : 1 + (seed >> 16) % 40;
    if (n > len - at) n = len - at;
    decode_piece(&decoder, wire + at, n, &outcome);
    at += n;
  }
  if (outcome.code >= 0) append(&outcome, decoder.header, decoder.have);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  if (len < 2) return 0;
  uint32_t message_max = bytes[0] & 1 ? FILO_MESSAGE_MAX : 4096, seed = bytes[1];
  const uint8_t *wire = bytes + 2;
  len -= 2;
  struct outcome whole = decode(wire, len, message_max, len ? len : 1, seed);
  MUST(memcmp(whole.bytes, wire, whole.len) == 0);
  MUST(whole.code < 0 ? whole.code == FILO_PROTOCOL && whole.err.message[0] : whole.len == len);
  for (size_t step = 0; step <= 3; step++) {
    struct outcome split = decode(wire, len, message_max, step, seed);
    MUST(split.len == whole.len && memcmp(split.bytes, whole.bytes, whole.len) == 0);
    MUST((split.code < 0) == (whole.code < 0));
    MUST(whole.code >= 0 || strcmp(split.err.message, whole.err.message) == 0);
    free(split.bytes);
  }
  free(whole.bytes);
  return 0;
}
