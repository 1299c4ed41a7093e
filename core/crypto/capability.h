/* Capabilities: what somebody was given of a namespace, as one line of text.
 *
 *     filo-keep.      namespace ID
 *     filo-read-one.  namespace ID, key hash, generation (u32), object key, the user's key
 *     filo-read.      namespace ID, name key, generation (u32), secret of that generation
 *     filo-write.     namespace seed
 *
 * and after the dot, in base64url (RFC 4648, section 5, without padding): these fields (secrets and
 * hashes 32 bytes each, numbers little-endian, the user's key to the end) and the first 8 bytes of the
 * SHA-256 of "filo capability v2" || the word with its dot || the fields. What a newer Filo adds has
 * another word.
 *
 * The line is a secret, but for that of a keeper. Any thread.
 */
#ifndef FILO_CRYPTO_CAPABILITY_H
#define FILO_CRYPTO_CAPABILITY_H

#include <stdint.h>

#include "crypto/signature.h"

enum { FILO_SECRET_SIZE = 32, FILO_KEY_TEXT_MAX = 4096, FILO_CAPABILITY_MAX = 6144 };

enum filo_access {
  FILO_KEEPS,     /* holds copies, reads nothing */
  FILO_READS_ONE, /* one object and its later versions, in one generation */
  FILO_READS,     /* all of them, in one generation, with their names */
  FILO_WRITES     /* makes them, too */
};

struct filo_capability {
  enum filo_access access;
  unsigned char id[FILO_ID_SIZE];       /* of the namespace; not FILO_WRITES, whose seed tells */
  unsigned char seed[FILO_SECRET_SIZE]; /* FILO_WRITES */
  unsigned char name_key[FILO_SECRET_SIZE]; /* FILO_READS */
  uint32_t generation;                      /* FILO_READS, FILO_READS_ONE */
  unsigned char secret[FILO_SECRET_SIZE];   /* of the generation; FILO_READS_ONE: the object key */
  unsigned char key_hash[32];               /* FILO_READS_ONE */
  size_t key_len;                           /* the same: 1 to FILO_KEY_TEXT_MAX */
  char key[FILO_KEY_TEXT_MAX];
};

/* The line, with a NUL behind. The caller cleanses it. */
int filo_capability_write(const struct filo_capability *capability, char out[FILO_CAPABILITY_MAX],
                          struct filo_error *err);

/* Reads a line, spaces around it aside. FILO_INVALID: it is none; FILO_CORRUPT: mistyped or cut;
 * FILO_UNSUPPORTED: of a kind that this Filo does not know. The caller cleanses *ret. */
int filo_capability_read(const char *text, size_t len, struct filo_capability *ret,
                         struct filo_error *err);

#endif
