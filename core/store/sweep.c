/* What earlier processes left. Drafts are removed: from tmp/, and in the root itself those of private
 * files (crypto/private_file), which hold keys. A partial stays for some days, since it may be
 * resumed, and takes no room for what it lacks: a process that was killed had taken it all. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/internal.h"

static bool is_resumable(int fd, struct stat *st) {
  return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size > 0 && !filo_part_is_old(st);
}

/* Blocks in holes, and beyond the end. The file stays as old as what came last. */
static void give_back(int fd, const struct stat *st) {
  off_t hole = 0, data;
  for (; (hole = lseek(fd, hole, SEEK_HOLE)) >= 0 && hole < st->st_size; hole = data) {
    data = lseek(fd, hole, SEEK_DATA);
    if (data < 0) data = st->st_size;
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, hole, data - hole);
  }
  if (ftruncate(fd, st->st_size) < 0) return;
  futimens(fd, (const struct timespec[]){{.tv_nsec = UTIME_OMIT}, st->st_mtim});
}

static bool keep(struct filo_store *store, const char *name) {
  if (!filo_is_part(name)) return false;
  FILO_AUTO_CLOSE int fd =
      openat(store->tmp_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno != ELOOP;
  struct stat st;
  if (!is_resumable(fd, &st)) return false;
  give_back(fd, &st);
  if (fstat(fd, &st) == 0) filo_parts_found(store, name, &st);
  return true;
}

/* NAME.<16 hex digits> */
static bool is_private_draft(const char *name) {
  enum { DIGITS = 16 };
  size_t len = strlen(name);
  return len > DIGITS + 1 && name[len - DIGITS - 1] == '.' &&
         strspn(name + len - DIGITS, "0123456789abcdef") == DIGITS;
}

static void sweep_private(const struct filo_store *store) {
  DIR *dir = filo_list_folder(store->root_fd);
  const struct dirent *entry;
  while (dir && (entry = readdir(dir)))
    if (is_private_draft(entry->d_name)) unlinkat(store->root_fd, entry->d_name, 0);
  if (dir) closedir(dir);
}

int filo_root_sweep(struct filo_store *store, struct filo_error *err) {
  sweep_private(store);
  DIR *dir = filo_list_folder(store->tmp_fd);
  if (!dir) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot list %s/tmp", store->root);
  }
  const struct dirent *entry;
  while ((entry = readdir(dir)))
    if (entry->d_name[0] != '.' && !keep(store, entry->d_name))
      unlinkat(store->tmp_fd, entry->d_name, 0);
  closedir(dir);
  return 0;
}
