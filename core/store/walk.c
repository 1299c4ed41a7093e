#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/internal.h"

/* The namespaces' folder, a namespace, then at most every second byte of a path is a slash. */
enum { LEVELS = 2 + FILO_PATH_MAX / 2 };

struct filo_walk {
  struct filo_store *store;
  bool all; /* namespaces; otherwise level 0 is the namespace's folder */
  unsigned char ns[FILO_ID_SIZE];
  char path[FILO_PATH_MAX];
  unsigned depth;
  struct {
    DIR *dir;
    size_t path_len; /* of the folder, within path */
  } levels[LEVELS];
};

/* Goes down into a folder. One that is gone by now, or became something else, has nothing to show.
 */
static int enter(struct filo_walk *walk, int at, const char *name, size_t path_len,
                 struct filo_error *err) {
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), error = errno;
  if (fd < 0 && (error == ENOENT || error == ENOTDIR || error == ELOOP)) return 0;
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (dir) {
    walk->levels[walk->depth].dir = dir;
    walk->levels[walk->depth++].path_len = path_len;
    return 0;
  }
  if (fd >= 0) error = errno;
  filo_close_fd(&fd);
  return filo_fail_errno(err, error, "cannot list %s/objects/%s", walk->store->root, name);
}

int filo_walk_new(struct filo_store *store, const unsigned char *ns, struct filo_walk **ret,
                  struct filo_error *err) {
  struct filo_walk *walk = calloc(1, sizeof *walk);
  if (!walk) return filo_fail(err, FILO_NO_MEMORY, "no memory to list objects");
  walk->store = store;
  walk->all = !ns;
  char name[FILO_NS_DIGITS + 1] = ".";
  if (ns) {
    memcpy(walk->ns, ns, sizeof walk->ns);
    filo_hex(name, ns, FILO_ID_SIZE);
  }
  int rc = enter(walk, store->objects_fd, name, 0, err);
  if (rc < 0) {
    filo_walk_free(walk);
    return rc;
  }
  *ret = walk;
  return 0;
}

void filo_walk_free(struct filo_walk *walk) {
  if (!walk) return;
  while (walk->depth > 0) closedir(walk->levels[--walk->depth].dir);
  free(walk);
}

static bool is_folder(int at, const struct dirent *found) {
  if (found->d_type != DT_UNKNOWN) return found->d_type == DT_DIR;
  struct stat st;
  return fstatat(at, found->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Appends a name to the path; 0 when the store can have put nothing there. */
static size_t append_name(struct filo_walk *walk, size_t path_len, const char *name) {
  char *end = walk->path + path_len;
  size_t room = sizeof walk->path - path_len, len = strlen(name) + (path_len > 0);
  if (len >= room) return 0;
  snprintf(end, room, "%s%s", path_len ? "/" : "", name);
  return filo_path_check(walk->path, path_len + len, NULL) < 0 ? 0 : path_len + len;
}

/* 1 and an entry, or 0 when the file is gone by now. */
static int read_entry(struct filo_walk *walk, int at, const char *name,
                      struct filo_walk_entry *entry) {
  FILO_AUTO_CLOSE int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int error = errno;
  if (fd < 0 && error == ENOENT) return 0;
  struct filo_end end;
  int rc = error == ELOOP ? FILO_CORRUPT : filo_fail_errno(NULL, error, "unreadable");
  if (fd >= 0) rc = filo_end_read(fd, walk->path, false, &end, NULL);
  if (rc == 0 && memcmp(end.fields.ns, walk->ns, sizeof walk->ns) != 0) {
    filo_end_free(&end);
    rc = FILO_CORRUPT;
  }
  memset(entry, 0, sizeof *entry);
  strcpy(entry->path, walk->path);
  memcpy(entry->ns, walk->ns, sizeof entry->ns);
  entry->code = rc;
  if (rc == 0) {
    entry->fields = end.fields;
    entry->record = end.record;
    entry->record_len = end.record_len;
  }
  return 1;
}

static int enter_namespace(struct filo_walk *walk, int at, const char *name,
                           struct filo_error *err) {
  unsigned char ns[FILO_ID_SIZE];
  if (strlen(name) != FILO_NS_DIGITS || filo_unhex(ns, name, sizeof ns) < 0) return 0;
  memcpy(walk->ns, ns, sizeof ns);
  return enter(walk, at, name, 0, err);
}

static int visit(struct filo_walk *walk, const struct dirent *found, struct filo_walk_entry *entry,
                 struct filo_error *err) {
  const char *name = found->d_name;
  int at = dirfd(walk->levels[walk->depth - 1].dir);
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
  if (walk->all && walk->depth == 1) return enter_namespace(walk, at, name, err);
  size_t len = append_name(walk, walk->levels[walk->depth - 1].path_len, name);
  if (len == 0) return 0;
  return is_folder(at, found) ? enter(walk, at, name, len, err) : read_entry(walk, at, name, entry);
}

int filo_walk_next(struct filo_walk *walk, struct filo_walk_entry *entry, struct filo_error *err) {
  while (walk->depth > 0) {
    DIR *dir = walk->levels[walk->depth - 1].dir;
    errno = 0;
    const struct dirent *found = readdir(dir);
    int error = errno;
    if (!found) {
      closedir(dir);
      walk->depth--;
      if (error && error != ENOENT)
        return filo_fail_errno(err, error, "cannot list a folder in %s/objects", walk->store->root);
      continue;
    }
    int rc = visit(walk, found, entry, err);
    if (rc != 0) return rc;
  }
  return 0;
}
