/* Copies set aside: what verification found bad, moved out of the way to <root>/bad/.
 *
 * It may be the only copy there is, and be good, where it is memory that is bad. So it stays until
 * a good one of that version, or of a newer one, is published here; else a person may remove it. A
 * file that cannot tell which version of what it is, stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bytes.h"
#include "store/internal.h"

enum { TIME_DIGITS = 16, NS_DIGITS = 16, LEAF_MAX = 192 };

/* The part of a name that is the same for each copy of an object: "-<namespace>-<file name>". */
static void name_of(char out[NAME_MAX + 1], const unsigned char ns[32], const char *leaf) {
  char hex[NS_DIGITS + 1];
  filo_hex(hex, ns, NS_DIGITS / 2);
  snprintf(out, NAME_MAX + 1, "-%s-%.*s", hex, LEAF_MAX, leaf);
}

static int move_to_bad(struct filo_store *store, const unsigned char ns[32], const char *path,
                       const struct filo_location *location, struct filo_error *err) {
  struct timespec now;
  char of[NAME_MAX + 1], name[NAME_MAX + 1];
  clock_gettime(CLOCK_REALTIME, &now);
  name_of(of, ns, location->name);
  snprintf(name, sizeof name, "%016llx%.*s",
           (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec,
           NAME_MAX - TIME_DIGITS, of);
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

static int set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                     const struct stat *wanted, struct filo_error *err) {
  struct filo_location location;
  int rc = filo_location_find(store, ns, path, &location, err);
  if (rc < 0) return rc;
  rc = filo_location_check_file(&location, path, wanted, err);
  if (rc == 0) rc = move_to_bad(store, ns, path, &location, err);
  if (rc == 0) filo_store_changed(store, ns, path);
  if (rc == 0) filo_location_prune(&location, ns, path);
  filo_location_close(&location);
  return rc;
}

int filo_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                   const struct stat *wanted, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  int rc = set_aside(store, ns, path, wanted, err);
  pthread_mutex_unlock(&store->names);
  return rc;
}

int filo_store_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                         struct filo_error *err) {
  return filo_set_aside(store, ns, path, NULL, err);
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

/* Whether a file there is the version that these fields are of, or an older one. */
static bool is_superseded(int dir, const char *name, const struct filo_record *fields) {
  FILO_AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct filo_trailer trailer;
  if (fd < 0 || filo_trailer_read(fd, name, false, &trailer, NULL) < 0) return false;
  filo_trailer_free(&trailer);
  const struct filo_record *there = &trailer.fields;
  return memcmp(there->ns, fields->ns, sizeof there->ns) == 0 &&
         memcmp(there->key_hash, fields->key_hash, sizeof there->key_hash) == 0 &&
         there->version <= fields->version;
}

/* Whether anything is left. */
static bool remove_superseded(const struct filo_store *store, const struct filo_record *fields,
                              const char *of) {
  DIR *dir = filo_list_folder(store->bad_fd);
  if (!dir) return true;
  bool left = false;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    bool goes = strlen(name) > TIME_DIGITS && strcmp(name + TIME_DIGITS, of) == 0 &&
                is_superseded(store->bad_fd, name, fields);
    if (!goes || unlinkat(store->bad_fd, name, 0) < 0) left = true;
  }
  closedir(dir);
  return left;
}

void filo_bad_superseded(struct filo_store *store, const struct filo_record *fields,
                         const char *path) {
  if (!atomic_load(&store->has_bad)) return;
  const char *slash = strrchr(path, '/');
  char of[NAME_MAX + 1];
  name_of(of, fields->ns, slash ? slash + 1 : path);
  pthread_mutex_lock(&store->names);
  atomic_store(&store->has_bad, remove_superseded(store, fields, of));
  pthread_mutex_unlock(&store->names);
}
