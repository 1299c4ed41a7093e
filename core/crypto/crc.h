/* Cyclic redundancy checks that S3 knows: of gzip (CRC-32), of iSCSI (CRC-32C, RFC 3720) and of NVMe
 * (CRC-64). They tell of accidents only. Any thread.
 *
 * They are our own since no library of Debian's has all three: zlib has the first, and what has others takes
 * instructions that not every machine has. */
#ifndef FILO_CRYPTO_CRC_H
#define FILO_CRYPTO_CRC_H

#include <stddef.h>
#include <stdint.h>

enum filo_crc_kind { FILO_CRC32, FILO_CRC32C, FILO_CRC64NVME };

enum { FILO_CRC_MAX = 8 };

/* Goes on from the value of what came before, which is 0 of nothing. */
uint64_t filo_crc(enum filo_crc_kind kind, uint64_t value, const void *bytes, size_t len);

/* Bytes of one: 4, 4 or 8; and these bytes, the most significant first. */
size_t filo_crc_size(enum filo_crc_kind kind);
void filo_crc_put(enum filo_crc_kind kind, uint64_t value, unsigned char *out);

#endif
