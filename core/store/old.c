/* Old copies: what they are called, where they lie, and how many there are. */
#include "store/old.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/internal.h"

static const char *const why_names[FILO_OLD_WHYS] = {"dropped", "deleted", "replaced"};
static const char *const folder_names[FILO_OLD_KINDS] = {"trash", "versions"};

const char *filo_old_why_name(enum filo_old_why why) {
  return why_names[why];
}

bool filo_old_why_of(const char *name, enum filo_old_why *ret) {
  for (int i = 0; i < FILO_OLD_WHYS; i++) {
    if (strcmp(name, why_names[i]) != 0) continue;
    *ret = (enum filo_old_why)i;
    return true;
  }
  return false;
}

enum filo_old_kind filo_old_kind_of(const struct filo_old *old) {
  return old->why == FILO_OLD_REPLACED ? FILO_VERSIONS : FILO_TRASH;
}

const char *filo_old_folder_name(enum filo_old_kind kind) {
  return folder_names[kind];
}

/* --- names --- */

enum {
  HASH_DIGITS = 64,
  NS_AT = HASH_DIGITS + 1,
  NUMBERS_AT = NS_AT + FILO_NS_DIGITS + 1,
  VERSION_DIGITS = 16,
  SIZE_AT = NUMBERS_AT + VERSION_DIGITS + 1,
  SIZE_DIGITS = 13,
  TIME_AT = SIZE_AT + SIZE_DIGITS + 1,
  TIME_DIGITS = 10,
  CLASS_AT = TIME_AT + TIME_DIGITS + 1,
  CLASS_DIGITS = 2,
  WHY_AT = CLASS_AT + CLASS_DIGITS + 1,
};

void filo_old_name(const struct filo_old *old, char out[FILO_OLD_NAME]) {
  char hash[HASH_DIGITS + 1], ns[FILO_NS_DIGITS + 1];
  filo_hex(hash, old->key_hash, sizeof old->key_hash);
  filo_hex(ns, old->ns, sizeof old->ns);
  snprintf(out, FILO_OLD_NAME, "%s-%s-%016llx-%013llx-%010llx-%02x-%s", hash, ns,
           (unsigned long long)old->version, (unsigned long long)old->size,
           (unsigned long long)old->time & 0xffffffffff, old->class, why_names[old->why]);
}

static bool read_number(const char *name, size_t at, size_t digits, uint64_t *ret) {
  *ret = 0;
  for (size_t i = 0; i < digits; i++) {
    int digit = filo_hex_digit(name[at + i]);
    if (digit < 0) return false;
    *ret = *ret << 4 | (unsigned)digit;
  }
  return name[at + digits] == '-';
}

bool filo_old_read_name(const char *name, struct filo_old *ret) {
  uint64_t time, class;
  if (strlen(name) <= WHY_AT || name[NS_AT - 1] != '-' || name[NUMBERS_AT - 1] != '-' ||
      !read_number(name, NUMBERS_AT, VERSION_DIGITS, &ret->version) ||
      !read_number(name, SIZE_AT, SIZE_DIGITS, &ret->size) ||
      !read_number(name, TIME_AT, TIME_DIGITS, &time) ||
      !read_number(name, CLASS_AT, CLASS_DIGITS, &class) ||
      !filo_old_why_of(name + WHY_AT, &ret->why))
    return false;
  ret->time = (int64_t)time;
  ret->class = (unsigned char)class;
  return filo_unhex(ret->key_hash, name, sizeof ret->key_hash) == 0 &&
         filo_unhex(ret->ns, name + NS_AT, sizeof ret->ns) == 0;
}

char *filo_old_label(const struct filo_store *store, const struct filo_old *old) {
  char name[FILO_OLD_NAME], *label;
  filo_old_name(old, name);
  if (asprintf(&label, "%s/%s/%.2s/%s", store->root, folder_names[filo_old_kind_of(old)], name,
               name) < 0)
    return NULL;
  return label;
}

bool filo_old_is_of(const struct filo_old *old, const unsigned char ns[FILO_ID_SIZE],
                    const unsigned char key_hash[FILO_KEY_SIZE]) {
  return memcmp(old->key_hash, key_hash, sizeof old->key_hash) == 0 &&
         memcmp(old->ns, ns, sizeof old->ns) == 0;
}

/* --- folders --- */

int filo_old_bucket(const struct filo_store *store, enum filo_old_kind kind, unsigned char bucket,
                    bool make) {
  char name[3];
  int folder = store->old[kind].fd;
  if (folder < 0) {
    errno = ENOENT;
    return -1;
  }
  filo_hex(name, &bucket, 1);
  /* It must last before anything is moved into it. */
  if (make && mkdirat(folder, name, 0700) == 0 && store->durability != FILO_DURABLE_NONE &&
      fsync(folder) < 0)
    return -1;
  return openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

void filo_old_count(struct filo_store *store, const struct filo_old *old, int by) {
  struct filo_old_amount *amount = &store->old[filo_old_kind_of(old)].amounts[old->key_hash[0]];
  amount->count += (uint64_t)(int64_t)by;
  amount->bytes += (uint64_t)(by * (int64_t)old->size);
}

void filo_old_usage(struct filo_store *store, enum filo_old_kind kind, uint64_t *count,
                    uint64_t *bytes) {
  struct filo_old_folder *folder = &store->old[kind];
  *count = *bytes = 0;
  pthread_mutex_lock(&folder->lock);
  for (int i = 0; i < FILO_OLD_BUCKETS; i++) {
    *count += folder->amounts[i].count;
    *bytes += folder->amounts[i].bytes;
  }
  pthread_mutex_unlock(&folder->lock);
}

/* Room for one more in a list that has grown so by one each time. */
static void *grow(void *list, size_t count, size_t size) {
  if (count & (count - 1)) return list;
  return realloc(list, (count ? 2 * count : 1) * size);
}

static int append(struct filo_old **list, size_t *count, const struct filo_old *old) {
  struct filo_old *more = grow(*list, *count, sizeof **list);
  if (!more) return -1;
  *list = more;
  more[(*count)++] = *old;
  return 0;
}

static int list_failed(const struct filo_store *store, enum filo_old_kind kind,
                       struct filo_error *err) {
  int error = errno;
  return filo_fail_errno(err, error, "cannot list %s/%s", store->root, folder_names[kind]);
}

/* Of those whose names begin so. */
static int list_bucket(struct filo_store *store, enum filo_old_kind kind, unsigned char bucket,
                       const char *start, struct filo_old **ret, size_t *count,
                       struct filo_error *err) {
  *ret = NULL;
  *count = 0;
  FILO_AUTO_CLOSE int fd = filo_old_bucket(store, kind, bucket, false);
  if (fd < 0 && errno == ENOENT) return 0;
  DIR *dir = fd < 0 ? NULL : filo_list_folder(fd);
  if (!dir) return list_failed(store, kind, err);
  struct filo_old old;
  int failed = 0;
  for (const struct dirent *entry; !failed && (entry = readdir(dir));)
    if (strncmp(entry->d_name, start, strlen(start)) == 0 &&
        filo_old_read_name(entry->d_name, &old))
      failed = append(ret, count, &old);
  closedir(dir);
  if (!failed) return 0;
  free(*ret);
  *ret = NULL;
  return filo_fail(err, FILO_NO_MEMORY, "no memory to list %s/%s", store->root, folder_names[kind]);
}

int filo_old_list(struct filo_store *store, enum filo_old_kind kind, unsigned char bucket,
                  struct filo_old **ret, size_t *count, struct filo_error *err) {
  return list_bucket(store, kind, bucket, "", ret, count, err);
}

int filo_old_list_of(struct filo_store *store, enum filo_old_kind kind,
                     const unsigned char ns[FILO_ID_SIZE],
                     const unsigned char key_hash[FILO_KEY_SIZE], struct filo_old **ret,
                     size_t *count, struct filo_error *err) {
  char start[NUMBERS_AT + 1], hex[FILO_NS_DIGITS + 1];
  filo_hex(start, key_hash, FILO_KEY_SIZE);
  filo_hex(hex, ns, FILO_ID_SIZE);
  snprintf(start + HASH_DIGITS, sizeof start - HASH_DIGITS, "-%s-", hex);
  return list_bucket(store, kind, key_hash[0], start, ret, count, err);
}

/* --- how much of whom --- */

static int add_owner(struct filo_old_owner **list, size_t *count, const struct filo_old *old) {
  size_t i = 0;
  while (i < *count && memcmp((*list)[i].ns, old->ns, sizeof old->ns) != 0) i++;
  if (i == *count) {
    struct filo_old_owner *more = grow(*list, *count, sizeof **list);
    if (!more) return -1;
    *list = more;
    more[i] = (struct filo_old_owner){0};
    memcpy(more[i].ns, old->ns, sizeof old->ns);
    ++*count;
  }
  (*list)[i].count++;
  (*list)[i].bytes += old->size;
  return 0;
}

int filo_old_owners(struct filo_store *store, struct filo_old_owner **ret, size_t *count,
                    struct filo_error *err) {
  struct filo_old *list;
  size_t listed;
  int rc = 0;
  *ret = NULL;
  *count = 0;
  for (int bucket = 0; rc == 0 && bucket < FILO_OLD_BUCKETS; bucket++) {
    rc = filo_old_list(store, FILO_VERSIONS, (unsigned char)bucket, &list, &listed, err);
    if (rc < 0) break;
    for (size_t i = 0; rc == 0 && i < listed; i++)
      if (add_owner(ret, count, &list[i]) < 0)
        rc = filo_fail(err, FILO_NO_MEMORY, "no memory to count versions");
    free(list);
  }
  if (rc == 0) return 0;
  free(*ret);
  *ret = NULL;
  return rc;
}

/* --- what is kept --- */

const struct filo_old_keeping *filo_old_keeping_of(const struct filo_store *store,
                                                   const unsigned char ns[FILO_ID_SIZE]) {
  for (size_t i = 0; i < store->keeping_count; i++)
    if (memcmp(store->keeping[i].ns, ns, FILO_ID_SIZE) == 0) return &store->keeping[i];
  return NULL;
}

/* To be changed; NULL without memory. Under names. */
static struct filo_old_keeping *change(struct filo_store *store,
                                       const unsigned char ns[FILO_ID_SIZE]) {
  struct filo_old_keeping *known = (struct filo_old_keeping *)filo_old_keeping_of(store, ns);
  if (known) return known;
  struct filo_old_keeping *more =
      grow(store->keeping, store->keeping_count, sizeof *store->keeping);
  if (!more) return NULL;
  store->keeping = more;
  known = &more[store->keeping_count++];
  memset(known, 0, sizeof *known);
  memcpy(known->ns, ns, FILO_ID_SIZE);
  return known;
}

int filo_old_keep_deleted(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                          bool keeps, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  struct filo_old_keeping *keeping = change(store, ns);
  if (keeping) keeping->deleted = keeps;
  pthread_mutex_unlock(&store->names);
  return keeping ? 0 : filo_fail(err, FILO_NO_MEMORY, "no memory to note what is kept");
}

int filo_old_keep_versions(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                           const unsigned char versions[FILO_OLD_CLASSES], struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  struct filo_old_keeping *keeping = change(store, ns);
  if (keeping) {
    keeping->known = versions != NULL;
    if (versions) memcpy(keeping->versions, versions, sizeof keeping->versions);
  }
  pthread_mutex_unlock(&store->names);
  return keeping ? 0 : filo_fail(err, FILO_NO_MEMORY, "no memory to note what is kept");
}
