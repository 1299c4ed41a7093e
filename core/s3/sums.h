/* Digests and checks of S3 over the same bytes, as many of them as are wanted. One thread at a time. */
#ifndef FILO_S3_SUMS_H
#define FILO_S3_SUMS_H

#include <stddef.h>

#include "error.h"

/* Their numbers count from 0, up to FILO_S3_SUMS. */
enum { FILO_S3_SUMS = 6, FILO_S3_SUM_MAX = 32 };

/* "md5", "sha1", "sha256", "crc32", "crc32c", "crc64nvme"; -1 for any other name. */
int filo_s3_sum_from_name(const char *name);
const char *filo_s3_sum_name(int number);

struct filo_s3_sums;

/* wanted: a bit for each number. */
int filo_s3_sums_new(unsigned wanted, struct filo_s3_sums **ret, struct filo_error *err);
int filo_s3_sums_update(struct filo_s3_sums *sums, const void *bytes, size_t len,
                        struct filo_error *err);

/* After the last bytes, once. */
int filo_s3_sums_finish(struct filo_s3_sums *sums, struct filo_error *err);

/* Then: the bytes, whose number is *len; NULL where it was not wanted. */
const unsigned char *filo_s3_sums_get(const struct filo_s3_sums *sums, int number, size_t *len);

void filo_s3_sums_free(struct filo_s3_sums *sums);

#endif
