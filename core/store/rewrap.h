/* Rewrapping: a new record for content that is here already, so that keys, class or fields change
 * without it being sealed, or sent, once more.
 *
 * A record that is rewrapped has the root, size, IV, flags and content key of the old one. The new
 * version's file begins as the old one's does, up to the hashes, which the kernel copies: where the
 * file system can, both share the blocks. It is a draft like any other, and is published as one; the
 * old file is never written to. Nothing is hashed but the list of hashes: where blocks are shared, the
 * new file counts as verified when the old one was, and else as not verified.
 */
#ifndef FILO_STORE_REWRAP_H
#define FILO_STORE_REWRAP_H

#include "store/old.h"
#include "store/sealer.h"
#include "store/store.h"

struct filo_rewrap;

/* A record of the same content as the old one (which was checked), for another version, or under
 * another key hash. FILO_DENIED:
 * the keys do not open the old one, or do not write; FILO_INVALID: it is a tombstone. *ret is malloc'ed. */
int filo_record_rewrap(const struct filo_namespace *ns, const unsigned char *old, size_t old_len,
                       const struct filo_version *version, unsigned char **ret, size_t *ret_len,
                       struct filo_error *err);

struct filo_rewrap_options {
  const unsigned char
      *over;       /* or NULL: the record that must lie where the content does, and when */
  size_t over_len; /* that is path, still when the new one is published */
  bool trusted;    /* as FILO_PARTIAL_TRUSTED */
  const unsigned char *bringer; /* or NULL: the node that brings the record */
  const char *from; /* or NULL: the path where the content lies, when that is another object's */
  const struct filo_old *old; /* or NULL: an old copy, which has the content */
};

/* Begins a file with that record for what lies at path. FILO_NOT_FOUND: its content does not lie there;
 * FILO_EXISTS: a version that is no older does (that one is durable), or another one than `over`. Checks
 * the room. */
int filo_rewrap_new(struct filo_store *store, const char *path, const unsigned char *record,
                    size_t record_len, const struct filo_rewrap_options *options,
                    struct filo_rewrap **ret, struct filo_error *err);

/* Copies some of it: 1 when there is more to copy, 0 when it is ready to be published. */
int filo_rewrap_step(struct filo_rewrap *rewrap, struct filo_error *err);

/* As filo_sealer_publish. */
void filo_rewrap_publish(struct filo_rewrap *rewrap, filo_published_fn *fn, void *ctx);

/* What was not published leaves nothing. NULL is allowed. */
void filo_rewrap_free(struct filo_rewrap *rewrap);

#endif
