/* Marks: what the owner of a root tells those that read it beside. Each is a lock on a byte of the
 * file `lock` (of its open description: fcntl(2), F_OFD_SETLK), which goes with the process, however
 * that ends, and which others look at without taking it. */
#include <fcntl.h>
#include <string.h>

#include "bytes.h"
#include "store/internal.h"

static struct flock byte_of(enum filo_mark mark, short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = mark, .l_len = 1};
}

void filo_store_mark(struct filo_store *store, enum filo_mark mark, bool on) {
  if (store->readonly) return;
  struct flock lock = byte_of(mark, on ? F_WRLCK : F_UNLCK);
  (void)!fcntl(store->lock_fd, F_OFD_SETLK, &lock);
}

bool filo_store_marked(const struct filo_store *store, enum filo_mark mark) {
  FILO_AUTO_CLOSE int fd = openat(store->root_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct flock lock = byte_of(mark, F_RDLCK);
  return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
