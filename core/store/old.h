/* Old copies: sealed files that are out of their places, and not gone at once.
 *
 *     <root>/trash/<2 digits>/<key hash>-<namespace>-<version>-<size>-<time>-<class>-<why>
 *     <root>/versions/...     the same: versions that others took the place of, where that is kept
 *
 * The digits are the first of the key hash; all numbers are hexadecimal, the time is when it was moved
 * there, in seconds since 1970. What there is can so be told without opening a file. A file comes there
 * by a rename, or by a link just before another takes its place: it is the very file that lay below
 * objects/. No copy counts because of it: nothing looks there but who wants something back.
 *
 * What is in the trash goes when its time is over; of versions so many of an object stay as is said for its
 * namespace and class. All go when something else needs their room, the trash first, and when their object
 * is deleted. What is open stays until it is closed. All functions may be called on any thread. */
#ifndef FILO_STORE_OLD_H
#define FILO_STORE_OLD_H

#include "store/object.h"

enum filo_old_why {
  FILO_OLD_DROPPED,  /* this node wanted no copy of it here any more */
  FILO_OLD_DELETED,  /* a deletion took its place */
  FILO_OLD_REPLACED, /* a version with other content did */
  FILO_OLD_WHYS
};

enum filo_old_kind { FILO_TRASH, FILO_VERSIONS, FILO_OLD_KINDS };

/* "dropped", "deleted", "replaced"; and back: false for another text. */
const char *filo_old_why_name(enum filo_old_why why);
bool filo_old_why_of(const char *name, enum filo_old_why *ret);

struct filo_old {
  unsigned char ns[FILO_ID_SIZE], key_hash[FILO_KEY_SIZE];
  uint64_t version, size; /* bytes of content */
  int64_t time;
  unsigned char class;
  enum filo_old_why why; /* what was replaced is among the versions, all else in the trash */
};

enum { FILO_OLD_BUCKETS = 256, FILO_OLD_CLASSES = 256 };

/* Those whose key hash begins with this byte, in no order: malloc'ed. */
int filo_old_list(struct filo_store *store, enum filo_old_kind kind, unsigned char bucket,
                  struct filo_old **ret, size_t *count, struct filo_error *err);

/* The same of those of one object. */
int filo_old_list_of(struct filo_store *store, enum filo_old_kind kind,
                     const unsigned char ns[FILO_ID_SIZE],
                     const unsigned char key_hash[FILO_KEY_SIZE], struct filo_old **ret,
                     size_t *count, struct filo_error *err);

/* How many there are, and their bytes of content; since the last sweep, and before one perhaps fewer. */
void filo_old_usage(struct filo_store *store, enum filo_old_kind kind, uint64_t *count,
                    uint64_t *bytes);

/* The same of the versions of each namespace, counted now: malloc'ed. */
struct filo_old_owner {
  unsigned char ns[FILO_ID_SIZE];
  uint64_t count, bytes;
};
int filo_old_owners(struct filo_store *store, struct filo_old_owner **ret, size_t *count,
                    struct filo_error *err);

/* Opens one, as filo_object_open does. FILO_NOT_FOUND. */
int filo_old_open(struct filo_store *store, const struct filo_old *old, struct filo_object **ret,
                  struct filo_error *err);

/* Moves one back to a path, where nothing may lie that is as new, nor a deletion of it: FILO_EXISTS,
 * FILO_INVALID as when it is published. Durable on return unless durability is none. */
int filo_old_restore(struct filo_store *store, const struct filo_old *old, const char *path,
                     struct filo_error *err);

/* What is kept of a namespace from now on: whether what deletions take the place of is; and how many
 * versions of an object, by its class (NULL: that is not known, so that none is added, and none goes). */
struct filo_old_keeping {
  unsigned char ns[FILO_ID_SIZE];
  bool deleted, known;
  unsigned char versions[FILO_OLD_CLASSES];
};
int filo_old_keep_deleted(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                          bool keeps, struct filo_error *err);
int filo_old_keep_versions(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                           const unsigned char versions[FILO_OLD_CLASSES], struct filo_error *err);

/* This version goes, unless somebody has it open. */
void filo_old_forget_version(struct filo_store *store, const struct filo_old *old);

/* Those go that lie in the trash for so many seconds or longer, and versions that are more than are
 * kept. */
void filo_old_sweep(struct filo_store *store, int64_t seconds);

/* The oldest versions of a namespace go, until so many bytes have: gives how many did. */
uint64_t filo_old_yield_owner(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                              uint64_t bytes);

#endif
