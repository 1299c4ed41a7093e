/* Nodes that have taken copies of the owner's objects: an empty file for each, so that one is added
 * at once or not at all, and a person may remove one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/internal.h"

enum { ID_DIGITS = 2 * FILO_ID_SIZE };

static const char folder_name[] = "holders";

static int open_folder(const struct filo_store *store, bool make) {
  bool made = make && mkdirat(store->root_fd, folder_name, 0700) == 0;
  if (made && fsync(store->root_fd) < 0) return -1;
  return openat(store->root_fd, folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int add_name(const struct filo_store *store, const char *name) {
  FILO_AUTO_CLOSE int folder = open_folder(store, true);
  if (folder < 0) return -1;
  FILO_AUTO_CLOSE int file =
      openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  return file < 0 ? -1 : fsync(folder);
}

int filo_store_add_holder(const struct filo_store *store, const unsigned char id[FILO_ID_SIZE],
                          struct filo_error *err) {
  int rc = filo_store_check_writable(store, err);
  if (rc < 0) return rc;
  char name[ID_DIGITS + 1];
  filo_hex(name, id, FILO_ID_SIZE);
  if (add_name(store, name) == 0) return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot write to %s/%s", store->root, folder_name);
}

static bool is_id(const char *name) {
  return strlen(name) == ID_DIGITS && strspn(name, "0123456789abcdef") == ID_DIGITS;
}

/* As many IDs as there is room for, and how many there are; gives an errno, or 0. */
static int read_names(DIR *dir, unsigned char (*ids)[FILO_ID_SIZE], size_t room, size_t *count) {
  while (true) {
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (!entry) return errno;
    if (!is_id(entry->d_name)) continue;
    if (*count < room) filo_unhex(ids[*count], entry->d_name, FILO_ID_SIZE);
    (*count)++;
  }
}

int filo_store_holders(const struct filo_store *store, unsigned char (*ids)[FILO_ID_SIZE],
                       size_t room, size_t *count, struct filo_error *err) {
  FILO_AUTO_CLOSE int folder = open_folder(store, false);
  int error = errno;
  *count = 0;
  if (folder < 0 && error == ENOENT) return 0;
  if (folder < 0 && (error == ENOTDIR || error == ELOOP))
    return filo_fail(err, FILO_IO, "%s/%s is no folder: remove it", store->root, folder_name);
  DIR *dir = folder < 0 ? NULL : filo_list_folder(folder);
  if (dir) {
    error = read_names(dir, ids, room, count);
    closedir(dir);
  } else if (folder >= 0) {
    error = errno;
  }
  if (dir && error == 0) return 0;
  return filo_fail_errno(err, error, "cannot list %s/%s", store->root, folder_name);
}
