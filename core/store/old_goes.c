/* Old copies that go: by time, by number, for want of room, and with their object. */
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

/* So many are chosen by one look at all that there are. */
enum { AT_ONCE = 64 };

/* Somebody reads it, or is about to bring it back. */
static bool is_in_use(int bucket, const char *name) {
  FILO_AUTO_CLOSE int fd = openat(bucket, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool remove_file(int bucket, const char *name) {
  return !is_in_use(bucket, name) && unlinkat(bucket, name, 0) == 0;
}

static bool remove_old(struct filo_store *store, const struct filo_old *old) {
  char name[FILO_OLD_NAME];
  enum filo_old_kind kind = filo_old_kind_of(old);
  filo_old_name(old, name);
  FILO_AUTO_CLOSE int bucket = filo_old_bucket(store, kind, old->key_hash[0], false);
  if (bucket < 0) return false;
  pthread_mutex_lock(&store->old[kind].lock);
  bool gone = remove_file(bucket, name);
  if (gone) filo_old_count(store, old, -1);
  pthread_mutex_unlock(&store->old[kind].lock);
  return gone;
}

/* Removes those of a bucket that go(old, ctx) says, and counts the others. */
static void go_over(struct filo_store *store, enum filo_old_kind kind, unsigned char bucket,
                    bool (*go)(const struct filo_old *old, const void *ctx), const void *ctx) {
  struct filo_old_folder *folder = &store->old[kind];
  struct filo_old_amount left = {0};
  struct filo_old old;
  FILO_AUTO_CLOSE int fd = filo_old_bucket(store, kind, bucket, false);
  pthread_mutex_lock(&folder->lock);
  DIR *dir = fd < 0 ? NULL : filo_list_folder(fd);
  for (const struct dirent *entry; dir && (entry = readdir(dir));) {
    if (!filo_old_read_name(entry->d_name, &old)) continue;
    if (go(&old, ctx) && remove_file(fd, entry->d_name)) continue;
    left.count++;
    left.bytes += old.size;
  }
  if (dir) closedir(dir);
  folder->amounts[bucket] = left;
  pthread_mutex_unlock(&folder->lock);
}

/* --- by number --- */

/* One object after the other, of each the newest first. */
static int by_object(const void *a, const void *b) {
  const struct filo_old *x = a, *y = b;
  int order = memcmp(x->key_hash, y->key_hash, sizeof x->key_hash);
  if (order == 0) order = memcmp(x->ns, y->ns, sizeof x->ns);
  if (order != 0) return order;
  if (x->version != y->version) return x->version < y->version ? 1 : -1;
  return x->time < y->time ? 1 : x->time > y->time ? -1 : 0;
}

/* How many of an object are kept; as many as there are where that is not known. */
static unsigned count_kept(struct filo_store *store, const struct filo_old *old) {
  pthread_mutex_lock(&store->names);
  const struct filo_old_keeping *keeping = filo_old_keeping_of(store, old->ns);
  unsigned kept = keeping && keeping->known ? keeping->versions[old->class] : UINT32_MAX;
  pthread_mutex_unlock(&store->names);
  return kept;
}

/* Of a list in order, those of one object that are more than `most`; and what is there twice: it was dropped
 * more than once, or the process was killed between noting a version and replacing it. */
static void remove_beyond(struct filo_store *store, const struct filo_old *list, size_t count,
                          unsigned most) {
  unsigned kept = 0;
  for (size_t i = 0; i < count; i++) {
    bool twice = i > 0 && list[i].version == list[i - 1].version;
    if (twice || kept >= most)
      remove_old(store, &list[i]);
    else
      kept++;
  }
}

/* How many from the first on are of one object. */
static size_t count_of_object(const struct filo_old *list, size_t count) {
  size_t n = 1;
  while (n < count && filo_old_is_of(&list[n], list->ns, list->key_hash)) n++;
  return n;
}

/* Another name of the same file says that it still lies in its place, and nothing came instead of it: the
 * process was killed between noting it and replacing it. */
static bool is_linked(struct filo_store *store, const struct filo_old *old) {
  char name[FILO_OLD_NAME];
  struct stat st;
  filo_old_name(old, name);
  FILO_AUTO_CLOSE int bucket =
      filo_old_bucket(store, filo_old_kind_of(old), old->key_hash[0], false);
  return bucket >= 0 && fstatat(bucket, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink > 1;
}

/* Of one object. The newest version does not count among the old ones while it is none. */
static void remove_more_than_kept(struct filo_store *store, const struct filo_old *list,
                                  size_t count) {
  unsigned kept = count_kept(store, list);
  if (kept > 0 && count > kept && is_linked(store, list)) kept++;
  remove_beyond(store, list, count, kept);
}

static void remove_surplus(struct filo_store *store, enum filo_old_kind kind,
                           unsigned char bucket) {
  struct filo_old *list;
  size_t count;
  if (filo_old_list(store, kind, bucket, &list, &count, NULL) < 0) return;
  if (count > 0) qsort(list, count, sizeof *list, by_object);
  for (size_t i = 0, n; i < count; i += n) {
    n = count_of_object(list + i, count - i);
    if (kind == FILO_VERSIONS)
      remove_more_than_kept(store, list + i, n);
    else
      remove_beyond(store, list + i, n, UINT32_MAX);
  }
  free(list);
}

void filo_old_added(struct filo_draft *draft) {
  struct filo_old *list;
  size_t count;
  const struct filo_old *added = &draft->old;
  if (!draft->has_added || filo_old_list_of(draft->store, FILO_VERSIONS, added->ns, added->key_hash,
                                            &list, &count, NULL) < 0)
    return;
  if (count > 0) qsort(list, count, sizeof *list, by_object);
  remove_beyond(draft->store, list, count, draft->versions_kept);
  free(list);
}

/* --- by time --- */

/* What seems to be of the future stays: the clock may be behind, as that of a machine without a battery is
 * for a while. */
static bool is_over(const struct filo_old *old, const void *ctx) {
  return old->time <= *(const int64_t *)ctx;
}

static bool never(const struct filo_old *old, const void *ctx) {
  (void)old, (void)ctx;
  return false;
}

void filo_old_sweep(struct filo_store *store, int64_t seconds) {
  int64_t until = time(NULL) - seconds;
  for (int i = 0; i < FILO_OLD_BUCKETS; i++) {
    remove_surplus(store, FILO_TRASH, (unsigned char)i);
    go_over(store, FILO_TRASH, (unsigned char)i, is_over, &until);
    remove_surplus(store, FILO_VERSIONS, (unsigned char)i);
    go_over(store, FILO_VERSIONS, (unsigned char)i, never, NULL); /* which counts them */
  }
}

/* --- with their object --- */

static bool is_same_version(const struct filo_old *old, const void *ctx) {
  const struct filo_old *other = ctx;
  return old->version == other->version && filo_old_is_of(old, other->ns, other->key_hash);
}

void filo_old_forget_version(struct filo_store *store, const struct filo_old *old) {
  go_over(store, filo_old_kind_of(old), old->key_hash[0], is_same_version, old);
}

static bool is_deleted(const struct filo_old *old, const void *ctx) {
  const struct filo_record *fields = ctx;
  return old->version <= fields->version && filo_old_is_of(old, fields->ns, fields->key_hash);
}

/* Among the versions it would never go. */
static void throw_away(struct filo_store *store, const struct filo_old *version) {
  char from[FILO_OLD_NAME], to[FILO_OLD_NAME];
  struct filo_old old = *version;
  old.why = FILO_OLD_DELETED;
  old.time = time(NULL);
  filo_old_name(version, from);
  filo_old_name(&old, to);
  FILO_AUTO_CLOSE int there = filo_old_bucket(store, FILO_VERSIONS, old.key_hash[0], false);
  FILO_AUTO_CLOSE int bucket = filo_old_bucket(store, FILO_TRASH, old.key_hash[0], true);
  if (there >= 0 && bucket >= 0 && renameat(there, from, bucket, to) == 0)
    return; /* both are to be counted anew */
  remove_old(store, version);
}

void filo_old_deleted(struct filo_store *store, const struct filo_record *fields, bool keeps) {
  struct filo_old *list = NULL;
  size_t count = 0;
  unsigned char bucket = fields->key_hash[0];
  if (!(fields->flags & FILO_TOMBSTONE)) return;
  if (!keeps) {
    go_over(store, FILO_VERSIONS, bucket, is_deleted, fields);
    go_over(store, FILO_TRASH, bucket, is_deleted, fields);
    return;
  }
  if (filo_old_list_of(store, FILO_VERSIONS, fields->ns, fields->key_hash, &list, &count, NULL) < 0)
    return;
  for (size_t i = 0; i < count; i++)
    if (is_deleted(&list[i], fields)) throw_away(store, &list[i]);
  free(list);
  if (count == 0) return;
  go_over(store, FILO_VERSIONS, bucket, never, NULL); /* which count them */
  go_over(store, FILO_TRASH, bucket, never, NULL);
}

/* --- for want of room --- */

struct oldest {
  const unsigned char *ns;       /* or NULL: of all */
  struct filo_old list[AT_ONCE]; /* the oldest first */
  int count;
  uint64_t bytes; /* of all */
};

static void note(struct oldest *oldest, const struct filo_old *old) {
  if (oldest->ns && memcmp(oldest->ns, old->ns, sizeof old->ns) != 0) return;
  oldest->bytes += old->size;
  int at = oldest->count;
  if (at == AT_ONCE && oldest->list[at - 1].time <= old->time) return;
  if (at == AT_ONCE) at--;
  for (; at > 0 && oldest->list[at - 1].time > old->time; at--)
    oldest->list[at] = oldest->list[at - 1];
  oldest->list[at] = *old;
  if (oldest->count < AT_ONCE) oldest->count++;
}

static void find_oldest(struct filo_store *store, enum filo_old_kind kind, struct oldest *ret) {
  struct filo_old old;
  ret->count = 0;
  ret->bytes = 0;
  for (int i = 0; i < FILO_OLD_BUCKETS; i++) {
    FILO_AUTO_CLOSE int fd = filo_old_bucket(store, kind, (unsigned char)i, false);
    DIR *dir = fd < 0 ? NULL : filo_list_folder(fd);
    for (const struct dirent *entry; dir && (entry = readdir(dir));)
      if (filo_old_read_name(entry->d_name, &old)) note(ret, &old);
    if (dir) closedir(dir);
  }
}

static bool yield(struct filo_store *store, const struct oldest *oldest, uint64_t bytes) {
  bool any = false;
  for (int i = 0; i < oldest->count; i++) {
    if (any && filo_store_room(store, bytes, NULL) == 0) break;
    any = remove_old(store, &oldest->list[i]) || any;
  }
  return any;
}

bool filo_old_yield(struct filo_store *store, uint64_t bytes) {
  struct oldest trash = {0}, versions = {0};
  find_oldest(store, FILO_TRASH, &trash);
  if (filo_store_would_have(store, bytes, trash.bytes)) return yield(store, &trash, bytes);
  find_oldest(store, FILO_VERSIONS, &versions);
  if (!filo_store_would_have(store, bytes, trash.bytes + versions.bytes)) return false;
  return yield(store, trash.count > 0 ? &trash : &versions, bytes);
}

uint64_t filo_old_yield_owner(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                              uint64_t bytes) {
  struct oldest oldest = {.ns = ns};
  uint64_t gone = 0;
  find_oldest(store, FILO_VERSIONS, &oldest);
  for (int i = 0; i < oldest.count && gone < bytes; i++)
    if (remove_old(store, &oldest.list[i])) gone += oldest.list[i].size;
  return gone;
}
