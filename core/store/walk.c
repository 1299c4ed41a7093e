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
  bool paths;                     /* only where files lie is wanted */
  struct filo_packed_place place; /* of what is packed, which comes last */
  bool over;
  unsigned depth;
  struct level {
    DIR *dir;
    size_t path_len; /* of the folder, within path */
  } levels[LEVELS];
};

/* Goes down into a folder. One that is gone by now, or is something else, has nothing to show. */
static int enter(struct filo_walk *walk, int at, const char *name, size_t path_len,
                 struct filo_error *err) {
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), error = errno;
  if (fd < 0 && (error == ENOENT || error == ENOTDIR || error == ELOOP)) return 0;
  struct level level = {.path_len = path_len, .dir = fd < 0 ? NULL : fdopendir(fd)};
  if (fd >= 0) error = errno;
  if (level.dir) {
    walk->levels[walk->depth++] = level;
    return 0;
  }
  filo_close_fd(&fd);
  return filo_fail_errno(err, error, "cannot list %s/objects/%s", walk->store->root, name);
}

static void drop_level(struct filo_walk *walk) {
  closedir(walk->levels[--walk->depth].dir);
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
  while (walk->depth > 0) drop_level(walk);
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

/* Of what lies at the path; without a record. */
static void fill_entry(const struct filo_walk *walk, size_t path_len, int code,
                       struct filo_walk_entry *entry) {
  memset(entry, 0, sizeof *entry);
  memcpy(entry->path, walk->path, path_len);
  memcpy(entry->ns, walk->ns, sizeof entry->ns);
  entry->code = code;
}

/* True, with an entry, when the folder cannot be read; else what is in it comes next. */
static bool enter_or_tell(struct filo_walk *walk, int at, const char *name, size_t path_len,
                          struct filo_walk_entry *entry) {
  int rc = enter(walk, at, name, path_len, NULL);
  if (rc < 0) fill_entry(walk, path_len, rc, entry);
  return rc < 0;
}

/* What an open file says that lies where an entry does. trusted: no signature is checked. */
static int read_file(int fd, bool trusted, struct filo_walk_entry *entry) {
  struct filo_trailer trailer;
  int rc = filo_trailer_read(fd, entry->path, trusted, &trailer, NULL);
  if (rc < 0) return rc;
  if (memcmp(trailer.fields.ns, entry->ns, sizeof entry->ns) != 0) {
    filo_trailer_free(&trailer);
    return FILO_CORRUPT;
  }
  entry->fields = trailer.fields;
  entry->record = trailer.record;
  entry->record_len = trailer.record_len;
  entry->verified = filo_verified_at(fd);
  entry->has_bringer = filo_brought_by(fd, entry->bringer);
  return 0;
}

/* True, with an entry, unless the file is gone by now. */
static bool read_entry(struct filo_walk *walk, int at, const char *name,
                       struct filo_walk_entry *entry) {
  fill_entry(walk, strlen(walk->path), 0, entry);
  if (walk->paths) return true;
  FILO_AUTO_CLOSE int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int error = errno;
  if (fd < 0 && error == ENOENT) return false;
  entry->code = error == ELOOP ? FILO_CORRUPT : filo_fail_errno(NULL, error, "unreadable");
  if (fd >= 0) entry->code = read_file(fd, false, entry);
  return true;
}

int filo_store_folder(struct filo_store *store, const unsigned char ns[32], const char *path) {
  struct filo_location within;
  char name[FILO_PATH_MAX + 2];
  snprintf(name, sizeof name, "%s%s-", path, *path ? "/" : "");
  int rc = filo_location_open(store, ns, name, false, &within, NULL);
  if (rc == 0) filo_location_close(&within);
  return rc;
}

static bool is_link(struct filo_store *store, const unsigned char ns[32], const char *path) {
  struct filo_location location;
  struct stat st;
  if (filo_location_open(store, ns, path, false, &location, NULL) < 0) return false;
  bool found =
      fstatat(location.fd, location.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
  filo_location_close(&location);
  return found;
}

/* What is packed under a path where no file lies. */
static int read_packed(struct filo_store *store, bool trusted, struct filo_walk_entry *entry) {
  struct filo_packed_about about;
  FILO_AUTO_CLOSE int fd = -1;
  int rc = filo_packed_open_file(store, entry->ns, entry->path, &about, &fd, NULL);
  if (rc == 0) rc = read_file(fd, trusted, entry);
  if (rc < 0) return rc;
  entry->verified = about.verified;
  entry->has_bringer = about.has_bringer;
  memcpy(entry->bringer, about.bringer, sizeof entry->bringer);
  return 0;
}

void filo_store_examine(struct filo_store *store, const unsigned char ns[32], const char *path,
                        struct filo_walk_entry *entry) {
  memset(entry, 0, sizeof *entry);
  memcpy(entry->ns, ns, sizeof entry->ns);
  snprintf(entry->path, sizeof entry->path, "%s", path);
  FILO_AUTO_CLOSE int fd = -1;
  entry->code = filo_location_open_own_file(store, ns, path, &fd, NULL);
  if (entry->code == 0) entry->code = read_file(fd, true, entry);
  if (entry->code == FILO_NOT_FOUND) entry->code = read_packed(store, true, entry);
  if (entry->code == FILO_DENIED && is_link(store, ns, path)) entry->code = FILO_CORRUPT;
}

static bool enter_namespace(struct filo_walk *walk, int at, const char *name,
                            struct filo_walk_entry *entry) {
  unsigned char ns[FILO_ID_SIZE];
  if (strlen(name) != FILO_NS_DIGITS || filo_unhex(ns, name, sizeof ns) < 0) return false;
  memcpy(walk->ns, ns, sizeof ns);
  return enter_or_tell(walk, at, name, 0, entry);
}

static bool visit(struct filo_walk *walk, const struct dirent *found,
                  struct filo_walk_entry *entry) {
  const char *name = found->d_name;
  const struct level *level = &walk->levels[walk->depth - 1];
  int at = dirfd(level->dir);
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
  if (walk->all && walk->depth == 1) return enter_namespace(walk, at, name, entry);
  size_t len = append_name(walk, level->path_len, name);
  if (len == 0) return false;
  if (is_folder(at, found)) return enter_or_tell(walk, at, name, len, entry);
  return read_entry(walk, at, name, entry);
}

/* The end of a folder. True, with an entry, when there may be more in it. */
static bool leave(struct filo_walk *walk, int error, struct filo_walk_entry *entry) {
  size_t path_len = walk->levels[walk->depth - 1].path_len;
  drop_level(walk);
  if (!error || error == ENOENT) return false;
  fill_entry(walk, path_len, filo_fail_errno(NULL, error, "unreadable"), entry);
  return true;
}

static const struct dirent *next_name(struct level *level, int *error) {
  errno = 0;
  const struct dirent *found = readdir(level->dir);
  *error = errno;
  return found;
}

static void take_packed(struct filo_walk *walk, struct filo_walk_entry *entry) {
  const struct filo_packed_place *place = &walk->place;
  memset(entry, 0, sizeof *entry);
  memcpy(entry->ns, place->ns, sizeof entry->ns);
  memcpy(entry->path, place->path, sizeof entry->path);
  if (!walk->paths) entry->code = read_packed(walk->store, false, entry);
}

/* When there is no telling what comes next, that is the last. */
static bool next_packed(struct filo_walk *walk, struct filo_walk_entry *entry) {
  const struct filo_packed_place *place = &walk->place;
  while (!walk->over) {
    int rc = filo_packed_next(walk->store, walk->all ? NULL : walk->ns, &walk->place, NULL);
    walk->over = rc < 0;
    if (rc == FILO_NOT_FOUND) return false;
    if (rc < 0) {
      snprintf(walk->path, sizeof walk->path, "deletions");
      fill_entry(walk, strlen(walk->path), rc, entry);
      return true;
    }
    if (!filo_location_is_packed(walk->store, place->ns, place->path)) continue;
    take_packed(walk, entry);
    if (entry->code != FILO_NOT_FOUND) return true;
  }
  return false;
}

static bool next_entry(struct filo_walk *walk, bool paths, struct filo_walk_entry *entry) {
  bool got = false;
  walk->paths = paths;
  while (walk->depth > 0 && !got) {
    int error;
    const struct dirent *found = next_name(&walk->levels[walk->depth - 1], &error);
    got = found ? visit(walk, found, entry) : leave(walk, error, entry);
  }
  return got || next_packed(walk, entry);
}

bool filo_walk_next(struct filo_walk *walk, struct filo_walk_entry *entry) {
  return next_entry(walk, false, entry);
}

bool filo_walk_next_path(struct filo_walk *walk, struct filo_walk_entry *entry) {
  return next_entry(walk, true, entry);
}
