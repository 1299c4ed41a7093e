/* The chain of signatures over the chunks of a body, and over its trailers (AWS Signature Version 4): each signs the one
 * before, the first the one of the request's head. One thread at a time. */
#ifndef FILO_S3_SIGNATURES_H
#define FILO_S3_SIGNATURES_H

#include "s3/frames.h"

struct filo_s3_signatures;

struct filo_s3_signer {
  const unsigned char *key; /* the signing key, of 32 bytes */
  const char *date,
      *scope; /* as they were signed: "20130524T000000Z", "20130524/us-east-1/s3/aws4_request" */
  unsigned char seed[FILO_S3_SIGNATURE_SIZE];
};

int filo_s3_signatures_new(const struct filo_s3_signer *signer, struct filo_s3_signatures **ret,
                           struct filo_error *err);

/* Data of the chunk. */
int filo_s3_signatures_update(struct filo_s3_signatures *signatures, const void *bytes, size_t len,
                              struct filo_error *err);

/* Behind the chunk's data, or for all trailers as text: FILO_DENIED when that is not what was signed. */
int filo_s3_signatures_check(struct filo_s3_signatures *signatures,
                             const struct filo_s3_signature *given, struct filo_error *err);
int filo_s3_signatures_check_trailers(struct filo_s3_signatures *signatures,
                                      const struct filo_s3_frames *frames, struct filo_error *err);

/* Leaves nothing of the key. */
void filo_s3_signatures_free(struct filo_s3_signatures *signatures);

#endif
