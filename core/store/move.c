#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

static int move_into(struct filo_store *store, const unsigned char ns[32], const char *to,
                     const struct filo_location *from, struct filo_error *err) {
  struct filo_location location;
  int rc = filo_location_open(store, ns, to, true, &location, err);
  if (rc < 0) return rc;
  int moved =
      renameat2(from->fd, from->name, location.fd, location.name, RENAME_NOREPLACE) < 0 ? errno : 0;
  if (moved) filo_location_prune(&location, ns, to);
  filo_location_close(&location);
  if (moved == EEXIST) return filo_fail(err, FILO_EXISTS, "something lies at %s already", to);
  return moved ? filo_fail_errno(err, moved, "cannot move an object to %s", to) : 0;
}

static int move_file(struct filo_store *store, const unsigned char ns[32], const char *from,
                     const char *to, struct filo_error *err) {
  struct filo_location location;
  int rc = filo_location_find(store, ns, from, &location, err);
  if (rc < 0) return rc;
  if (filo_packed_has(store, ns, to))
    rc = filo_fail(err, FILO_EXISTS, "something lies at %s already", to);
  if (rc == 0) rc = filo_packed_forget(store, ns, from, err); /* it would count again */
  if (rc == 0) rc = move_into(store, ns, to, &location, err);
  if (rc == 0) filo_location_prune(&location, ns, from);
  filo_location_close(&location);
  return rc;
}

static int move_packed(struct filo_store *store, const unsigned char ns[32], const char *from,
                       const char *to, struct filo_error *err) {
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_path_check(to, strnlen(to, FILO_PATH_MAX), err);
  if (rc == 0 && !filo_location_is_free(store, ns, to))
    rc = filo_fail(err, FILO_EXISTS, "something lies at %s already", to);
  return rc < 0 ? rc : filo_packed_move(store, ns, from, to, err);
}

int filo_store_move(struct filo_store *store, const unsigned char ns[32], const char *from,
                    const char *to, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  bool packed = filo_location_is_packed(store, ns, from);
  int rc = packed ? move_packed(store, ns, from, to, err) : move_file(store, ns, from, to, err);
  if (rc == 0) {
    filo_store_changed(store, ns, from);
    filo_store_changed(store, ns, to);
  }
  pthread_mutex_unlock(&store->names);
  return rc;
}
