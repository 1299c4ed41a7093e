/* Bodies in the framing `aws-chunked`. Byte 0 says what is known of it and starts the splits, the rest is what comes. However
 * that is cut, and however little is taken at a time, the same data passes, or the same complaint is made. */
#include "s3/sieve.h"

#include <string.h>

#include "fuzz.h"
#include "s3/sums.h"

enum { FRAMED = 1, HAS_LENGTH = 2 };

/* Gives `wire` in pieces, each a copy of its own: a byte beyond it is noticed. */
struct source {
  struct filo_pull pull;
  const uint8_t *wire;
  size_t len, at, step; /* step 0: lengths that follow from the seed */
  uint32_t seed;
  unsigned char *piece;
  size_t piece_len;
  bool busy, dropped;
};

struct outcome {
  unsigned char *data;
  size_t len;
  int code;
  unsigned char crc[8];
  char trailers[FILO_S3_TRAILERS_MAX];
  size_t trailers_len;
};

static size_t next_length(struct source *source) {
  source->seed = source->seed * 1103515245 + 12345;
  size_t n = source->step ? source->step : 1 + (source->seed >> 16) % 40;
  return n < source->len - source->at ? n : source->len - source->at;
}

/* A piece that was not used up comes again, and each is busy once before it comes. */
static int next_piece(struct filo_pull *pull, size_t used, const unsigned char **bytes, size_t *len,
                      struct filo_error *err) {
  struct source *source = (struct source *)pull;
  (void)err;
  MUST(!source->dropped && used <= source->piece_len);
  source->at += used;
  if (used < source->piece_len) source->seed++;
  free(source->piece);
  source->piece = NULL;
  source->piece_len = 0;
  if (source->at == source->len) return 0;
  source->busy = !source->busy;
  if (source->busy) return FILO_BUSY;
  source->piece_len = next_length(source);
  source->piece = malloc(source->piece_len);
  MUST(source->piece);
  memcpy(source->piece, source->wire + source->at, source->piece_len);
  *bytes = source->piece;
  *len = source->piece_len;
  return 1;
}

static void drop(struct filo_pull *pull) {
  struct source *source = (struct source *)pull;
  MUST(!source->dropped);
  source->dropped = true;
  free(source->piece);
  source->piece = NULL;
}

static void take_all(struct filo_s3_sieve *sieve, struct source *source, struct outcome *to) {
  size_t used = 0;
  const unsigned char *bytes;
  do {
    size_t len;
    struct filo_error err;
    to->code = filo_s3_sieve_next(sieve, used, &bytes, &len, &err);
    used = 0;
    if (to->code == 1) {
      MUST(len > 0 && bytes >= source->piece && bytes + len <= source->piece + source->piece_len);
      used = 1 + source->seed % len;
      MUST(to->len + used <= source->len);
      memcpy(to->data + to->len, bytes, used);
      to->len += used;
    }
    if (to->code < 0 && to->code != FILO_BUSY) MUST(to->code == FILO_INVALID && err.message[0]);
  } while (to->code == 1 || to->code == FILO_BUSY);
}

static void note_end(struct filo_s3_sieve *sieve, struct outcome *to) {
  size_t len;
  const char *trailers = filo_s3_sieve_trailers(sieve, &to->trailers_len);
  const unsigned char *crc = filo_s3_sieve_sum(sieve, filo_s3_sum_from_name("crc64nvme"), &len);
  MUST(filo_s3_sieve_has_ended(sieve) && crc && len == sizeof to->crc);
  MUST(to->trailers_len <= sizeof to->trailers);
  memcpy(to->crc, crc, len);
  if (to->trailers_len > 0) memcpy(to->trailers, trailers, to->trailers_len);
  MUST(to->trailers_len == 0 || trailers[to->trailers_len - 1] == '\n');
}

static struct outcome sift(const uint8_t *wire, size_t len, size_t step, uint8_t how) {
  struct outcome outcome = {.data = malloc(len ? len : 1)};
  struct source source = {.wire = wire, .len = len, .step = step, .seed = how};
  source.pull.next = next_piece;
  source.pull.drop = drop;
  const struct filo_s3_plan plan = {
      .is_chunked = how & FRAMED,
      .has_length = how & HAS_LENGTH,
      .length = how >> 2,
      .sums = 1u << filo_s3_sum_from_name("crc64nvme"),
  };
  struct filo_s3_sieve *sieve;
  struct filo_error err;
  MUST(outcome.data);
  MUST(filo_s3_sieve_new(&source.pull, &plan, NULL, NULL, &sieve, &err) == 0);
  take_all(sieve, &source, &outcome);
  MUST(source.dropped);
  if (outcome.code == 0) {
    note_end(sieve, &outcome);
    MUST(!plan.has_length || outcome.len == plan.length);
  }
  MUST(!plan.has_length || outcome.len <= plan.length);
  filo_s3_sieve_close(sieve);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  if (len < 1) return 0;
  struct outcome whole = sift(bytes + 1, len - 1, len, bytes[0]);
  for (size_t step = 0; step <= 2; step++) {
    struct outcome split = sift(bytes + 1, len - 1, step, bytes[0]);
    MUST(split.code == whole.code);
    size_t both = split.len < whole.len ? split.len : whole.len;
    MUST(whole.code < 0 || split.len == whole.len);
    MUST(memcmp(split.data, whole.data, both) == 0);
    MUST(memcmp(split.crc, whole.crc, sizeof whole.crc) == 0);
    MUST(split.trailers_len == whole.trailers_len);
    MUST(memcmp(split.trailers, whole.trailers, whole.trailers_len) == 0);
    free(split.data);
  }
  free(whole.data);
  return 0;
}
