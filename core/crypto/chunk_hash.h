/* What binds content: BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs). A chunk has the hash that
 * b3sum gives of it; the root is taken over the chunk hashes in derive-key mode, so that no chunk has
 * the hash that is a root.
 *
 * Nothing here fails. Every function may be called on any thread; a hasher belongs to one thread at a
 * time. It is fed by blake3_hasher_update, and read by filo_chunk_hash_take. */
#ifndef FILO_CRYPTO_CHUNK_HASH_H
#define FILO_CRYPTO_CHUNK_HASH_H

#include <blake3.h>
#include <stddef.h>

enum { FILO_CHUNK_HASH_SIZE = BLAKE3_OUT_LEN };

/* Of all bytes at once. */
void filo_chunk_hash(const void *bytes, size_t len, unsigned char out[FILO_CHUNK_HASH_SIZE]);

/* Begins a hasher for the bytes of a chunk. */
void filo_chunk_hash_begin(blake3_hasher *hasher);

/* Begins a hasher for chunk hashes, in their order, which gives their root. */
void filo_chunk_hash_begin_root(blake3_hasher *hasher);

/* Begins a hasher for bytes under a key, of FILO_CHUNK_HASH_SIZE bytes: who has not got them, and hears
 * the key only now, cannot tell the hash. */
void filo_chunk_hash_begin_keyed(blake3_hasher *hasher, const unsigned char *key);

void filo_chunk_hash_take(const blake3_hasher *hasher, unsigned char out[FILO_CHUNK_HASH_SIZE]);

#endif
