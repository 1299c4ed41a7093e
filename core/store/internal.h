/* Private to core/store: what its parts share.
 *
 *     store         opening and closing, free space
 *     root          the marker, the lock and the folders of a root
 *     sweep         what earlier processes left
 *     location      folders below objects/, without symlinks
 *     draft         an unpublished file in tmp/
 *     publish       from draft to visible, and how durably
 *     flusher       one flush for many, with durability "group"
 *     trailer       record and footer of a sealed file, and what stands in the way of another
 *     partial_file  a copy on its way in
 *     rewrap        a new record for what is here
 *     parts         the files of these, and of those that are kept for resuming
 *     checked       records whose signatures were verified
 *     body          verified reading of chunks
 *     hash_list     the hashes against which they are verified
 *     remove        removing
 *     set_aside     putting what is bad into bad/
 *     old           copies in the trash, and versions that are kept
 *     old_moves     how they come there, and back
 *     old_goes      which of them go, and when
 *     note          small files of the node's own
 *     move          moving objects to other paths
 *     holders       nodes that have taken copies of the owner's objects
 *     space         free space, the reserve, and what of it is promised
 *     brought       which node brought a copy
 *     changes       the one who is told of each change
 *     marks         what is told to those that read beside the owner
 *     packed        deletions that are no files any more
 *     packing       how they come to be that
 */
#ifndef FILO_STORE_INTERNAL_H
#define FILO_STORE_INTERNAL_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "store/object.h"
#include "store/old.h"
#include "store/sealer.h"
#include "store/store.h"

enum {
  FILO_STEP = 256 << 10, /* bytes encrypted, hashed and written at a time: they stay in the cache */
  FILO_NS_DIGITS = 2 * FILO_ID_SIZE,
};

struct filo_flusher;
struct filo_packed;
struct filo_part;
struct stat;

/* parts.c: the partials that are in use, and in the order of their age those that are kept. */
struct filo_parts {
  pthread_mutex_t lock; /* taken last */
  TAILQ_HEAD(filo_part_list, filo_part) all;
  unsigned kept;
  uint64_t kept_bytes;
};

/* old.c: a folder of old copies. Amounts of what lies there: right after a sweep, and before one without
 * what an earlier process has left. */
struct filo_old_amount {
  uint64_t count, bytes;
};
struct filo_old_folder {
  int fd;               /* -1: nothing is kept, and nothing found */
  pthread_mutex_t lock; /* of what lies there and its amounts; taken last */
  struct filo_old_amount amounts[FILO_OLD_BUCKETS];
};

struct filo_store {
  atomic_uint refs; /* the opener's, and one of each who works on it */
  void (*idle)(void *ctx);
  void *idle_ctx;
  char *root;
  unsigned char owner[FILO_ID_SIZE];
  char layout[FILO_LAYOUT_MAX + 1]; /* what the marker says of it; "" when it says nothing */
  int root_fd, lock_fd, tmp_fd, bad_fd, objects_fd;
  enum filo_durability durability;
  uint64_t reserve;
  bool readonly;
  atomic_bool has_bad;   /* something may lie in bad/; changed under names */
  bool flushed;          /* what was in the root when it was opened is durable */
  pthread_mutex_t names; /* held from looking at what lies at a path until it is changed */
  unsigned renamed;      /* under names: publications that are renamed and not durable yet */
  unsigned unflushed;    /* under names: those of them that have made folders */
  struct filo_observer observer; /* under names */
  bool unobserved;               /* under names: something changed that nobody was told of */
  char note_found[FILO_NOTE_DIGITS + 1]; /* what was left here; "" once it was taken */
  char note[FILO_NOTE_DIGITS + 1];       /* under names: what to leave */
  pthread_mutex_t space;          /* held from looking at the free space until it is promised */
  atomic_uint_least64_t promised; /* bytes that drafts may still write */
  atomic_uint_least64_t drafts;   /* numbers temporary files */
  struct filo_parts parts;
  struct filo_old_folder old[FILO_OLD_KINDS];
  struct filo_old_keeping *keeping; /* under names */
  size_t keeping_count;
  struct filo_flusher *flusher; /* durability "group" only */
  struct filo_packed *packed;
};

/* changes.c: what lies at a path has just changed. Under names. */
void filo_store_changed(struct filo_store *store, const unsigned char ns[32], const char *path);

/* root.c: what a lock file says was left; "" for nothing. */
void filo_root_read_note(int lock_fd, char note[FILO_NOTE_DIGITS + 1]);

/* store.c: FILO_DENIED when it is open for reading only. */
int filo_store_check_writable(const struct filo_store *store, struct filo_error *err);

/* root.c: the marker, the lock, the folders. */
int filo_root_open(struct filo_store *store, struct filo_error *err);
/* The marker, with the store's owner and layout. */
int filo_root_write_marker(const struct filo_store *store, struct filo_error *err);
/* Notes in the lock file that nothing is left to flush, if so. */
void filo_root_close(const struct filo_store *store);
/* sweep.c: what earlier processes left in tmp/, and drafts of private files. */
int filo_root_sweep(struct filo_store *store, struct filo_error *err);

/* location.c. Where an object lies: its folder, and its name in there. */
struct filo_location {
  int fd;
  const char *name; /* within the path that was given */
  unsigned depth;   /* folders from objects/ down to this one */
  unsigned made;    /* how many of them are new */
};

/* FILO_NOT_FOUND without `make`; FILO_INVALID: a file is in the way; FILO_DENIED: a symlink. */
int filo_location_open(struct filo_store *store, const unsigned char ns[32], const char *path,
                       bool make, struct filo_location *ret, struct filo_error *err);
void filo_location_close(struct filo_location *location);
/* Flushes the folder and `levels` of those above. */
int filo_location_flush(const struct filo_location *location, unsigned levels);
/* Removes the folder and those above while they are empty, never objects/; goes up with that. */
void filo_location_prune(struct filo_location *location, const unsigned char ns[32],
                         const char *path);
/* The file of an object, for reading: of a deletion that is packed, one in memory, of which no
 * attributes are known. */
int filo_location_open_file(struct filo_store *store, const unsigned char ns[32], const char *path,
                            int *ret_fd, struct filo_error *err);
/* The same without what is packed. */
int filo_location_open_own_file(struct filo_store *store, const unsigned char ns[32],
                                const char *path, int *ret_fd, struct filo_error *err);
/* Whether no file lies there (a folder may), but a deletion that is packed. */
bool filo_location_is_packed(struct filo_store *store, const unsigned char ns[32],
                             const char *path);
/* Whether nothing lies there, and no object where it needs a folder; false, too, where that cannot
 * be told. */
bool filo_location_is_free(struct filo_store *store, const unsigned char ns[32], const char *path);
/* As filo_location_open_file, if that needs no disk: FILO_BUSY otherwise, and for all else that may
 * stand in the way. */
int filo_location_open_cached(struct filo_store *store, const unsigned char ns[32],
                              const char *path, int *ret_fd, struct filo_error *err);
/* Lists a folder by a second descriptor, since closing a DIR closes its own. */
DIR *filo_list_folder(int fd);
/* For messages: malloc'ed "<root>/objects/<ns>/<path>"; NULL without memory. */
char *filo_location_label(const struct filo_store *store, const unsigned char ns[32],
                          const char *path);

/* packed.c. Opened with the store; what it has of a deletion beside its file. */
struct filo_packed_about {
  int64_t verified; /* as filo_verified_at */
  bool has_bringer;
  unsigned char bringer[FILO_ID_SIZE];
};
int filo_packed_open(struct filo_store *store, struct filo_error *err);
void filo_packed_close(struct filo_store *store);
/* Whether what the catalogue knows of deletions may be wrong, since they could not be read. */
bool filo_packed_is_lost(const struct filo_store *store);
/* Whether there may be any: who only reads has to look. */
bool filo_packed_any(const struct filo_store *store);
/* What was in the file of one that is packed under a path, whether or not a file lies there by now.
 * about and ret may be NULL. FILO_NOT_FOUND, also where the database was damaged, and is put by. */
int filo_packed_open_file(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                          const char *path, struct filo_packed_about *about, int *ret,
                          struct filo_error *err);
/* True also where that cannot be told. */
bool filo_packed_has(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                     const char *path);
/* Durable on return; nothing, where there is none. */
int filo_packed_forget(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                       const char *path, struct filo_error *err);
/* Durable with filo_packed_end_moving. FILO_NOT_FOUND. */
int filo_packed_move(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                     const char *from, const char *to, struct filo_error *err);
int filo_packed_end_moving(struct filo_store *store, struct filo_error *err);
/* The one after a place, at first all zeros, of all namespaces or of one. FILO_NOT_FOUND at the end. */
struct filo_packed_place {
  int64_t number; /* of the namespace there */
  unsigned char ns[FILO_ID_SIZE];
  char path[FILO_PATH_MAX];
};
int filo_packed_next(struct filo_store *store, const unsigned char *only,
                     struct filo_packed_place *place, struct filo_error *err);

/* So many bytes at the end of a file are read in one go: all of an object of a page. */
enum { FILO_TAIL_SIZE = 8192 };

/* trailer.c: the end of a sealed-object file, and with it all that is not content. */
struct filo_trailer {
  uint64_t file_size;
  struct timespec modified; /* 0: it was not looked at */
  struct filo_record fields;
  unsigned char *record; /* malloc'ed */
  size_t record_len;
  bool at_once;    /* nothing is waited for */
  size_t tail_len; /* the last bytes of the file, as they were read */
  unsigned char tail[FILO_TAIL_SIZE];
};

/* Checks file length, footer and record; with `trusted`, not the signature. What is corrupt was read
 * once more from the disk. */
int filo_trailer_read(int fd, const char *label, bool trusted, struct filo_trailer *ret,
                      struct filo_error *err);
/* The same from what the system has in memory, of a record whose signature was checked before, unless
 * it is trusted: FILO_BUSY for whatever else there is. */
int filo_trailer_read_at_once(int fd, bool trusted, struct filo_trailer *ret);
void filo_trailer_free(struct filo_trailer *trailer);
/* The hash list, and all content, when they were read along; else NULL. */
const unsigned char *filo_trailer_hashes(const struct filo_trailer *trailer);
const unsigned char *filo_trailer_content(const struct filo_trailer *trailer);
void filo_footer_put(unsigned char out[FILO_FOOTER_SIZE], size_t record_len);
/* Has the system forget what it has read of a file: bad memory looks like rot, and the next read
 * comes from the disk. */
void filo_forget_cached(int fd);
/* How many bytes of len there are from an offset on; -1: see errno. */
ssize_t filo_read_at(int fd, uint64_t offset, void *out, size_t len);
/* How many bytes of len there are of what the system has in memory of a file; -1: none is. */
ssize_t filo_read_cached(int fd, uint64_t offset, void *out, size_t len);
/* Exactly len bytes; FILO_CORRUPT when the file ends before. */
int filo_read_full(int fd, const char *label, uint64_t offset, void *out, size_t len,
                   struct filo_error *err);
/* 0 when a record with these fields may take the place of what lies there now; FILO_EXISTS,
 * FILO_INVALID. location: NULL where there is no folder for it. */
int filo_location_check(struct filo_store *store, const struct filo_location *location,
                        const char *path, const struct filo_record *fields, struct filo_error *err);

/* body.c: the chunks of an open file and the list of their hashes. */
struct filo_body {
  int fd;            /* borrowed */
  const char *label; /* borrowed */
  struct filo_record fields;
  const unsigned char *content; /* all ciphertext, borrowed, where it is in memory; or NULL */
  bool has_key;
  unsigned char key[FILO_KEY_SIZE];
  atomic_uint_least64_t *verified; /* a bit for each chunk */
  pthread_mutex_t lock;            /* of the page that is at hand */
  unsigned char *page, *digests;   /* digests: of every page, when there is more than one */
  uint64_t page_at;
};

int filo_body_init(struct filo_body *body, int fd, const char *label,
                   const struct filo_record *fields, struct filo_error *err);
void filo_body_free(struct filo_body *body);
void filo_body_set_key(struct filo_body *body, const unsigned char key[FILO_KEY_SIZE]);
bool filo_body_has(const struct filo_body *body, uint64_t index);
/* The first chunk from `from` on that is not marked, or the chunk count. */
uint64_t filo_body_missing(const struct filo_body *body, uint64_t from);
bool filo_body_any(const struct filo_body *body);
void filo_body_mark(struct filo_body *body, uint64_t index);
/* Hashes a chunk from disk and marks it. */
int filo_body_verify(struct filo_body *body, uint64_t index, struct filo_error *err);
/* The same, and as filo_object_prove_chunk. */
int filo_body_prove(struct filo_body *body, uint64_t index, const unsigned char *key,
                    unsigned char *hash, struct filo_error *err);
/* As filo_object_compare_chunk, once the key is there that it needs. */
int filo_body_compare(struct filo_body *body, int fd, uint64_t index, struct filo_error *err);
int64_t filo_body_read(struct filo_body *body, uint64_t offset, unsigned char *out, size_t len,
                       struct filo_error *err);
/* Hash list and ciphertext of one chunk at most, of what the system, or this, has in memory. */
bool filo_body_sealed_at_once(struct filo_body *body, unsigned char *out);
/* As filo_object_read_at_once. */
int filo_body_read_at_once(struct filo_body *body, unsigned char *out, struct filo_error *err);

/* hash_list.c: of a body, in pages of so many. */
enum { FILO_PAGE_HASHES = 1024 };
#define FILO_NO_PAGE UINT64_MAX
/* Goes once through the list (in memory at `list`, or when that is NULL in the file) and checks the
 * root. */
int filo_hash_list_load(struct filo_body *body, const unsigned char *list, struct filo_error *err);
int filo_hash_list_get(struct filo_body *body, uint64_t index, unsigned char out[FILO_HASH_SIZE],
                       struct filo_error *err);

/* draft.c. */
struct filo_draft {
  struct filo_store *store;
  int fd;              /* -1 before there is a file */
  char name[80];       /* in tmp/; "" when there is none to remove */
  const char *outside; /* what errors call it when it is a file of somebody else's; or NULL */
  struct filo_record fields;
  atomic_uint_least64_t promised;
  int64_t verified; /* when its bytes were hashed; 0: as they were written */
  bool has_bringer;
  unsigned char bringer[FILO_ID_SIZE]; /* the node that brings it */
  /* or NULL: to be published over this very file only, FILO_EXISTS otherwise */
  const struct stat *over;
  /* What it takes the place of, where that is kept: the folder, to be flushed; else -1 */
  int old_fd;
  bool keeps_old;         /* it is a deletion, and what it takes the place of is kept */
  unsigned versions_kept; /* of its object */
  bool has_added;         /* one of these */
  bool old_moved;         /* by a rename, for want of links */
  struct filo_old old;
  /* While being published: */
  char path[FILO_PATH_MAX];
  struct filo_location location;
  bool renamed; /* counted in the store */
  unsigned levels;
  filo_published_fn *fn;
  void *ctx;
  struct filo_error err;
  struct filo_draft *next;
};

/* space.c: whether so many bytes could be written once others were given back. */
bool filo_store_would_have(struct filo_store *store, uint64_t bytes, uint64_t gives_way);

void filo_draft_init(struct filo_draft *draft, struct filo_store *store);
/* by: the node that brings it, or NULL. */
void filo_draft_set_bringer(struct filo_draft *draft, const unsigned char *by);
/* space.c: FILO_NO_SPACE when that would touch the reserve, though nothing is kept for resuming any
 * more. */
int filo_draft_promise(struct filo_draft *draft, uint64_t bytes, struct filo_error *err);
/* So many of the bytes that were promised, at most, have been written or will not be. */
void filo_draft_keep_promise(struct filo_draft *draft, uint64_t bytes);
/* Opens tmp/<name> (NULL: a new name), made when it is not there. */
int filo_draft_create(struct filo_draft *draft, const char *name, struct filo_error *err);
/* Takes the blocks of all that will be written at once: half the cost of one by one, and chunks
 * that are written in parallel lie side by side. Does nothing where the file system cannot. */
int filo_draft_allocate(struct filo_draft *draft, uint64_t bytes, struct filo_error *err);
/* Blocks of bytes that were not written. */
void filo_draft_give_back(struct filo_draft *draft, uint64_t from, uint64_t to);
int filo_draft_write(struct filo_draft *draft, const void *bytes, size_t len, uint64_t offset,
                     struct filo_error *err);
/* Has the kernel start writing a whole chunk out, so that the flush at the end finds little left;
 * it is that flush which reports errors. */
void filo_draft_start_flush(const struct filo_draft *draft, uint64_t offset, size_t len);
/* From offset 0 on, with one system call. */
int filo_draft_write_parts(struct filo_draft *draft, const struct iovec *parts, int count,
                           struct filo_error *err);
/* Closes; the file goes unless `keep` (or it was published). */
void filo_draft_free(struct filo_draft *draft, bool keep);

/* publish.c: what comes before it: 0 when a record may be published at a path; as filo_location_check
 * otherwise, and FILO_EXISTS is as durable as a publication. */
int filo_publish_check(struct filo_store *store, const char *path, const struct filo_record *fields,
                       struct filo_error *err);
void filo_draft_publish(struct filo_draft *draft, const char *path, filo_published_fn *fn,
                        void *ctx);

/* flusher.c: durability "group". */
int filo_flusher_new(struct filo_store *store, struct filo_error *err);
void filo_flusher_add(struct filo_flusher *flusher, struct filo_draft *draft);
void filo_flusher_free(struct filo_flusher *flusher);

/* publish.c: its steps; each puts its failure into draft->err, and does nothing after one. */
void filo_publish_sync_failed(struct filo_draft *draft, int error);
void filo_publish_rename(struct filo_draft *draft);
int filo_publish_sync_folders(struct filo_draft *draft);
void filo_publish_settle(struct filo_draft *draft);
void filo_publish_answer(struct filo_draft *draft);

/* remove.c: an object that is to go, FILO_NOT_FOUND when there is none; nothing below a file is the
 * same as nothing there. Under `names`. */
int filo_location_find(struct filo_store *store, const unsigned char ns[32], const char *path,
                       struct filo_location *location, struct filo_error *err);

/* parts.c: the name of a record's partial in tmp/, and whether a name is one. */
enum { FILO_PART_NAME = 64 + sizeof ".part" };
int filo_part_name(const struct filo_record *fields, const unsigned char *record, size_t record_len,
                   char out[FILO_PART_NAME], struct filo_error *err);
bool filo_is_part(const char *name);
/* Whether nobody has come for it in some days. */
bool filo_part_is_old(const struct stat *st);
void filo_parts_init(struct filo_parts *parts);
void filo_parts_free(struct filo_parts *parts);
/* An earlier process has kept it. */
void filo_parts_found(struct filo_store *store, const char *name, const struct stat *st);
/* Its file is about to be opened: it counts as in use until filo_part_end, by one at a time
 * (FILO_BUSY). */
int filo_part_begin(struct filo_store *store, const char *name, struct filo_part **ret,
                    struct filo_error *err);
/* With `keeps` the file, if there is one, may be resumed: it stays while it can be of use. */
void filo_part_end(struct filo_store *store, struct filo_part *part, bool keeps);
/* A version was published: partials of it, and of those before it, go. */
void filo_parts_superseded(struct filo_store *store, const struct filo_record *fields);
/* Gives back the room of the oldest that is kept; false when there is none. */
bool filo_parts_yield(struct filo_store *store);

/* attribute.c: when all of a file was last hashed and found good, in seconds since 1970 (0: not known, or
 * changed since); and that it was then, best effort. */
#define FILO_NEVER_VERIFIED (-1)
int64_t filo_verified_at(int fd);
void filo_verified_note(int fd, int64_t at);

/* Which node brought what an open file is; false: that is not known. */
bool filo_brought_by(int fd, unsigned char ret[FILO_ID_SIZE]);

/* Both, of a new file, best effort; bringer: 32 bytes, or NULL. */
void filo_attribute_note(int fd, int64_t verified, const unsigned char *bringer);

/* set_aside.c: whether a file lies there; with `wanted`, only when it is that very one (FILO_EXISTS
 * otherwise). */
int filo_location_check_file(const struct filo_location *location, const char *path,
                             const struct stat *wanted, struct filo_error *err);
int filo_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                   const struct stat *wanted, const struct filo_bad *of, struct filo_error *err);
/* A good copy of this version was published: bad ones of it, and of those before it, go. */
void filo_bad_superseded(struct filo_store *store, const struct filo_record *fields);

/* object.c: as filo_object_open, of an open file, which it takes, and a label, whose end `path` is; the label
 * may be NULL for lack of memory. */
int filo_object_open_file(int fd, char *label, const unsigned char ns[FILO_ID_SIZE],
                          const char *path, unsigned how, struct filo_object **ret,
                          struct filo_error *err);

/* old.c */
enum { FILO_OLD_NAME = 192 };
void filo_old_name(const struct filo_old *old, char out[FILO_OLD_NAME]);
bool filo_old_read_name(const char *name, struct filo_old *ret);
enum filo_old_kind filo_old_kind_of(const struct filo_old *old);
const char *filo_old_folder_name(enum filo_old_kind kind);
/* For messages: malloc'ed; NULL without memory. */
char *filo_old_label(const struct filo_store *store, const struct filo_old *old);
bool filo_old_is_of(const struct filo_old *old, const unsigned char ns[FILO_ID_SIZE],
                    const unsigned char key_hash[FILO_KEY_SIZE]);
/* The folder of those whose key hash begins so; -1: see errno. */
int filo_old_bucket(const struct filo_store *store, enum filo_old_kind kind, unsigned char bucket,
                    bool make);
/* One more, or one less. Under the folder's lock. */
void filo_old_count(struct filo_store *store, const struct filo_old *old, int by);
/* What is kept of a namespace; NULL: nothing, as far as is known. Under names. */
const struct filo_old_keeping *filo_old_keeping_of(const struct filo_store *store,
                                                   const unsigned char ns[FILO_ID_SIZE]);

/* old_moves.c: for reading; it does not go before it is closed. */
int filo_old_open_file(struct filo_store *store, const struct filo_old *old, int *ret,
                       struct filo_error *err);
/* Moves what lies there to the trash, and gives the folder, to be flushed; -1 where that cannot be, for want
 * of room, or since it is no object. Under names. */
int filo_old_move_in(struct filo_store *store, const struct filo_location *location,
                     const unsigned char ns[FILO_ID_SIZE], int *ret, struct filo_error *err);
/* Keeps what a draft is about to take the place of, if it is to be kept; and when it did not. Under
 * names. */
void filo_old_before_replacing(struct filo_draft *draft);
void filo_old_not_replaced(struct filo_draft *draft);
void filo_old_close_bucket(struct filo_draft *draft);

/* old_goes.c: a draft was published, and a version kept: of those before it, what is too many goes. */
void filo_old_added(struct filo_draft *draft);
/* With a deletion all that there is of its object goes; or, where that is kept, to the trash. */
void filo_old_deleted(struct filo_store *store, const struct filo_record *fields, bool keeps);
/* Gives back room, the trash first and of each the oldest, until so many bytes may be written; false when
 * there is none to be given back, or not enough of it. */
bool filo_old_yield(struct filo_store *store, uint64_t bytes);

#endif
