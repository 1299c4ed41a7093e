#include "s3/sieve.h"

#include <assert.h>
#include <stdlib.h>

#include "s3/sums.h"

struct filo_s3_sieve {
  unsigned refs;
  struct filo_pull *source; /* NULL: it is dropped */
  const unsigned char *bytes;
  size_t len, at; /* of its piece, and how much of that is used */
  const unsigned char *piece;
  size_t piece_len; /* of data, within that */

  bool has_length, signed_trailers;
  uint64_t length, came;
  struct filo_s3_frames *frames;         /* NULL: the data comes as it is */
  struct filo_s3_signatures *signatures; /* NULL: none are looked at */
  struct filo_s3_sums *sums;

  struct filo_pull pull;
  bool taken, ended;
  filo_s3_sieve_fn *changed;
  void *ctx;
  int code;
  struct filo_error err;
};

static void let_go(struct filo_s3_sieve *sieve) {
  struct filo_pull *source = sieve->source;
  sieve->source = NULL;
  sieve->piece_len = 0;
  filo_s3_signatures_free(sieve->signatures);
  sieve->signatures = NULL;
  if (source) source->drop(source);
}

static void unref(struct filo_s3_sieve *sieve) {
  if (--sieve->refs > 0) return;
  let_go(sieve);
  filo_s3_sums_free(sieve->sums);
  free(sieve->frames);
  free(sieve);
}

static int fail(struct filo_s3_sieve *sieve, int code, const struct filo_error *err) {
  sieve->code = code;
  sieve->err = *err;
  let_go(sieve);
  return code;
}

static void give_up(struct filo_s3_sieve *sieve) {
  struct filo_error err;
  if (!sieve->ended && sieve->code == 0)
    fail(sieve, filo_fail(&err, FILO_CLOSED, "what came was let go before its end"), &err);
}

/* --- Data --- */

static int take(struct filo_s3_sieve *sieve, size_t used, struct filo_error *err) {
  assert(used <= sieve->piece_len);
  if (used == 0) return 0;
  int rc = filo_s3_sums_update(sieve->sums, sieve->piece, used, err);
  if (rc == 0 && sieve->signatures)
    rc = filo_s3_signatures_update(sieve->signatures, sieve->piece, used, err);
  sieve->piece += used;
  sieve->piece_len -= used;
  sieve->came += used;
  return rc;
}

static int check_room(const struct filo_s3_sieve *sieve, uint64_t more, struct filo_error *err) {
  if (!sieve->has_length || more <= sieve->length - sieve->came) return 0;
  return filo_fail(err, FILO_INVALID, "more than the %llu bytes come that were announced",
                   (unsigned long long)sieve->length);
}

/* --- Chunks --- */

/* The last is signed, too. */
static int begin_chunk(struct filo_s3_sieve *sieve, struct filo_error *err) {
  const struct filo_s3_frames *frames = sieve->frames;
  if (frames->left > 0) return check_room(sieve, frames->left, err);
  return sieve->signatures ? filo_s3_signatures_check(sieve->signatures, &frames->chunk, err) : 0;
}

static int end_chunk(struct filo_s3_sieve *sieve, struct filo_error *err) {
  if (!sieve->signatures) return 0;
  return filo_s3_signatures_check(sieve->signatures, &sieve->frames->chunk, err);
}

static int check_trailers(struct filo_s3_sieve *sieve, struct filo_error *err) {
  const struct filo_s3_frames *frames = sieve->frames;
  if (!sieve->signatures) return 0;
  if (sieve->signed_trailers)
    return filo_s3_signatures_check_trailers(sieve->signatures, frames, err);
  if (frames->text_len == 0 && !frames->trailers.is_there) return 0;
  return filo_fail(err, FILO_DENIED, "the body has trailers where none were announced");
}

static int go_on(struct filo_s3_sieve *sieve, int frame, struct filo_error *err) {
  if (frame == FILO_S3_CHUNK) return begin_chunk(sieve, err);
  if (frame == FILO_S3_CHUNK_END) return end_chunk(sieve, err);
  if (frame == FILO_S3_END) return check_trailers(sieve, err);
  return 0;
}

static int unframe(struct filo_s3_sieve *sieve, struct filo_error *err) {
  size_t used;
  int frame = filo_s3_frames_parse(sieve->frames, sieve->bytes + sieve->at, sieve->len - sieve->at,
                                   &used, &sieve->piece, &sieve->piece_len, err);
  sieve->at += used;
  return frame < 0 ? frame : go_on(sieve, frame, err);
}

static int pass(struct filo_s3_sieve *sieve, struct filo_error *err) {
  sieve->piece = sieve->bytes + sieve->at;
  sieve->piece_len = sieve->len - sieve->at;
  sieve->at = sieve->len;
  return check_room(sieve, sieve->piece_len, err);
}

/* --- As a pull --- */

static int end(struct filo_s3_sieve *sieve, struct filo_error *err) {
  if (sieve->frames && sieve->frames->state != FILO_S3_ENDED)
    return filo_fail(err, FILO_INVALID, "the body ends before the end of its aws-chunked framing");
  if (sieve->has_length && sieve->came < sieve->length)
    return filo_fail(err, FILO_INVALID, "%llu bytes came of %llu that were announced",
                     (unsigned long long)sieve->came, (unsigned long long)sieve->length);
  int rc = filo_s3_sums_finish(sieve->sums, err);
  sieve->ended = rc == 0;
  return rc;
}

static int refill(struct filo_s3_sieve *sieve, struct filo_error *err) {
  size_t used = sieve->at;
  sieve->at = sieve->len = 0;
  struct filo_pull *source = sieve->source;
  int rc = source ? source->next(source, used, &sieve->bytes, &sieve->len, err) : 0;
  if (rc == 0) return end(sieve, err);
  return rc == 1 ? 0 : rc;
}

static int step(struct filo_s3_sieve *sieve, struct filo_error *err) {
  if (sieve->at == sieve->len) return refill(sieve, err);
  return sieve->frames ? unframe(sieve, err) : pass(sieve, err);
}

static int failure(const struct filo_s3_sieve *sieve, struct filo_error *err) {
  if (err) *err = sieve->err;
  return sieve->code;
}

int filo_s3_sieve_next(struct filo_s3_sieve *sieve, size_t used, const unsigned char **bytes,
                       size_t *len, struct filo_error *err) {
  struct filo_error problem;
  if (sieve->code < 0) return failure(sieve, err);
  int rc = take(sieve, used, &problem);
  while (rc == 0 && sieve->piece_len == 0 && !sieve->ended) rc = step(sieve, &problem);
  if (rc == FILO_BUSY) return rc;
  if (rc < 0) {
    fail(sieve, rc, &problem);
    return failure(sieve, err);
  }
  if (sieve->ended) {
    let_go(sieve);
    return 0;
  }
  *bytes = sieve->piece;
  *len = sieve->piece_len;
  return 1;
}

static struct filo_s3_sieve *owner(struct filo_pull *pull) {
  return (struct filo_s3_sieve *)((char *)pull - offsetof(struct filo_s3_sieve, pull));
}

static int next_of_pull(struct filo_pull *pull, size_t used, const unsigned char **bytes,
                        size_t *len, struct filo_error *err) {
  return filo_s3_sieve_next(owner(pull), used, bytes, len, err);
}

static void drop_pull(struct filo_pull *pull) {
  struct filo_s3_sieve *sieve = owner(pull);
  sieve->taken = false;
  pull->changed = NULL;
  give_up(sieve);
  unref(sieve);
}

struct filo_pull *filo_s3_sieve_pull(struct filo_s3_sieve *sieve) {
  assert(!sieve->taken);
  sieve->taken = true;
  sieve->refs++;
  return &sieve->pull;
}

bool filo_s3_sieve_is_taken(const struct filo_s3_sieve *sieve) {
  return sieve->taken;
}

/* --- Life --- */

static void on_source_changed(void *ctx) {
  struct filo_s3_sieve *sieve = ctx;
  sieve->refs++;
  if (sieve->taken) filo_pull_tell(&sieve->pull);
  if (sieve->changed) sieve->changed(sieve->ctx);
  unref(sieve);
}

static int prepare(struct filo_s3_sieve *sieve, const struct filo_s3_plan *plan,
                   struct filo_error *err) {
  sieve->has_length = plan->has_length;
  sieve->length = plan->length;
  sieve->signed_trailers = plan->signed_trailers;
  if (plan->is_chunked) sieve->frames = calloc(1, sizeof *sieve->frames);
  if (plan->is_chunked && !sieve->frames)
    return filo_fail(err, FILO_NO_MEMORY, "no memory for chunks");
  int rc = filo_s3_sums_new(plan->sums, &sieve->sums, err);
  if (rc == 0 && plan->signer) rc = filo_s3_signatures_new(plan->signer, &sieve->signatures, err);
  return rc;
}

int filo_s3_sieve_new(struct filo_pull *source, const struct filo_s3_plan *plan,
                      filo_s3_sieve_fn *changed, void *ctx, struct filo_s3_sieve **ret,
                      struct filo_error *err) {
  struct filo_s3_sieve *sieve = calloc(1, sizeof *sieve);
  if (!sieve) {
    if (source) source->drop(source);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for a sieve");
  }
  sieve->refs = 1;
  sieve->source = source;
  sieve->changed = changed;
  sieve->ctx = ctx;
  sieve->pull = (struct filo_pull){.next = next_of_pull, .drop = drop_pull};
  if (source) source->changed = on_source_changed;
  if (source) source->ctx = sieve;
  int rc = prepare(sieve, plan, err);
  if (rc < 0) {
    unref(sieve);
    return rc;
  }
  *ret = sieve;
  return 0;
}

bool filo_s3_sieve_has_ended(const struct filo_s3_sieve *sieve) {
  return sieve->ended;
}

const unsigned char *filo_s3_sieve_sum(const struct filo_s3_sieve *sieve, int number, size_t *len) {
  return filo_s3_sums_get(sieve->sums, number, len);
}

const char *filo_s3_sieve_trailers(const struct filo_s3_sieve *sieve, size_t *len) {
  *len = sieve->frames ? sieve->frames->text_len : 0;
  return sieve->frames ? sieve->frames->text : "";
}

void filo_s3_sieve_close(struct filo_s3_sieve *sieve) {
  if (!sieve) return;
  sieve->changed = NULL;
  give_up(sieve);
  if (sieve->taken) filo_pull_tell(&sieve->pull);
  unref(sieve);
}
