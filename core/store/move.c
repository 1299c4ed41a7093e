#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

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
  rc = move_into(store, ns, to, &location, err);
  if (rc == 0) filo_location_prune(&location, ns, from);
  filo_location_close(&location);
  return rc;
}

int filo_store_move(struct filo_store *store, const unsigned char ns[32], const char *from,
                    const char *to, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  bool packed = filo_location_is_packed(store, ns, from);
  int rc = packed ? 0 : move_file(store, ns, from, to, err);
  if (rc == 0 && filo_packed_any(store)) rc = filo_packed_move(store, ns, from, to, err);
  if (rc == FILO_NOT_FOUND && !packed) rc = 0;
  if (rc == 0) {
    filo_store_changed(store, ns, from);
    filo_store_changed(store, ns, to);
  }
  pthread_mutex_unlock(&store->names);
  return rc;
}
