/* Each change of what lies below objects/ passes here, under the lock under which it became visible. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bytes.h"
#include "store/internal.h"

void filo_store_changed(struct filo_store *store, const unsigned char ns[32], const char *path) {
  if (store->observer.changed)
    store->observer.changed(store->observer.ctx, ns, path);
  else
    store->unobserved = true;
}

void filo_store_observe(struct filo_store *store, const struct filo_observer *observer) {
  pthread_mutex_lock(&store->names);
  store->observer = observer ? *observer : (struct filo_observer){0};
  pthread_mutex_unlock(&store->names);
}

void filo_store_leave_note(struct filo_store *store, const char *note) {
  pthread_mutex_lock(&store->names);
  memcpy(store->note, note, FILO_NOTE_DIGITS);
  pthread_mutex_unlock(&store->names);
}

/* Beside the owner: what lies there now. */
static int read_note(const struct filo_store *store, char note[FILO_NOTE_DIGITS + 1],
                     struct filo_error *err) {
  FILO_AUTO_CLOSE int fd = openat(store->root_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s/lock", store->root);
  }
  filo_root_read_note(fd, note);
  return 0;
}

int filo_store_take_note(struct filo_store *store, char note[FILO_NOTE_DIGITS + 1],
                         struct filo_error *err) {
  note[0] = 0;
  if (store->readonly) return read_note(store, note, err);
  if (!store->note_found[0]) return 0;
  if (fdatasync(store->lock_fd) < 0) { /* it was emptied when it was locked */
    int error = errno;
    return filo_fail_errno(err, error, "cannot flush %s/lock", store->root);
  }
  pthread_mutex_lock(&store->names);
  if (!store->unobserved && !filo_packed_is_lost(store)) strcpy(note, store->note_found);
  store->note_found[0] = 0;
  pthread_mutex_unlock(&store->names);
  return 0;
}
