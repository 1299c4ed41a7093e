/* Which records this process has found well signed: an Ed25519 signature takes some 200 us to verify,
 * which is most of what it takes to read a small object. What is remembered are 16 bytes of each record's
 * BLAKE3 under a key that is random for each process, so that nobody can make another record with them; the
 * latest 16384 at most, in 256 KiB that cost nothing before they are used. Any thread. */
#ifndef FILO_STORE_CHECKED_H
#define FILO_STORE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

enum { FILO_CHECKED_SIZE = 16 };

/* What stands for a record; false when there is nothing to remember it by. */
bool filo_checked_tag(const unsigned char *record, size_t len,
                      unsigned char out[FILO_CHECKED_SIZE]);

bool filo_checked_has(const unsigned char tag[FILO_CHECKED_SIZE]);

/* Of a record whose signature is right. */
void filo_checked_add(const unsigned char tag[FILO_CHECKED_SIZE]);

#endif
