#include "crypto/chunk_hash.h"

static const char root_context[] = "filo chunks v2";

void filo_chunk_hash_begin(blake3_hasher *hasher) {
  blake3_hasher_init(hasher);
}

void filo_chunk_hash_begin_root(blake3_hasher *hasher) {
  blake3_hasher_init_derive_key(hasher, root_context);
}

void filo_chunk_hash_begin_keyed(blake3_hasher *hasher, const unsigned char *key) {
  blake3_hasher_init_keyed(hasher, key);
}

void filo_chunk_hash_take(const blake3_hasher *hasher, unsigned char out[FILO_CHUNK_HASH_SIZE]) {
  blake3_hasher_finalize(hasher, out, FILO_CHUNK_HASH_SIZE);
}

void filo_chunk_hash(const void *bytes, size_t len, unsigned char out[FILO_CHUNK_HASH_SIZE]) {
  blake3_hasher hasher;
  filo_chunk_hash_begin(&hasher);
  blake3_hasher_update(&hasher, bytes, len);
  filo_chunk_hash_take(&hasher, out);
}
