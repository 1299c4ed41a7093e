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

enum { BAD_KEPT = 64, BAD_NAME = 192 };

static int check_version(const struct filo_location *location, const char *path, uint64_t version,
                         struct filo_error *err) {
  FILO_AUTO_CLOSE int fd =
      openat(location->fd, location->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot see what is at %s", path);
  }
  struct filo_trailer trailer;
  int rc = filo_trailer_read(fd, path, true, &trailer, err);
  if (rc < 0) return rc;
  uint64_t there = trailer.fields.version;
  filo_trailer_free(&trailer);
  if (there == version) return 0;
  return filo_fail(err, there > version ? FILO_EXISTS : FILO_NOT_FOUND,
                   "version %llu is at %s, not %llu", (unsigned long long)there, path,
                   (unsigned long long)version);
}

static int unlink_object(const struct filo_location *location, const char *path, uint64_t version,
                         struct filo_error *err) {
  int rc = version ? check_version(location, path, version, err) : 0;
  if (rc < 0) return rc;
  if (unlinkat(location->fd, location->name, 0) == 0) return 0;
  int error = errno;
  if (error == ENOENT || error == EISDIR)
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s", path);
  return filo_fail_errno(err, error, "cannot remove %s", path);
}

/* An object that is to go. Nothing below a file: the same as nothing there. */
static int find(struct filo_store *store, const unsigned char ns[32], const char *path,
                struct filo_location *location, struct filo_error *err) {
  struct filo_error why;
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_path_check(path, strnlen(path, FILO_PATH_MAX), err);
  if (rc < 0) return rc;
  rc = filo_location_open(store, ns, path, false, location, &why);
  if (rc == FILO_NOT_FOUND || rc == FILO_INVALID)
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s", path);
  return rc < 0 ? filo_fail(err, rc, "%s", why.message) : 0;
}

int filo_store_remove(struct filo_store *store, const unsigned char ns[32], const char *path,
                      uint64_t version, struct filo_error *err) {
  struct filo_location location;
  pthread_mutex_lock(&store->names);
  int rc = find(store, ns, path, &location, err);
  if (rc < 0) {
    pthread_mutex_unlock(&store->names);
    return rc;
  }
  rc = unlink_object(&location, path, version, err);
  if (rc == 0) filo_location_prune(&location, ns, path);
  pthread_mutex_unlock(&store->names);
  int error =
      rc == 0 && store->durability != FILO_DURABLE_NONE ? filo_location_flush(&location, 0) : 0;
  filo_location_close(&location);
  return error ? filo_fail_errno(err, error, "cannot flush the removal of %s", path) : rc;
}

/* A folder there is not the store's; a link or a pipe where an object should be is. */
static bool is_copy(int dir, const char *name) {
  struct stat st;
  return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode);
}

/* Removes the oldest copies set aside (names start with the time) until few enough are left. */
static void prune_bad(struct filo_store *store) {
  for (int left = BAD_KEPT + 1; left > BAD_KEPT;) {
    DIR *dir = filo_list_folder(store->bad_fd);
    if (!dir) return;
    char oldest[NAME_MAX + 1] = "";
    left = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
      if (!is_copy(store->bad_fd, entry->d_name)) continue;
      left++;
      if (!*oldest || strcmp(entry->d_name, oldest) < 0) strcpy(oldest, entry->d_name);
    }
    closedir(dir);
    if (left > BAD_KEPT && unlinkat(store->bad_fd, oldest, 0) < 0) return;
  }
}

static int move_to_bad(struct filo_store *store, const unsigned char ns[32], const char *path,
                       const struct filo_location *location, struct filo_error *err) {
  struct timespec now;
  char name[NAME_MAX + 1], hex[17];
  clock_gettime(CLOCK_REALTIME, &now);
  filo_hex(hex, ns, 8);
  snprintf(name, sizeof name, "%016llx-%s-%.*s",
           (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec, hex,
           BAD_NAME, location->name);
  if (renameat(location->fd, location->name, store->bad_fd, name) == 0) return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot move %s to %s/bad", path, store->root);
}

static int check_file(const struct filo_location *location, const char *path,
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
  int rc = find(store, ns, path, &location, err);
  if (rc < 0) return rc;
  rc = check_file(&location, path, wanted, err);
  if (rc == 0) rc = move_to_bad(store, ns, path, &location, err);
  if (rc == 0) filo_location_prune(&location, ns, path);
  filo_location_close(&location);
  return rc;
}

int filo_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                   const struct stat *wanted, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  int rc = set_aside(store, ns, path, wanted, err);
  if (rc == 0) prune_bad(store);
  pthread_mutex_unlock(&store->names);
  return rc;
}

int filo_store_set_aside(struct filo_store *store, const unsigned char ns[32], const char *path,
                         struct filo_error *err) {
  return filo_set_aside(store, ns, path, NULL, err);
}
