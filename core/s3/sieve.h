/* What stands between the body of a request and who takes it: takes the framing `aws-chunked` away, verifies the
 * signatures of its chunks, counts, and computes digests. Data passes before it is verified, in the memory of who gives it; but the end
 * comes only when all was good.
 *
 * Reference counted. Loop thread: digests are computed there, a piece at a time.
 */
#ifndef FILO_S3_SIEVE_H
#define FILO_S3_SIEVE_H

#include "s3/signatures.h"
#include "transfer/pull.h"

struct filo_s3_plan {
  bool has_length, is_chunked;
  uint64_t length; /* of the data: no more, and no less */
  unsigned sums;   /* sums.h */
  const struct filo_s3_signer
      *signer;          /* NULL: no signatures are looked at; else each chunk has one */
  bool signed_trailers; /* these have one, too; else there are none where chunks are signed */
};

struct filo_s3_sieve;

typedef void filo_s3_sieve_fn(void *ctx);

/* Takes the source (NULL: nothing comes), also on failure, which is dropped at the end, at a failure, or when nobody takes any more.
 * `changed`: there may be something new. */
int filo_s3_sieve_new(struct filo_pull *source, const struct filo_s3_plan *plan,
                      filo_s3_sieve_fn *changed, void *ctx, struct filo_s3_sieve **ret,
                      struct filo_error *err);

/* As the `next` of a pull. FILO_DENIED: the signature is wrong; FILO_INVALID: the framing, or the length. */
int filo_s3_sieve_next(struct filo_s3_sieve *sieve, size_t used, const unsigned char **bytes,
                       size_t *len, struct filo_error *err);

/* Instead: that pull, which holds a reference until it is dropped. One of them at a time. */
struct filo_pull *filo_s3_sieve_pull(struct filo_s3_sieve *sieve);
bool filo_s3_sieve_is_taken(const struct filo_s3_sieve *sieve);

/* Whether all has come, and was good. Then its sums, as filo_s3_sums_get, and its trailers: "name:value\n" of each. */
bool filo_s3_sieve_has_ended(const struct filo_s3_sieve *sieve);
const unsigned char *filo_s3_sieve_sum(const struct filo_s3_sieve *sieve, int number, size_t *len);
const char *filo_s3_sieve_trailers(const struct filo_s3_sieve *sieve, size_t *len);

/* `changed` is not called any more; who takes what has not ended gets FILO_CLOSED. Gives the reference back. */
void filo_s3_sieve_close(struct filo_s3_sieve *sieve);

#endif
