/* Reading a published sealed object. Layout of the file, little-endian:
 *
 *     ciphertext        `size`
 *     chunk hashes      32 for each chunk
 *     record            its length
 *     length of the record u32, format u32 (2), "filoseal"
 *
 * Opening checks length, footer, record (with signature), and streams once through the chunk hashes
 * to check the root, keeping a digest of each 32 KiB page of them, so that memory stays a
 * thousandth of the hashes and a hash that changes later on disk is noticed. A chunk is verified
 * against its hash before it is decrypted or handed out, once per open object: a bitmap remembers.
 * What does not match is read once more from the disk before it is called corrupt.
 *
 * An object may be read by several threads at once. It keeps its file open: deletion or a new
 * version does not disturb it.
 */
#ifndef FILO_STORE_OBJECT_H
#define FILO_STORE_OBJECT_H

#include "store/store.h"

enum { FILO_FOOTER_SIZE = 16, FILO_FORMAT = 2 };

struct filo_object;

/* How an object is read: as usual (0), or some of these. */
enum {
  FILO_READ_AFRESH = 1,  /* from the disk, not from what the system remembers of it */
  FILO_READ_AT_ONCE = 2, /* only from what the system remembers, of a record that this process has
                          * verified before: that takes some us, and no disk is waited for. FILO_BUSY
                          * for all else, whatever it is: to be read as usual */
  FILO_READ_UNSIGNED = 4 /* its signature is not verified: for who gives it to others, who do */
};

/* FILO_NOT_FOUND, FILO_CORRUPT (not a whole sealed object, or another key's), FILO_IO. */
int filo_object_open(struct filo_store *store, const unsigned char ns[32], const char *path,
                     unsigned how, struct filo_object **ret, struct filo_error *err);

/* A small object that has come whole, and has no file: its record, and a body (the hash, then the
 * ciphertext), which are copied. FILO_BUSY when its record was not verified by this process before;
 * FILO_CORRUPT. What is about a file fails with it. */
int filo_object_in_hand(const unsigned char *record, size_t record_len, const unsigned char *body,
                        size_t body_len, struct filo_object **ret, struct filo_error *err);

struct filo_object *filo_object_ref(struct filo_object *object);
void filo_object_unref(struct filo_object *object);

const struct filo_record *filo_object_fields(const struct filo_object *object);
const unsigned char *filo_object_record(const struct filo_object *object, size_t *len);

/* When all bytes of the file were last hashed and found good, in seconds since 1970: when it was
 * written or verified. 0: that is not known, or the file has changed since. */
int64_t filo_object_verified(const struct filo_object *object);
/* The node that brought it here; false: it is the owner's own, or nobody knows. */
bool filo_object_bringer(const struct filo_object *object, unsigned char ret[FILO_ID_SIZE]);
/* All were verified now; unless it was written to since it was opened. Best effort; nothing is noted in a store that is open for reading only. */
void filo_object_mark_verified(const struct filo_object *object, struct filo_store *store);

/* Whether anything lies there, or in its way, whatever it is; true, too, where that cannot be told. */
bool filo_object_is_there(struct filo_store *store, const unsigned char ns[32], const char *path);

/* Only what is at the end of the file: fields and record bytes (malloc'ed), with the signature
 * checked, no hashes read. What has, stat and offers need. */
int filo_object_stat(struct filo_store *store, const unsigned char ns[32], const char *path,
                     unsigned how, struct filo_record *fields, unsigned char **record,
                     size_t *record_len, struct filo_error *err);

/* Needed before filo_object_read of an encrypted object. */
void filo_object_set_key(struct filo_object *object, const unsigned char key[FILO_KEY_SIZE]);

/* Content bytes: up to len from offset, verified, then decrypted. Returns the count, 0 at the end,
 * or FILO_CORRUPT with the chunk's number. Whole 1 MiB aligned chunks are the fastest. */
int64_t filo_object_read(struct filo_object *object, uint64_t offset, unsigned char *out,
                         size_t len, struct filo_error *err);

/* All content of an object of at most FILO_SMALL_SIZE bytes, verified, as FILO_READ_AT_ONCE says;
 * `out` has room for it. FILO_BUSY also without its key. */
int filo_object_read_at_once(struct filo_object *object, unsigned char *out,
                             struct filo_error *err);

/* Ciphertext, not verified (the receiver does): up to len bytes from `offset` of the ciphertext. */
int64_t filo_object_read_sealed(struct filo_object *object, uint64_t offset, unsigned char *out,
                                size_t len, struct filo_error *err);

/* The chunk hashes as on disk: up to len bytes from byte `offset` of the list. */
int64_t filo_object_read_hashes(struct filo_object *object, uint64_t offset, unsigned char *out,
                                size_t len, struct filo_error *err);

/* The two in that order, whole, of an object of at most a chunk. FILO_READ_AT_ONCE: FILO_BUSY when it
 * would have to be waited for. */
int filo_object_read_body(struct filo_object *object, unsigned how, unsigned char *out,
                          struct filo_error *err);

/* Hashes chunk `index` again from disk, whatever the bitmap says. */
int filo_object_verify_chunk(struct filo_object *object, uint64_t index, struct filo_error *err);

/* The same, and gives the hash of its bytes under a key (chunk_hash.h): who has the same bytes can tell
 * by it that they were read. */
int filo_object_prove_chunk(struct filo_object *object, uint64_t index,
                            const unsigned char key[FILO_HASH_SIZE],
                            unsigned char hash[FILO_HASH_SIZE], struct filo_error *err);

/* Whether bytes of a file, those where chunk `index` of the content would be, are that chunk: 1 or 0, or
 * why it cannot be told. Nothing of the object's own bytes is read. An encrypted object needs its key. */
int filo_object_compare_chunk(struct filo_object *object, int fd, uint64_t index,
                              struct filo_error *err);

/* As filo_store_set_aside for the file that this object has open; FILO_EXISTS when another version
 * took its place in the meantime, which is left alone. */
int filo_object_set_aside(struct filo_object *object, struct filo_store *store, const char *path,
                          struct filo_error *err);

#endif
