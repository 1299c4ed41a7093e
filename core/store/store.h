/* The store: sealed objects under one root folder, owned by one process.
 *
 *     <root>/filo-root            marker: "filo root v2\nowner <node ID in hex>\n", and when it is
 *                                 known where the objects lie "layout <text>\n"
 *     <root>/lock                 flock'ed while a process owns the root; holds its pid
 *     <root>/tmp/                 unpublished files; what no resume can use is removed at open
 *     <root>/bad/                 copies set aside by verification
 *     <root>/trash/, versions/    copies that are not gone at once (old.h)
 *     <root>/holders/<node ID in hex>   empty: that node has taken copies of the owner's objects
 *     <root>/deletions            a database of deletions that are no files any more (packed.c)
 *     <root>/objects/<namespace in hex>/<path>   one sealed object: the newest version
 *
 * All functions may be called on any thread at once, but for open and where it is said. A reader
 * sees the old version or the new one, whole. Nothing here knows about Lua, sockets or the event
 * loop.
 */
#ifndef FILO_STORE_STORE_H
#define FILO_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "store/path.h"
#include "store/record.h"

enum filo_durability {
  FILO_DURABLE_FULL,  /* fsync file, rename, fsync folders (new parents too) for each object */
  FILO_DURABLE_GROUP, /* one flush for many objects; acknowledged after it */
  FILO_DURABLE_NONE   /* rename only; for caches and measuring */
};

struct filo_store_options {
  const char *root;                  /* made, with its marker, when absent or empty */
  unsigned char owner[FILO_ID_SIZE]; /* must match the marker: FILO_DENIED otherwise */
  enum filo_durability durability;
  uint64_t reserve; /* bytes of free space that writing never touches */
  bool readonly;    /* beside the process that owns the root: takes no lock, changes nothing */
};

struct filo_store;

/* FILO_DENIED: not a folder, another owner's, a folder with content but no marker (never taken
 * over), not writable, or another user's to write (trust.h). FILO_LOCKED: names the pid that owns it. An absent or empty folder becomes a
 * new root, unless readonly: then FILO_NOT_FOUND, and whatever would write is FILO_DENIED. */
int filo_store_open(const struct filo_store_options *options, struct filo_store **ret,
                    struct filo_error *err);

enum filo_root_state {
  FILO_ROOT_EMPTY, /* absent, or an empty folder (lost+found aside) */
  FILO_ROOT_BEGUN, /* no marker yet, but what is made before it: identity, lock, draft */
  FILO_ROOT_MADE   /* there is a marker */
};

/* What lies at root; changes nothing. FILO_DENIED: not a folder, or content but no marker. */
int filo_store_look(const char *root, enum filo_root_state *ret, struct filo_error *err);

/* Makes the folder of a root, with its parents, mode 0700, unless it is there, and begins the root;
 * refuses, as filo_store_open does, a folder with content but no marker. For a caller that makes
 * the node's identity before opening: the file `identity` does not count as content, and one
 * elsewhere is not taken for that of a root that is gone when the process is killed in between. */
int filo_store_prepare(const char *root, struct filo_error *err);

/* The folder; valid as long as the store. */
const char *filo_store_root(const struct filo_store *store);
bool filo_store_is_readonly(const struct filo_store *store);

/* Another reference. Sealers and partials hold one each. */
struct filo_store *filo_store_ref(struct filo_store *store);

/* Lets go of a reference, the opener's or another. It closes, after flushes under way, once all are
 * gone. Workers may do so only while somebody else beside the opener holds one: the last of these
 * goes on the opener's thread. */
void filo_store_close(struct filo_store *store);

/* Whether others than the opener hold it, and keep the root. */
bool filo_store_in_use(const struct filo_store *store);

/* Opener's thread: idle(ctx) is called there each time when the store is no longer in use, until
 * the opener sets NULL, at the latest before it closes. */
void filo_store_on_idle(struct filo_store *store, void (*idle)(void *ctx), void *ctx);

enum { FILO_LAYOUT_MAX = 200 };

/* What the marker says of where objects lie, a text of the caller's of some time ago; "" for
 * nothing. Opener's thread; valid until it is set. */
const char *filo_store_layout(const struct filo_store *store);

/* Makes the marker say so: a line of printable text of 1 to FILO_LAYOUT_MAX bytes. What was moved
 * before is durable then. While nothing else works on the store. */
int filo_store_set_layout(struct filo_store *store, const char *layout, struct filo_error *err);

/* What the marker of a root says without opening it: its owner in hexadecimal, and as
 * filo_store_layout. FILO_NOT_FOUND when there is none. */
int filo_store_marker(const char *root, char owner[2 * FILO_ID_SIZE + 1],
                      char layout[FILO_LAYOUT_MAX + 1], struct filo_error *err);

/* Moves an object's file to another path, to be flushed by filo_store_set_layout. FILO_EXISTS when
 * something lies there. */
int filo_store_move(struct filo_store *store, const unsigned char ns[32], const char *from,
                    const char *to, struct filo_error *err);

/* Free bytes of the file system, and those that give way (old.h), beyond the reserve and what is
 * promised to drafts, never below 0; and all its bytes. */
int filo_store_space(struct filo_store *store, uint64_t *free_bytes, uint64_t *total_bytes,
                     struct filo_error *err);

/* FILO_NO_SPACE when writing `bytes` more would touch the reserve. */
int filo_store_room(struct filo_store *store, uint64_t bytes, struct filo_error *err);

/* Removes the file of an object. FILO_NOT_FOUND when there is none. Works on a full disk. Durable
 * on return unless durability is none. When version is not 0, only that version is removed
 * (FILO_EXISTS if newer). With `keep` it goes to the trash, if there is room for that. */
int filo_store_remove(struct filo_store *store, const unsigned char ns[32], const char *path,
                      uint64_t version, bool keep, struct filo_error *err);

/* Moves the file of an object to <root>/bad/, so that it is no longer found. It stays there until a
 * good copy of that version, or a newer one, is published. Whatever lies at path goes, so with an
 * object open prefer filo_object_set_aside. of: which version of what it should be (without the
 * namespace); NULL: its record is read. */
struct filo_bad {
  unsigned char ns[32], key_hash[32];
  uint64_t version;
};
int filo_store_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                         const struct filo_bad *of, struct filo_error *err);

/* Packs deletions: what is a tombstone at these paths, of one namespace, is so from then on as a row of
 * a database, and not as a file, which takes more room. Nothing else changes, and nobody is told.
 * *packed: how many these were. Whatever else lies there is passed over. */
int filo_store_pack(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                    const char *const *paths, size_t count, size_t *packed, struct filo_error *err);

/* Removes what is kept of copies that came in part and that nobody has come for in 7 days. See
 * filo_old_sweep for the trash. */
void filo_store_sweep(struct filo_store *store);

/* How many copies lie in <root>/bad/, and what room they take. */
int filo_store_bad(struct filo_store *store, uint64_t *count, uint64_t *bytes,
                   struct filo_error *err);

/* What these are, where that is known, in no order: as many as there is room for. */
int filo_store_bad_copies(struct filo_store *store, struct filo_bad *list, size_t room,
                          size_t *count, struct filo_error *err);

/* A note of the node's own in the root: a file that is replaced as a whole, and not flushed, so that
 * a power cut may lose it. The name is without slashes; 64 KiB at most are read. FILO_NOT_FOUND. */
int filo_store_write_note(struct filo_store *store, const char *name, const void *bytes, size_t len,
                          struct filo_error *err);
int filo_store_read_note(const struct filo_store *store, const char *name, unsigned char **ret,
                         size_t *len, struct filo_error *err);

/* Notes that a node has taken a copy of an object of the owner's. Durable on return, whatever the
 * durability is: it is done once for each node. */
int filo_store_add_holder(const struct filo_store *store, const unsigned char id[FILO_ID_SIZE],
                          struct filo_error *err);

/* The nodes that were noted so, in no order: as many as there is room for in `ids`, and how many
 * there are. */
int filo_store_holders(const struct filo_store *store, unsigned char (*ids)[FILO_ID_SIZE],
                       size_t room, size_t *count, struct filo_error *err);

/* A walk over all published objects, of one namespace or (ns NULL) of all, in directory order, in
 * bounded memory. Files that come or go meanwhile may be seen or not; files that are no sealed
 * object are given with `code` FILO_CORRUPT and no record, files and folders that cannot be read
 * with another code. One thread at a time. */
struct filo_walk;
struct filo_walk_entry {
  char path[FILO_PATH_MAX];
  unsigned char ns[32];
  int code; /* 0, or why there is no record */
  struct filo_record fields;
  unsigned char *record; /* the record's bytes, malloc'ed; the caller frees it */
  size_t record_len;
  int64_t verified; /* as filo_object_verified */
  bool has_bringer;
  unsigned char bringer[FILO_ID_SIZE]; /* as filo_object_bringer */
};
int filo_walk_new(struct filo_store *store, const unsigned char *ns, struct filo_walk **ret,
                  struct filo_error *err);
/* False at the end. */
bool filo_walk_next(struct filo_walk *walk, struct filo_walk_entry *entry);
/* As filo_walk_next, but of files only where they lie: nothing is read (code 0, no record). */
bool filo_walk_next_path(struct filo_walk *walk, struct filo_walk_entry *entry);
void filo_walk_free(struct filo_walk *walk);

/* What lies at a path now, as a walk gives it; no signature is checked. code is FILO_NOT_FOUND when
 * nothing does. */
void filo_store_examine(struct filo_store *store, const unsigned char ns[32], const char *path,
                        struct filo_walk_entry *entry);

/* Whether there is a folder at a path ("": the namespace's), which can be read: 0; FILO_NOT_FOUND or
 * FILO_INVALID: nothing lies there, or a file does; else it cannot be. */
int filo_store_folder(struct filo_store *store, const unsigned char ns[32], const char *path);

/* Told of each change of what lies at a path below objects/: a publication, a removal, a setting
 * aside, a move, and that it was verified. Called on any thread under the lock under which the change
 * became visible, so in the order of these: it notes that, and neither waits long nor calls the
 * store. */
struct filo_observer {
  void (*changed)(void *ctx, const unsigned char ns[32], const char *path);
  void *ctx;
};

/* From now on; NULL: nobody is told any more, nor is being told on return. */
void filo_store_observe(struct filo_store *store, const struct filo_observer *observer);

/* What the owner of a root tells those that read it beside, for as long as it lives. */
enum filo_mark {
  FILO_MARK_LISTED, /* its catalogue has all, but for: */
  FILO_MARK_BEHIND, /* changes that are not in the catalogue yet */
  FILO_MARK_LISTING /* its catalogue is being rebuilt */
};

/* Best effort: where the system has no such locks, nothing is told. Nothing, of a store that is open
 * for reading only. */
void filo_store_mark(struct filo_store *store, enum filo_mark mark, bool on);
/* Of whoever owns the root now. */
bool filo_store_marked(const struct filo_store *store, enum filo_mark mark);

enum { FILO_NOTE_DIGITS = 32 };

/* What is left in the root for whoever opens it next, once it is closed in order: a text of
 * FILO_NOTE_DIGITS hexadecimal digits. Nothing is left when an object changes while nobody observes,
 * before or after this, or when bytes may not be on the disk yet. */
void filo_store_leave_note(struct filo_store *store, const char *note);

/* What the process before has left; "" when it left nothing, or did not end in order. It counts once:
 * a power cut does not bring it back. Of a store that is open for reading only, what lies there
 * now. */
int filo_store_take_note(struct filo_store *store, char note[FILO_NOTE_DIGITS + 1],
                         struct filo_error *err);

#endif
