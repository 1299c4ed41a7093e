/* Nothing below objects/ is reached through a symbolic link. openat2 says so in one call; where it
 * is missing (or a sandbox forbids it), the path is walked folder by folder. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "bytes.h"
#include "store/folders.h"
#include "store/internal.h"

enum { FULL_MAX = FILO_NS_DIGITS + 1 + FILO_PATH_MAX, FOLDER = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static int open_how(int fd, const char *path, int flags, unsigned resolve) {
  struct open_how how = {.flags = (unsigned)flags,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
                                    resolve};
  return (int)syscall(SYS_openat2, fd, path, &how, sizeof how);
}

static int open_beneath(int fd, const char *path, int flags) {
  return open_how(fd, path, flags, 0);
}

static int full_path(char out[FULL_MAX], const unsigned char ns[32], const char *path,
                     struct filo_error *err) {
  int rc = filo_path_check(path, strnlen(path, FILO_PATH_MAX), err);
  if (rc < 0) return rc;
  filo_hex(out, ns, FILO_ID_SIZE);
  out[FILO_NS_DIGITS] = '/';
  strcpy(out + FILO_NS_DIGITS + 1, path);
  return 0;
}

char *filo_location_label(const struct filo_store *store, const unsigned char ns[32],
                          const char *path) {
  char *label = malloc(strlen(store->root) + sizeof "/objects//" + FILO_NS_DIGITS + strlen(path));
  if (!label) return NULL;
  char *end = stpcpy(stpcpy(label, store->root), "/objects/");
  filo_hex(end, ns, FILO_ID_SIZE);
  end[FILO_NS_DIGITS] = '/';
  strcpy(end + FILO_NS_DIGITS + 1, path);
  return label;
}

static int open_failed(const struct filo_store *store, const char *full, int error,
                       struct filo_error *err) {
  if (error == ELOOP)
    return filo_fail(err, FILO_DENIED,
                     "%s/objects/%s goes through a symbolic link; the store follows none",
                     store->root, full);
  if (error == ENOTDIR)
    return filo_fail(err, FILO_INVALID, "%s/objects/%s: an object lies where it needs a folder",
                     store->root, full);
  return filo_fail_errno(err, error, "cannot open %s/objects/%s", store->root, full);
}

static bool needs_walk(int error, bool make) {
  return error == ENOSYS || error == EPERM || error == EAGAIN || (error == ENOENT && make);
}

int filo_location_open(struct filo_store *store, const unsigned char ns[32], const char *path,
                       bool make, struct filo_location *ret, struct filo_error *err) {
  char full[FULL_MAX];
  int rc = full_path(full, ns, path, err);
  if (rc < 0) return rc;
  char *slash = strrchr(full, '/');
  *slash = 0;
  unsigned made = 0, depth = 1;
  for (const char *p = full; *p; p++) depth += *p == '/';
  int fd = open_beneath(store->objects_fd, full, FOLDER);
  if (fd < 0 && needs_walk(errno, make))
    fd = filo_folders_open(store->objects_fd, full, 0700, make ? &made : NULL);
  if (fd < 0) {
    int error = errno;
    return open_failed(store, full, error, err);
  }
  *ret = (struct filo_location){
      .fd = fd, .name = path + (slash - full - FILO_NS_DIGITS), .depth = depth, .made = made};
  return 0;
}

void filo_location_close(struct filo_location *location) {
  filo_close_fd(&location->fd);
  location->fd = -1;
}

int filo_location_flush(const struct filo_location *location, unsigned levels) {
  int fd = location->fd, failed = fsync(fd);
  for (; !failed && levels > 0; levels--) {
    int parent = openat(fd, "..", FOLDER), error = errno;
    if (fd != location->fd) close(fd);
    fd = parent;
    /* A folder that was removed meanwhile has no parent, and nothing to keep. */
    if (fd < 0) return error == ENOENT ? 0 : error;
    failed = fsync(fd);
  }
  int error = failed ? errno : 0;
  if (fd != location->fd) close(fd);
  return error;
}

void filo_location_prune(struct filo_location *location, const unsigned char ns[32],
                         const char *path) {
  char full[FULL_MAX];
  if (full_path(full, ns, path, NULL) < 0) return;
  for (*strrchr(full, '/') = 0; location->depth > 0; location->depth--) {
    char *slash = strrchr(full, '/');
    int parent = openat(location->fd, "..", FOLDER);
    if (parent < 0) return;
    if (unlinkat(parent, slash ? slash + 1 : full, AT_REMOVEDIR) < 0) {
      close(parent);
      return;
    }
    close(location->fd);
    location->fd = parent;
    if (slash) *slash = 0;
  }
}

static int open_at_location(struct filo_store *store, const unsigned char ns[32], const char *path,
                            int flags) {
  struct filo_location location;
  if (filo_location_open(store, ns, path, false, &location, NULL) < 0) return -1;
  int fd = openat(location.fd, location.name, flags | O_NOFOLLOW), error = errno;
  filo_location_close(&location);
  errno = error;
  return fd;
}

int filo_location_open_own_file(struct filo_store *store, const unsigned char ns[32],
                                const char *path, int *ret_fd, struct filo_error *err) {
  char full[FULL_MAX];
  int rc = full_path(full, ns, path, err);
  if (rc < 0) return rc;
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK; /* a FIFO must not hang the reader */
  int fd = open_beneath(store->objects_fd, full, flags);
  if (fd < 0 && needs_walk(errno, false)) fd = open_at_location(store, ns, path, flags);
  int error = errno;
  if (fd < 0 && (error == ENOENT || error == ENOTDIR))
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s/objects/%s", store->root, full);
  if (fd < 0) return open_failed(store, full, error, err);
  *ret_fd = fd;
  return 0;
}

static bool is_folder(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

int filo_location_open_file(struct filo_store *store, const unsigned char ns[32], const char *path,
                            int *ret_fd, struct filo_error *err) {
  int rc = filo_location_open_own_file(store, ns, path, ret_fd, err), fd = -1;
  if (!filo_packed_any(store) || (rc < 0 && rc != FILO_NOT_FOUND)) return rc;
  if (rc == 0 && !is_folder(*ret_fd)) return 0;
  int packed = filo_packed_open_file(store, ns, path, NULL, &fd, err);
  if (packed == FILO_NOT_FOUND) return rc;
  if (rc == 0) close(*ret_fd);
  *ret_fd = fd;
  return packed;
}

enum at { NOTHING, IN_THE_WAY, A_FOLDER, A_FILE, UNKNOWN };

/* ENOTDIR: an object lies where it needs a folder. */
static enum at look(struct filo_store *store, const unsigned char ns[32], const char *path) {
  char full[FULL_MAX];
  if (full_path(full, ns, path, NULL) < 0) return UNKNOWN;
  const int flags = O_PATH | O_CLOEXEC;
  int fd = open_beneath(store->objects_fd, full, flags);
  if (fd < 0 && needs_walk(errno, false)) fd = open_at_location(store, ns, path, flags);
  if (fd < 0) return errno == ENOENT ? NOTHING : errno == ENOTDIR ? IN_THE_WAY : UNKNOWN;
  enum at found = is_folder(fd) ? A_FOLDER : A_FILE;
  close(fd);
  return found;
}

bool filo_location_is_free(struct filo_store *store, const unsigned char ns[32], const char *path) {
  return look(store, ns, path) == NOTHING && !filo_packed_has(store, ns, path);
}

bool filo_location_is_packed(struct filo_store *store, const unsigned char ns[32],
                             const char *path) {
  if (!filo_packed_any(store)) return false;
  enum at found = look(store, ns, path);
  return found != A_FILE && found != UNKNOWN && filo_packed_has(store, ns, path);
}

/* Noting when it was read could make the opener wait for the disk. */
int filo_location_open_cached(struct filo_store *store, const unsigned char ns[32],
                              const char *path, int *ret_fd, struct filo_error *err) {
  char full[FULL_MAX];
  int rc = full_path(full, ns, path, err);
  if (rc < 0) return rc;
  int fd = open_how(store->objects_fd, full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME,
                    RESOLVE_CACHED);
  if (fd < 0 && errno == ENOENT && !filo_packed_any(store))
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s/objects/%s", store->root, full);
  if (fd < 0) return FILO_BUSY;
  *ret_fd = fd;
  return 0;
}

DIR *filo_list_folder(int fd) {
  int copy = openat(fd, ".", FOLDER);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  int error = errno;
  if (!dir && copy >= 0) close(copy);
  errno = error;
  return dir;
}
