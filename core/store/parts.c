/* Parts: the files in tmp/ of copies that are on their way in, and of those that did not become
 * whole and are kept for resuming.
 *
 *     <32 hex: object><16 hex: version><16 hex: record>.part
 *
 * The object is the start of SHA-256(namespace || key hash), the record that of SHA-256(record). So
 * it shows in the name what a version that was published makes useless. What is kept is no more than
 * a saving: it goes, oldest first, when there is too much of it, when something needs its room, and
 * when nobody has come for it in some days. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "store/internal.h"

enum {
  OBJECT_DIGITS = 32,
  VERSION_DIGITS = 16,
  RECORD_DIGITS = 16,
  NAME_DIGITS = OBJECT_DIGITS + VERSION_DIGITS + RECORD_DIGITS,
  DAYS = 7,
  COUNT_MAX = 256, /* kept; many times what comes in at once */
  SHARE = 8,       /* one in so many of the bytes that are free without them is for them */
};

struct filo_part {
  TAILQ_ENTRY(filo_part) all;
  char name[FILO_PART_NAME];
  bool in_use;     /* somebody has its file open: it is not one of those kept */
  bool superseded; /* a version was published that is no older */
  uint64_t bytes;  /* of the disk, while it is kept */
  time_t time;     /* when the last of it came */
};

bool filo_is_part(const char *name) {
  return strspn(name, "0123456789abcdef") == NAME_DIGITS &&
         strcmp(name + NAME_DIGITS, ".part") == 0;
}

static int object_digits(const struct filo_record *fields, char out[OBJECT_DIGITS + 1],
                         struct filo_error *err) {
  unsigned char named[sizeof fields->ns + sizeof fields->key_hash], digest[FILO_HASH_SIZE];
  memcpy(named, fields->ns, sizeof fields->ns);
  memcpy(named + sizeof fields->ns, fields->key_hash, sizeof fields->key_hash);
  int rc = filo_digest(FILO_SHA256, named, sizeof named, digest, err);
  if (rc == 0) filo_hex(out, digest, OBJECT_DIGITS / 2);
  return rc;
}

int filo_part_name(const struct filo_record *fields, const unsigned char *record, size_t record_len,
                   char out[FILO_PART_NAME], struct filo_error *err) {
  unsigned char digest[FILO_HASH_SIZE];
  char object[OBJECT_DIGITS + 1], of_record[RECORD_DIGITS + 1];
  int rc = object_digits(fields, object, err);
  if (rc == 0) rc = filo_digest(FILO_SHA256, record, record_len, digest, err);
  if (rc < 0) return rc;
  filo_hex(of_record, digest, RECORD_DIGITS / 2);
  snprintf(out, FILO_PART_NAME, "%s%016llx%s.part", object, (unsigned long long)fields->version,
           of_record);
  return 0;
}

/* --- the table; all of it under the lock --- */

static struct filo_part *find(const struct filo_parts *parts, const char *name) {
  struct filo_part *part;
  TAILQ_FOREACH(part, &parts->all, all) if (strcmp(part->name, name) == 0) break;
  return part;
}

static struct filo_part *add(struct filo_parts *parts, const char *name) {
  struct filo_part *part = calloc(1, sizeof *part);
  if (!part) return NULL;
  snprintf(part->name, sizeof part->name, "%s", name);
  TAILQ_INSERT_TAIL(&parts->all, part, all);
  return part;
}

static void forget(struct filo_parts *parts, struct filo_part *part) {
  TAILQ_REMOVE(&parts->all, part, all);
  free(part);
}

static void uncount(struct filo_parts *parts, const struct filo_part *part) {
  parts->kept--;
  parts->kept_bytes -= part->bytes;
}

/* One that is kept goes. */
static void drop(struct filo_store *store, struct filo_part *part) {
  unlinkat(store->tmp_fd, part->name, 0);
  uncount(&store->parts, part);
  forget(&store->parts, part);
}

static struct filo_part *oldest(const struct filo_parts *parts) {
  struct filo_part *part;
  TAILQ_FOREACH(part, &parts->all, all) if (!part->in_use) break;
  return part;
}

/* The one that ended last stays, however large it is. */
static bool too_much(struct filo_store *store) {
  const struct filo_parts *parts = &store->parts;
  uint64_t free_bytes, total;
  if (parts->kept > COUNT_MAX) return true;
  return parts->kept > 1 && filo_store_space(store, &free_bytes, &total, NULL) == 0 &&
         parts->kept_bytes > (free_bytes + parts->kept_bytes) / SHARE;
}

/* Its file stays from now on, among the others by its age. */
static void keep(struct filo_store *store, struct filo_part *part, const struct stat *st) {
  struct filo_parts *parts = &store->parts;
  part->in_use = false;
  part->bytes = (uint64_t)st->st_blocks * 512;
  part->time = st->st_mtime;
  TAILQ_REMOVE(&parts->all, part, all);
  struct filo_part *before = TAILQ_LAST(&parts->all, filo_part_list);
  while (before && before->time > part->time) before = TAILQ_PREV(before, filo_part_list, all);
  if (before)
    TAILQ_INSERT_AFTER(&parts->all, before, part, all);
  else
    TAILQ_INSERT_HEAD(&parts->all, part, all);
  parts->kept++;
  parts->kept_bytes += part->bytes;
  while (too_much(store)) drop(store, oldest(parts));
}

/* --- what others call --- */

void filo_parts_init(struct filo_parts *parts) {
  pthread_mutex_init(&parts->lock, NULL);
  TAILQ_INIT(&parts->all);
}

void filo_parts_free(struct filo_parts *parts) {
  while (!TAILQ_EMPTY(&parts->all)) forget(parts, TAILQ_FIRST(&parts->all));
  pthread_mutex_destroy(&parts->lock);
}

void filo_parts_found(struct filo_store *store, const char *name, const struct stat *st) {
  pthread_mutex_lock(&store->parts.lock);
  struct filo_part *part = add(&store->parts, name);
  if (part) keep(store, part, st);
  pthread_mutex_unlock(&store->parts.lock);
}

static int begin(struct filo_parts *parts, const char *name, struct filo_part **ret,
                 struct filo_error *err) {
  struct filo_part *part = find(parts, name);
  if (part && part->in_use)
    return filo_fail(err, FILO_BUSY, "this version is being received already");
  if (part)
    uncount(parts, part);
  else
    part = add(parts, name);
  if (!part) return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  part->in_use = true;
  *ret = part;
  return 0;
}

int filo_part_begin(struct filo_store *store, const char *name, struct filo_part **ret,
                    struct filo_error *err) {
  pthread_mutex_lock(&store->parts.lock);
  int rc = begin(&store->parts, name, ret, err);
  pthread_mutex_unlock(&store->parts.lock);
  return rc;
}

void filo_part_end(struct filo_store *store, struct filo_part *part, bool keeps) {
  struct stat st;
  pthread_mutex_lock(&store->parts.lock);
  bool there = keeps && fstatat(store->tmp_fd, part->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && !part->superseded) {
    keep(store, part, &st);
  } else {
    unlinkat(store->tmp_fd, part->name, 0);
    forget(&store->parts, part);
  }
  pthread_mutex_unlock(&store->parts.lock);
}

void filo_parts_superseded(struct filo_store *store, const struct filo_record *fields) {
  struct filo_parts *parts = &store->parts;
  struct filo_part *part, *next;
  char object[OBJECT_DIGITS + 1], version[VERSION_DIGITS + 1];
  pthread_mutex_lock(&parts->lock);
  if (!TAILQ_EMPTY(&parts->all) && object_digits(fields, object, NULL) == 0) {
    snprintf(version, sizeof version, "%016llx", (unsigned long long)fields->version);
    for (part = TAILQ_FIRST(&parts->all); part; part = next) {
      next = TAILQ_NEXT(part, all);
      if (memcmp(part->name, object, OBJECT_DIGITS) != 0 ||
          memcmp(part->name + OBJECT_DIGITS, version, VERSION_DIGITS) > 0)
        continue;
      part->superseded = true;
      if (!part->in_use) drop(store, part);
    }
  }
  pthread_mutex_unlock(&parts->lock);
}

bool filo_parts_yield(struct filo_store *store) {
  pthread_mutex_lock(&store->parts.lock);
  struct filo_part *part = oldest(&store->parts);
  if (part) drop(store, part);
  pthread_mutex_unlock(&store->parts.lock);
  return part != NULL;
}

bool filo_part_is_old(const struct stat *st) {
  return st->st_mtime <= time(NULL) - (time_t)DAYS * 24 * 3600;
}

void filo_store_sweep(struct filo_store *store) {
  struct filo_parts *parts = &store->parts;
  struct filo_part *part, *next;
  struct stat st;
  pthread_mutex_lock(&parts->lock);
  for (part = TAILQ_FIRST(&parts->all); part; part = next) {
    next = TAILQ_NEXT(part, all);
    if (part->in_use) continue;
    bool there = fstatat(store->tmp_fd, part->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || filo_part_is_old(&st)) drop(store, part);
  }
  pthread_mutex_unlock(&parts->lock);
}
