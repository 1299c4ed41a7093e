#include "s3/sums.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crc.h"
#include "crypto/digest.h"

static const struct {
  const char *name;
  bool is_crc;
  enum filo_digest digest;
  enum filo_crc_kind crc;
} kinds[FILO_S3_SUMS] = {
    {"md5", .digest = FILO_MD5},
    {"sha1", .digest = FILO_SHA1},
    {"sha256", .digest = FILO_SHA256},
    {"crc32", .is_crc = true, .crc = FILO_CRC32},
    {"crc32c", .is_crc = true, .crc = FILO_CRC32C},
    {"crc64nvme", .is_crc = true, .crc = FILO_CRC64NVME},
};

struct filo_s3_sums {
  unsigned wanted;
  struct {
    struct filo_hasher *hasher;
    uint64_t crc;
    unsigned char bytes[FILO_S3_SUM_MAX];
    size_t len;
  } of[FILO_S3_SUMS];
};

int filo_s3_sum_from_name(const char *name) {
  for (int i = 0; i < FILO_S3_SUMS; i++)
    if (strcmp(kinds[i].name, name) == 0) return i;
  return -1;
}

const char *filo_s3_sum_name(int number) {
  return kinds[number].name;
}

static bool wants(const struct filo_s3_sums *sums, int number) {
  return sums->wanted >> number & 1;
}

int filo_s3_sums_new(unsigned wanted, struct filo_s3_sums **ret, struct filo_error *err) {
  struct filo_s3_sums *sums = calloc(1, sizeof *sums);
  if (!sums) return filo_fail(err, FILO_NO_MEMORY, "no memory for digests");
  sums->wanted = wanted;
  int rc = 0;
  for (int i = 0; i < FILO_S3_SUMS && rc == 0; i++)
    if (wants(sums, i) && !kinds[i].is_crc)
      rc = filo_hasher_new(kinds[i].digest, &sums->of[i].hasher, err);
  if (rc < 0) {
    filo_s3_sums_free(sums);
    return rc;
  }
  *ret = sums;
  return 0;
}

int filo_s3_sums_update(struct filo_s3_sums *sums, const void *bytes, size_t len,
                        struct filo_error *err) {
  int rc = 0;
  for (int i = 0; i < FILO_S3_SUMS && rc == 0; i++) {
    if (!wants(sums, i)) continue;
    if (kinds[i].is_crc)
      sums->of[i].crc = filo_crc(kinds[i].crc, sums->of[i].crc, bytes, len);
    else
      rc = filo_hasher_update(sums->of[i].hasher, bytes, len, err);
  }
  return rc;
}

int filo_s3_sums_finish(struct filo_s3_sums *sums, struct filo_error *err) {
  int rc = 0;
  for (int i = 0; i < FILO_S3_SUMS && rc == 0; i++) {
    if (!wants(sums, i)) continue;
    sums->of[i].len =
        kinds[i].is_crc ? filo_crc_size(kinds[i].crc) : filo_digest_size(kinds[i].digest);
    if (kinds[i].is_crc)
      filo_crc_put(kinds[i].crc, sums->of[i].crc, sums->of[i].bytes);
    else
      rc = filo_hasher_finish(sums->of[i].hasher, sums->of[i].bytes, err);
  }
  return rc;
}

const unsigned char *filo_s3_sums_get(const struct filo_s3_sums *sums, int number, size_t *len) {
  *len = sums->of[number].len;
  return wants(sums, number) ? sums->of[number].bytes : NULL;
}

void filo_s3_sums_free(struct filo_s3_sums *sums) {
  if (!sums) return;
  for (int i = 0; i < FILO_S3_SUMS; i++) filo_hasher_free(sums->of[i].hasher);
  free(sums);
}
