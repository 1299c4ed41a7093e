/* Old copies: how one comes to lie among them, and back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "bytes.h"
#include "store/internal.h"
#include "store/old.h"

static struct filo_old describe(const struct filo_record *fields, enum filo_old_why why) {
  struct filo_old old = {.version = fields->version,
                         .size = fields->size,
                         .time = time(NULL),
                         .class = fields->class,
                         .why = why};
  memcpy(old.ns, fields->ns, sizeof old.ns);
  memcpy(old.key_hash, fields->key_hash, sizeof old.key_hash);
  return old;
}

/* What lies there, if it is an object of this namespace that can be told. */
static bool read_there(const struct filo_location *location, const unsigned char ns[FILO_ID_SIZE],
                       struct filo_record *ret) {
  struct filo_trailer trailer;
  FILO_AUTO_CLOSE int fd =
      openat(location->fd, location->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 || filo_trailer_read(fd, location->name, true, &trailer, NULL) < 0) return false;
  *ret = trailer.fields;
  filo_trailer_free(&trailer);
  return !(ret->flags & FILO_TOMBSTONE) && memcmp(ret->ns, ns, FILO_ID_SIZE) == 0;
}

/* --- what is dropped --- */

static int move_in(struct filo_store *store, const struct filo_location *location, int bucket,
                   const struct filo_old *old) {
  char name[FILO_OLD_NAME];
  struct filo_old_folder *folder = &store->old[filo_old_kind_of(old)];
  filo_old_name(old, name);
  pthread_mutex_lock(&folder->lock);
  int error = renameat(location->fd, location->name, bucket, name) < 0 ? errno : 0;
  if (!error) filo_old_count(store, old, 1);
  pthread_mutex_unlock(&folder->lock);
  return error;
}

/* The same version may have been there before: one goes when somebody looks (filo_old_sweep). */
int filo_old_move_in(struct filo_store *store, const struct filo_location *location,
                     const unsigned char ns[FILO_ID_SIZE], int *ret, struct filo_error *err) {
  struct filo_record fields;
  *ret = -1;
  if (!read_there(location, ns, &fields)) return 0;
  struct filo_old old = describe(&fields, FILO_OLD_DROPPED);
  int bucket = filo_old_bucket(store, FILO_TRASH, old.key_hash[0], true);
  int error = bucket < 0 ? errno : move_in(store, location, bucket, &old);
  if (!error) {
    *ret = bucket;
    return 0;
  }
  filo_close_fd(&bucket);
  if (error == ENOSPC || error == EDQUOT) return 0; /* then it goes at once */
  return filo_fail_errno(err, error, "cannot move a copy to %s/trash", store->root);
}

/* --- what another version takes the place of --- */

/* A second name, so that the first never leads nowhere; where there are no links, the only one. */
static bool link_in(const struct filo_location *location, int bucket, const char *name,
                    bool *moved) {
  *moved = false;
  if (linkat(location->fd, location->name, bucket, name, 0) == 0) return true;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK) return false;
  *moved = renameat(location->fd, location->name, bucket, name) == 0;
  return *moved;
}

/* A record that changes only what is said of the content, or under which keys, makes no version of it that
 * anybody would want back; and would leave one that who was shut out reads. */
static bool has_same_content(const struct filo_record *a, const struct filo_record *b) {
  return a->size == b->size && memcmp(a->iv, b->iv, sizeof a->iv) == 0 &&
         memcmp(a->root, b->root, sizeof a->root) == 0;
}

/* How many versions are to be kept, once a draft has taken the place of what is there. */
static unsigned versions_kept(const struct filo_old_keeping *keeping,
                              const struct filo_record *fields) {
  return keeping && keeping->known ? keeping->versions[fields->class] : 0;
}

/* On a disk without a free byte nothing is kept. */
static void keep_there(struct filo_draft *draft, const struct filo_record *there,
                       enum filo_old_why why) {
  struct filo_store *store = draft->store;
  char name[FILO_OLD_NAME];
  draft->old = describe(there, why);
  filo_old_name(&draft->old, name);
  enum filo_old_kind kind = filo_old_kind_of(&draft->old);
  draft->old_fd = filo_old_bucket(store, kind, draft->old.key_hash[0], true);
  if (draft->old_fd < 0) return;
  pthread_mutex_lock(&store->old[kind].lock);
  bool kept = link_in(&draft->location, draft->old_fd, name, &draft->old_moved);
  bool was_noted = !kept && errno == EEXIST; /* and then not replaced */
  if (kept) filo_old_count(store, &draft->old, 1);
  pthread_mutex_unlock(&store->old[kind].lock);
  draft->has_added = (kept || was_noted) && kind == FILO_VERSIONS;
  if (!kept) filo_old_close_bucket(draft);
}

void filo_old_before_replacing(struct filo_draft *draft) {
  const struct filo_record *fields = &draft->fields;
  const struct filo_old_keeping *keeping = filo_old_keeping_of(draft->store, fields->ns);
  struct filo_record there;
  bool tombstone = fields->flags & FILO_TOMBSTONE;
  draft->keeps_old = tombstone && keeping && keeping->deleted;
  draft->versions_kept = tombstone ? 0 : versions_kept(keeping, fields);
  if (!draft->keeps_old && draft->versions_kept == 0) return;
  if (!read_there(&draft->location, fields->ns, &there)) return;
  if (tombstone)
    keep_there(draft, &there, FILO_OLD_DELETED);
  else if (!has_same_content(&there, fields))
    keep_there(draft, &there, FILO_OLD_REPLACED);
}

void filo_old_not_replaced(struct filo_draft *draft) {
  struct filo_store *store = draft->store;
  char name[FILO_OLD_NAME];
  if (draft->old_fd < 0) return;
  struct filo_old_folder *folder = &store->old[filo_old_kind_of(&draft->old)];
  filo_old_name(&draft->old, name);
  pthread_mutex_lock(&folder->lock);
  int failed = draft->old_moved
                   ? renameat(draft->old_fd, name, draft->location.fd, draft->location.name)
                   : unlinkat(draft->old_fd, name, 0);
  if (!failed) filo_old_count(store, &draft->old, -1);
  pthread_mutex_unlock(&folder->lock);
  filo_old_close_bucket(draft);
  draft->has_added = false;
}

void filo_old_close_bucket(struct filo_draft *draft) {
  filo_close_fd(&draft->old_fd);
  draft->old_fd = -1;
}

/* --- reading --- */

/* A lock that others share says that it is in use. */
int filo_old_open_file(struct filo_store *store, const struct filo_old *old, int *ret,
                       struct filo_error *err) {
  char name[FILO_OLD_NAME];
  enum filo_old_kind kind = filo_old_kind_of(old);
  filo_old_name(old, name);
  FILO_AUTO_CLOSE int bucket = filo_old_bucket(store, kind, old->key_hash[0], false);
  int fd = bucket < 0 ? -1 : openat(bucket, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int error = errno;
  if (fd < 0 && error == ENOENT)
    return filo_fail(err, FILO_NOT_FOUND, "version %llu is not in %s/%s any more",
                     (unsigned long long)old->version, store->root, filo_old_folder_name(kind));
  if (fd < 0)
    return filo_fail_errno(err, error, "cannot open %s/%s/%s", store->root,
                           filo_old_folder_name(kind), name);
  (void)flock(fd, LOCK_SH | LOCK_NB);
  *ret = fd;
  return 0;
}

int filo_old_open(struct filo_store *store, const struct filo_old *old, struct filo_object **ret,
                  struct filo_error *err) {
  int fd, rc = filo_old_open_file(store, old, &fd, err);
  if (rc < 0) return rc;
  return filo_object_open_file(fd, filo_old_label(store, old), old->ns, "", FILO_READ_AFRESH, ret,
                               err);
}

/* --- and back --- */

static int move_back(struct filo_store *store, const struct filo_old *old, const char *path,
                     struct filo_location *location, struct filo_error *err) {
  char name[FILO_OLD_NAME];
  enum filo_old_kind kind = filo_old_kind_of(old);
  filo_old_name(old, name);
  FILO_AUTO_CLOSE int bucket = filo_old_bucket(store, kind, old->key_hash[0], false);
  pthread_mutex_lock(&store->old[kind].lock);
  int error = bucket < 0 || renameat(bucket, name, location->fd, location->name) < 0 ? errno : 0;
  if (!error) filo_old_count(store, old, -1);
  pthread_mutex_unlock(&store->old[kind].lock);
  if (error)
    return filo_fail_errno(err, error, "cannot bring %s back from %s/%s", path, store->root,
                           filo_old_folder_name(kind));
  filo_store_changed(store, old->ns, path);
  return 0;
}

/* What its own record says: its name may be anybody's. */
static int read_fields(struct filo_store *store, const struct filo_old *old,
                       struct filo_record *fields, struct filo_error *err) {
  FILO_AUTO_CLOSE int fd = -1;
  struct filo_trailer trailer;
  int rc = filo_old_open_file(store, old, &fd, err);
  if (rc < 0) return rc;
  FILO_AUTO_FREE char *label = filo_old_label(store, old);
  rc = filo_trailer_read(fd, label ? label : "an old copy", false, &trailer, err);
  if (rc < 0) return rc;
  *fields = trailer.fields;
  filo_trailer_free(&trailer);
  return 0;
}

/* Under names; what was opened is to be closed by the caller. */
static int put_back(struct filo_store *store, const struct filo_old *old,
                    const struct filo_record *fields, const char *path,
                    struct filo_location *location, struct filo_error *err) {
  int rc = filo_location_open(store, fields->ns, path, true, location, err);
  if (rc < 0) return rc;
  rc = filo_location_check(store, location, path, fields, err);
  if (rc == 0) rc = move_back(store, old, path, location, err);
  if (rc < 0) filo_location_prune(location, fields->ns, path);
  return rc;
}

int filo_old_restore(struct filo_store *store, const struct filo_old *old, const char *path,
                     struct filo_error *err) {
  struct filo_record fields;
  struct filo_location location = {.fd = -1};
  int rc = filo_store_check_writable(store, err), error = 0;
  if (rc == 0) rc = filo_path_check(path, strnlen(path, FILO_PATH_MAX), err);
  if (rc == 0) rc = read_fields(store, old, &fields, err);
  if (rc < 0) return rc;
  pthread_mutex_lock(&store->names);
  rc = put_back(store, old, &fields, path, &location, err);
  pthread_mutex_unlock(&store->names);
  if (rc == 0) {
    if (store->durability != FILO_DURABLE_NONE)
      error = filo_location_flush(&location, location.depth);
    filo_bad_superseded(store, &fields);
    filo_parts_superseded(store, &fields);
  }
  filo_location_close(&location);
  return error ? filo_fail_errno(err, error, "cannot flush %s for %s", store->root, path) : rc;
}
