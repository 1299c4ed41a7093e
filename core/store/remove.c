#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/internal.h"

static int check_open_version(int fd, const char *label, uint64_t version, struct filo_error *err) {
  struct filo_trailer trailer;
  int rc = filo_trailer_read(fd, label, true, &trailer, err);
  if (rc < 0) return rc;
  uint64_t there = trailer.fields.version;
  filo_trailer_free(&trailer);
  if (there == version) return 0;
  return filo_fail(err, there > version ? FILO_EXISTS : FILO_NOT_FOUND,
                   "version %llu is at %s, not %llu", (unsigned long long)there, label,
                   (unsigned long long)version);
}

static int check_version(const struct filo_location *location, const char *label, uint64_t version,
                         struct filo_error *err) {
  FILO_AUTO_CLOSE int fd =
      openat(location->fd, location->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0) return check_open_version(fd, label, version, err);
  int error = errno;
  return filo_fail_errno(err, error, "cannot see what is at %s", label);
}

static int take_away(struct filo_store *store, const struct filo_location *location,
                     const unsigned char ns[32], const char *path, const char *label,
                     uint64_t version, int *kept_in, struct filo_error *err) {
  int rc = version ? check_version(location, label, version, err) : 0;
  if (rc == 0)
    rc = filo_packed_forget(store, ns, path, err); /* one from before would count again */
  if (rc == 0 && kept_in) rc = filo_old_move_in(store, location, ns, kept_in, err);
  if (rc < 0 || (kept_in && *kept_in >= 0)) return rc;
  if (unlinkat(location->fd, location->name, 0) == 0) return 0;
  int error = errno;
  if (error == ENOENT || error == EISDIR)
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s", label);
  return filo_fail_errno(err, error, "cannot remove %s", label);
}

int filo_location_find(struct filo_store *store, const unsigned char ns[32], const char *path,
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

/* Under names. */
static int remove_packed(struct filo_store *store, const unsigned char ns[32], const char *path,
                         uint64_t version, struct filo_error *err) {
  FILO_AUTO_FREE char *label = filo_location_label(store, ns, path);
  FILO_AUTO_CLOSE int fd = -1;
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_packed_open_file(store, ns, path, NULL, &fd, err);
  if (rc == 0 && version) rc = check_open_version(fd, label ? label : path, version, err);
  if (rc == 0) rc = filo_packed_forget(store, ns, path, err);
  if (rc == 0) filo_store_changed(store, ns, path);
  return rc;
}

int filo_store_remove(struct filo_store *store, const unsigned char ns[32], const char *path,
                      uint64_t version, bool keep, struct filo_error *err) {
  struct filo_location location;
  pthread_mutex_lock(&store->names);
  if (filo_location_is_packed(store, ns, path)) {
    int removed = remove_packed(store, ns, path, version, err);
    pthread_mutex_unlock(&store->names);
    return removed;
  }
  int rc = filo_location_find(store, ns, path, &location, err);
  if (rc < 0) {
    pthread_mutex_unlock(&store->names);
    return rc;
  }
  FILO_AUTO_FREE char *label = filo_location_label(store, ns, path);
  FILO_AUTO_CLOSE int kept_in = -1;
  rc = label ? take_away(store, &location, ns, path, label, version, keep ? &kept_in : NULL, err)
             : filo_fail(err, FILO_NO_MEMORY, "no memory to remove an object");
  if (rc == 0) filo_store_changed(store, ns, path);
  if (rc == 0) filo_location_prune(&location, ns, path);
  pthread_mutex_unlock(&store->names);
  int error = 0;
  if (rc == 0 && store->durability != FILO_DURABLE_NONE) {
    if (kept_in >= 0 && fsync(kept_in) < 0) error = errno;
    if (!error) error = filo_location_flush(&location, 0);
  }
  filo_location_close(&location);
  return error ? filo_fail_errno(err, error, "cannot flush the removal of %s", label) : rc;
}
