/* Copies set aside: what verification found bad, moved out of the way to <root>/bad/.
 *
 * It may be the only copy there is, and be good, where it is memory that is bad. So it stays until
 * a good one of that version, or of a newer one, is published here; else a person may remove it. Its
 * name says which version of what it is, so that another is looked for, also by a later process, and
 * although the file itself may be past telling. Where nobody knows, it stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bytes.h"
#include "store/internal.h"

enum { TIME_DIGITS = 16, HASH_DIGITS = 64, VERSION_DIGITS = 16, LEAF_MAX = 170 };

/* "<time>-<namespace>-<key hash>-<version>" */
enum {
  KEY_HASH_AT = TIME_DIGITS + 1 + HASH_DIGITS + 1,
  VERSION_AT = KEY_HASH_AT + HASH_DIGITS + 1,
  KNOWN_LEN = VERSION_AT + VERSION_DIGITS
};

/* of: NULL: it is not known what it is; then the name has that of the file. */
static void name_of(char out[NAME_MAX + 1], const unsigned char ns[32], const char *leaf,
                    const struct filo_bad *of) {
  struct timespec now;
  char ns_hex[HASH_DIGITS + 1], hash_hex[HASH_DIGITS + 1];
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned long long time =
      (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec;
  filo_hex(ns_hex, ns, FILO_ID_SIZE);
  if (!of) {
    snprintf(out, NAME_MAX + 1, "%016llx-%s-%.*s", time, ns_hex, LEAF_MAX, leaf);
    return;
  }
  filo_hex(hash_hex, of->key_hash, sizeof of->key_hash);
  snprintf(out, NAME_MAX + 1, "%016llx-%s-%s-%016llx", time, ns_hex, hash_hex,
           (unsigned long long)of->version);
}

static bool read_name(const char *name, struct filo_bad *ret) {
  char hex[HASH_DIGITS + 1];
  if (strlen(name) != KNOWN_LEN || strspn(name, "0123456789abcdef-") != KNOWN_LEN) return false;
  if (name[TIME_DIGITS] != '-' || name[KEY_HASH_AT - 1] != '-' || name[VERSION_AT - 1] != '-')
    return false;
  snprintf(hex, sizeof hex, "%s", name + TIME_DIGITS + 1);
  if (filo_unhex(ret->ns, hex, sizeof ret->ns) < 0) return false;
  snprintf(hex, sizeof hex, "%s", name + KEY_HASH_AT);
  if (filo_unhex(ret->key_hash, hex, sizeof ret->key_hash) < 0) return false;
  char *end;
  ret->version = strtoull(name + VERSION_AT, &end, 16);
  return *end == 0;
}

/* What the file says, if its record is good. */
static bool read_file(const struct filo_location *location, const char *path,
                      const unsigned char ns[32], struct filo_bad *ret) {
  FILO_AUTO_CLOSE int fd =
      openat(location->fd, location->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct filo_trailer trailer;
  if (fd < 0 || filo_trailer_read(fd, path, false, &trailer, NULL) < 0) return false;
  filo_trailer_free(&trailer);
  memcpy(ret->key_hash, trailer.fields.key_hash, sizeof ret->key_hash);
  ret->version = trailer.fields.version;
  return memcmp(trailer.fields.ns, ns, sizeof trailer.fields.ns) == 0;
}

static int move_to_bad(struct filo_store *store, const unsigned char ns[32], const char *path,
                       const struct filo_location *location, const struct filo_bad *of,
                       struct filo_error *err) {
  char name[NAME_MAX + 1];
  struct filo_bad found;
  if (!of && read_file(location, path, ns, &found)) of = &found;
  name_of(name, ns, location->name, of);
  if (renameat(location->fd, location->name, store->bad_fd, name) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot move %s to %s/bad", path, store->root);
  }
  atomic_store(&store->has_bad, true);
  return 0;
}

int filo_location_check_file(const struct filo_location *location, const char *path,
                             const struct stat *wanted, struct filo_error *err) {
  struct stat st;
  if (fstatat(location->fd, location->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s", path);
  if (wanted && (st.st_ino != wanted->st_ino || st.st_dev != wanted->st_dev))
    return filo_fail(err, FILO_EXISTS, "another version is at %s by now", path);
  return 0;
}

/* Of a deletion that is bad there is nothing to keep. */
static int set_packed_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                            struct filo_error *err) {
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_packed_forget(store, ns, path, err);
  if (rc == 0) filo_store_changed(store, ns, path);
  return rc;
}

static int set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                     const struct stat *wanted, const struct filo_bad *of, struct filo_error *err) {
  struct filo_location location;
  if (filo_location_is_packed(store, ns, path)) return set_packed_aside(store, ns, path, err);
  int rc = filo_location_find(store, ns, path, &location, err);
  if (rc < 0) return rc;
  rc = filo_location_check_file(&location, path, wanted, err);
  if (rc == 0) rc = filo_packed_forget(store, ns, path, err); /* as in remove.c */
  if (rc == 0) rc = move_to_bad(store, ns, path, &location, of, err);
  if (rc == 0) filo_store_changed(store, ns, path);
  if (rc == 0) filo_location_prune(&location, ns, path);
  filo_location_close(&location);
  return rc;
}

int filo_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                   const struct stat *wanted, const struct filo_bad *of, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  int rc = set_aside(store, ns, path, wanted, of, err);
  pthread_mutex_unlock(&store->names);
  return rc;
}

int filo_store_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                         const struct filo_bad *of, struct filo_error *err) {
  return filo_set_aside(store, ns, path, NULL, of, err);
}

/* --- what lies there --- */

/* A folder there is not the store's; a link or a pipe where an object should be is. */
static bool is_copy(int dir, const char *name, struct stat *st) {
  return fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st->st_mode);
}

int filo_store_bad(struct filo_store *store, uint64_t *count, uint64_t *bytes,
                   struct filo_error *err) {
  DIR *dir = filo_list_folder(store->bad_fd);
  if (!dir) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot list %s/bad", store->root);
  }
  struct stat st;
  *count = *bytes = 0;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    if (!is_copy(store->bad_fd, entry->d_name, &st)) continue;
    ++*count;
    *bytes += (uint64_t)st.st_blocks * 512;
  }
  closedir(dir);
  return 0;
}

int filo_store_bad_copies(struct filo_store *store, struct filo_bad *list, size_t room,
                          size_t *count, struct filo_error *err) {
  DIR *dir = filo_list_folder(store->bad_fd);
  if (!dir) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot list %s/bad", store->root);
  }
  *count = 0;
  for (const struct dirent *entry; *count < room && (entry = readdir(dir));)
    if (read_name(entry->d_name, &list[*count])) ++*count;
  closedir(dir);
  return 0;
}

/* Whether a file there is the version that these fields are of, or an older one. */
static bool is_superseded(const char *name, const struct filo_record *fields) {
  struct filo_bad there;
  return read_name(name, &there) && memcmp(there.ns, fields->ns, sizeof there.ns) == 0 &&
         memcmp(there.key_hash, fields->key_hash, sizeof there.key_hash) == 0 &&
         there.version <= fields->version;
}

/* Whether anything is left. */
static bool remove_superseded(const struct filo_store *store, const struct filo_record *fields) {
  DIR *dir = filo_list_folder(store->bad_fd);
  if (!dir) return true;
  bool left = false;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    if (!is_superseded(name, fields) || unlinkat(store->bad_fd, name, 0) < 0) left = true;
  }
  closedir(dir);
  return left;
}

void filo_bad_superseded(struct filo_store *store, const struct filo_record *fields) {
  if (!atomic_load(&store->has_bad)) return;
  pthread_mutex_lock(&store->names);
  atomic_store(&store->has_bad, remove_superseded(store, fields));
  pthread_mutex_unlock(&store->names);
}
