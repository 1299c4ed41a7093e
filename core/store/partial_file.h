/* The file of a partial, which is a copy on its way in: a record, then its chunk hashes, then
 * ciphertext chunks in any order; each chunk is verified as it lands, and only a whole object is
 * published.
 *
 * The file in <root>/tmp is named after object, version and record (parts.c) and has the final layout from the
 * start, with holes where chunks are missing; so what an interrupted transfer or a killed process
 * left is found again by opening the same record, and its chunks are verified again before they
 * count. One for each record at a time (FILO_BUSY).
 */
#ifndef FILO_STORE_PARTIAL_FILE_H
#define FILO_STORE_PARTIAL_FILE_H

#include "store/sealer.h"
#include "store/store.h"

struct filo_partial_file;

enum filo_partial_how {
  FILO_PARTIAL_BESIDE =
      1, /* only publishing looks at what is at path: it cannot be read, and this is
                              received to be read instead */
  FILO_PARTIAL_TRUSTED =
      2 /* it comes from who writes the namespace, over a connection that has proved
                              him: the signature is checked when the copy is first read */
};

/* Checks the record (signature too), the room for what is missing, and that nothing as new is at
 * path (FILO_EXISTS: that one is durable). how: of enum filo_partial_how, or 0. Runs on a worker: a
 * partial that is found is verified here. */
int filo_partial_file_open(struct filo_store *store, const char *path, const unsigned char *record,
                           size_t record_len, unsigned how, struct filo_partial_file **ret,
                           struct filo_error *err);

/* The same in an empty file of the caller's, open for reading and writing, that lies elsewhere, for
 * what the root has no room for; takes fd, also when it fails. Nothing is published: with its key
 * set, publishing turns the file into the content. */
int filo_partial_file_outside(struct filo_store *store, int fd, const unsigned char *record,
                              size_t record_len, struct filo_partial_file **ret,
                              struct filo_error *err);

/* by: the node that brings it, before it is published; or NULL. */
void filo_partial_file_set_bringer(struct filo_partial_file *file, const unsigned char *by);

const struct filo_record *filo_partial_file_fields(const struct filo_partial_file *file);

/* True when a resumed partial has its hash list already. */
bool filo_partial_file_has_hashes(const struct filo_partial_file *file);

/* The next bytes of the hash list, in order, any split. FILO_CORRUPT when the list does not give
 * the record's root; the list can then be sent again from the start (by somebody honest). One
 * thread at a time. */
int filo_partial_file_hashes(struct filo_partial_file *file, const unsigned char *bytes, size_t len,
                             struct filo_error *err);

/* Whether chunk `index` is here and verified; and the first one that is not, from `from` on (the
 * chunk count when all are here). */
bool filo_partial_file_has(struct filo_partial_file *file, uint64_t index);
uint64_t filo_partial_file_missing(struct filo_partial_file *file, uint64_t from);

/* Verifies and writes one chunk of ciphertext (its exact length). Distinct chunks may come from
 * several threads. FILO_CORRUPT leaves the chunk missing. FILO_INVALID before the hash list is
 * complete. */
int filo_partial_file_chunk(struct filo_partial_file *file, uint64_t index,
                            const unsigned char *bytes, size_t len, struct filo_error *err);

/* Reading what is here already, before the rest: as filo_object_read, limited to chunks that are
 * present (FILO_NOT_FOUND otherwise). */
void filo_partial_file_set_key(struct filo_partial_file *file,
                               const unsigned char key[FILO_KEY_SIZE]);
int64_t filo_partial_file_read(struct filo_partial_file *file, uint64_t offset, unsigned char *out,
                               size_t len, struct filo_error *err);

/* As filo_sealer_publish; FILO_INVALID when a chunk is missing. */
void filo_partial_file_publish(struct filo_partial_file *file, filo_published_fn *fn, void *ctx);

/* Once it was: the version may be received anew, should its file be removed, while this one is read. */
void filo_partial_file_published(struct filo_partial_file *file);

/* Closes. What was not published stays in tmp/, for resuming, if it has a chunk at least and can
 * still be of use. NULL is allowed. */
void filo_partial_file_free(struct filo_partial_file *file);

/* A small object whole, as one call: hashes || ciphertext in memory, verified, ready to publish. */
int filo_partial_file_whole(struct filo_store *store, const char *path, const unsigned char *record,
                            size_t record_len, const unsigned char *body, size_t body_len,
                            unsigned how, struct filo_partial_file **ret, struct filo_error *err);

#endif
