/* A root is taken in this order: look whether it is ours (writing nothing into a folder that is
 * not), lock, look again (another process may just have made it), write the marker, then the
 * folders. A kill in between leaves a root that opens. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/internal.h"
#include "trust.h"

static const char marker_name[] = "filo-root", marker_draft[] = "filo-root.new",
                  lock_name[] = "lock";
static const char marker_start[] = "filo root v2\nowner ", layout_start[] = "layout ";
static const char closed[] = "closed"; /* and, after a space, the note that is left */

enum {
  OWNER_AT = sizeof marker_start - 1,
  MARKER_SIZE = OWNER_AT + FILO_NS_DIGITS + 1,
  LAYOUT_AT = sizeof layout_start - 1,
  MARKER_MAX = MARKER_SIZE + LAYOUT_AT + FILO_LAYOUT_MAX + 1
};

/* --- the folder itself --- */

static int make_parents(const char *root) {
  FILO_AUTO_FREE char *path = strdup(root);
  if (!path) return -1;
  for (char *p = path + 1; *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) return -1;
    *p = '/';
  }
  return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int make_folder(const char *root, struct filo_error *err) {
  if (mkdir(root, 0700) == 0 || errno == EEXIST || (errno == ENOENT && make_parents(root) == 0))
    return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot make the root %s", root);
}

static int open_folder(struct filo_store *store, struct filo_error *err) {
  store->root_fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (store->root_fd >= 0) return 0;
  int error = errno;
  if (error == ENOTDIR)
    return filo_fail(err, FILO_DENIED, "the root %s is not a folder", store->root);
  return filo_fail_errno(err, error, "cannot open the root %s", store->root);
}

/* What a root that was begun may hold before its marker is there: also an identity whose saving was
 * interrupted. */
static bool is_ours(const char *name) {
  return strcmp(name, lock_name) == 0 || strcmp(name, marker_draft) == 0 ||
         strcmp(name, "identity") == 0 || strncmp(name, "identity.", strlen("identity.")) == 0;
}

static bool is_nothing(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

/* Of a folder without a marker: FILO_ROOT_EMPTY or FILO_ROOT_BEGUN. */
static int look_inside(const struct filo_store *store, enum filo_root_state *ret,
                       struct filo_error *err) {
  DIR *dir = filo_list_folder(store->root_fd);
  if (!dir) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot list the root %s", store->root);
  }
  const struct dirent *entry;
  *ret = FILO_ROOT_EMPTY;
  while ((entry = readdir(dir)) && (is_nothing(entry->d_name) || is_ours(entry->d_name)))
    if (is_ours(entry->d_name)) *ret = FILO_ROOT_BEGUN;
  int rc = 0;
  if (entry)
    rc = filo_fail(err, FILO_DENIED,
                   "the folder %s has content (%.64s) but no marker %s: if its disk is mounted and "
                   "it really is the root, restore the marker; otherwise choose another root",
                   store->root, entry->d_name, marker_name);
  closedir(dir);
  return rc;
}

static int check_empty(const struct filo_store *store, struct filo_error *err) {
  enum filo_root_state state;
  return look_inside(store, &state, err);
}

static int look(const struct filo_store *store, enum filo_root_state *ret, struct filo_error *err) {
  *ret = FILO_ROOT_MADE;
  if (faccessat(store->root_fd, marker_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  return look_inside(store, ret, err);
}

int filo_store_look(const char *root, enum filo_root_state *ret, struct filo_error *err) {
  struct filo_store probe = {.root = (char *)root, .root_fd = -1};
  *ret = FILO_ROOT_EMPTY;
  if (access(root, F_OK) < 0) {
    int error = errno;
    return error == ENOENT ? 0 : filo_fail_errno(err, error, "cannot open the root %s", root);
  }
  int code = open_folder(&probe, err);
  if (code == 0) code = look(&probe, ret, err);
  filo_close_fd(&probe.root_fd);
  return code;
}

/* Who can put another identity into a root decides who reads what is stored in it. */
static int check_trust(const struct filo_store *store, struct filo_error *err) {
  struct stat status;
  if (fstat(store->root_fd, &status) == 0) return filo_trust_status(&status, store->root, err);
  int error = errno;
  return filo_fail_errno(err, error, "cannot look at the root %s", store->root);
}

static int open_lock(struct filo_store *store, struct filo_error *err) {
  store->lock_fd =
      openat(store->root_fd, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (store->lock_fd >= 0) return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot write %s/%s", store->root, lock_name);
}

int filo_store_prepare(const char *root, struct filo_error *err) {
  struct filo_store begun = {.root = (char *)root, .root_fd = -1, .lock_fd = -1};
  enum filo_root_state state;
  int code = make_folder(root, err);
  if (code == 0) code = filo_store_look(root, &state, err);
  if (code == 0) code = open_folder(&begun, err);
  if (code == 0) code = open_lock(&begun, err);
  filo_close_fd(&begun.lock_fd);
  filo_close_fd(&begun.root_fd);
  return code;
}

/* --- the marker --- */

static void marker_text(char text[MARKER_MAX + 1], const unsigned char owner[FILO_ID_SIZE],
                        const char *layout) {
  memcpy(text, marker_start, OWNER_AT);
  filo_hex(text + OWNER_AT, owner, FILO_ID_SIZE);
  memcpy(text + MARKER_SIZE - 1, "\n", 2);
  if (*layout) sprintf(text + MARKER_SIZE, "%s%s\n", layout_start, layout);
}

/* The line after the owner's, where there is one; false when it is another. */
static bool read_layout(const char *line, char layout[FILO_LAYOUT_MAX + 1]) {
  size_t len = strlen(line);
  *layout = 0;
  if (len == 0) return true;
  if (len <= LAYOUT_AT + 1 || memcmp(line, layout_start, LAYOUT_AT) != 0 ||
      strchr(line, '\n') != line + len - 1)
    return false;
  memcpy(layout, line + LAYOUT_AT, len - LAYOUT_AT - 1);
  layout[len - LAYOUT_AT - 1] = 0;
  return true;
}

/* What a marker says. */
struct marker {
  char owner[FILO_NS_DIGITS + 1], layout[FILO_LAYOUT_MAX + 1];
};

static bool parse_marker(const char *text, size_t len, struct marker *ret) {
  if (len < MARKER_SIZE || len > MARKER_MAX || memcmp(text, marker_start, OWNER_AT) != 0 ||
      text[MARKER_SIZE - 1] != '\n')
    return false;
  memcpy(ret->owner, text + OWNER_AT, FILO_NS_DIGITS);
  ret->owner[FILO_NS_DIGITS] = 0;
  return read_layout(text + MARKER_SIZE, ret->layout);
}

/* Of the root that a text is the marker of; 0: it is none. */
static long format_of(const char *text) {
  size_t start = strlen("filo root v");
  return memcmp(text, marker_start, start) == 0 ? strtol(text + start, NULL, 10) : 0;
}

/* 1 when the marker is there, 0 when there is none. */
static int read_marker(const struct filo_store *store, struct marker *ret, struct filo_error *err) {
  FILO_AUTO_CLOSE int fd =
      openat(store->root_fd, marker_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int error = errno;
  if (fd < 0 && error == ENOENT) return 0;
  if (fd < 0) return filo_fail_errno(err, error, "cannot read %s/%s", store->root, marker_name);
  char text[MARKER_MAX + 2] = "";
  ssize_t len = read(fd, text, MARKER_MAX + 1);
  error = errno;
  if (len < 0) return filo_fail_errno(err, error, "cannot read %s/%s", store->root, marker_name);
  if (parse_marker(text, (size_t)len, ret)) return 1;
  long format = format_of(text);
  if (format && format != format_of(marker_start))
    return filo_fail(err, FILO_UNSUPPORTED,
                     "the root %s has format %ld, this Filo knows %ld only: use that which made it",
                     store->root, format, format_of(marker_start));
  return filo_fail(err, FILO_CORRUPT, "%s/%s is no marker of a Filo root", store->root,
                   marker_name);
}

/* As read_marker; FILO_DENIED when it is another owner's. */
static int check_marker(struct filo_store *store, struct filo_error *err) {
  struct marker marker;
  char owner[FILO_NS_DIGITS + 1];
  int found = read_marker(store, &marker, err);
  if (found <= 0) return found;
  strcpy(store->layout, marker.layout);
  filo_hex(owner, store->owner, FILO_ID_SIZE);
  if (strcmp(marker.owner, owner) == 0) return 1;
  return filo_fail(err, FILO_DENIED,
                   "the root %s belongs to node %s, not to %s: use that node's identity, or "
                   "choose another root",
                   store->root, marker.owner, owner);
}

int filo_store_marker(const char *root, char owner[2 * FILO_ID_SIZE + 1],
                      char layout[FILO_LAYOUT_MAX + 1], struct filo_error *err) {
  struct filo_store probe = {.root = (char *)root, .root_fd = -1};
  struct marker marker;
  int rc = open_folder(&probe, err);
  if (rc == 0) rc = read_marker(&probe, &marker, err);
  filo_close_fd(&probe.root_fd);
  if (rc < 0) return rc;
  if (rc == 0) return filo_fail(err, FILO_NOT_FOUND, "there is no root of a node at %s", root);
  strcpy(owner, marker.owner);
  strcpy(layout, marker.layout);
  return 0;
}

int filo_root_write_marker(const struct filo_store *store, struct filo_error *err) {
  char text[MARKER_MAX + 1];
  marker_text(text, store->owner, store->layout);
  ssize_t size = (ssize_t)strlen(text);
  FILO_AUTO_CLOSE int fd = openat(store->root_fd, marker_draft,
                                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  FILO_AUTO_CLOSE int parent = openat(store->root_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  errno = EIO; /* for a short write, which sets none */
  if (fd >= 0 && write(fd, text, (size_t)size) == size && fsync(fd) == 0 &&
      renameat(store->root_fd, marker_draft, store->root_fd, marker_name) == 0 &&
      fsync(store->root_fd) == 0 && (parent < 0 || fsync(parent) == 0))
    return 0;
  int error = errno;
  unlinkat(store->root_fd, marker_draft, 0);
  return filo_fail_errno(err, error, "cannot write %s/%s", store->root, marker_name);
}

const char *filo_store_layout(const struct filo_store *store) {
  return store->layout;
}

int filo_store_set_layout(struct filo_store *store, const char *layout, struct filo_error *err) {
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_packed_end_moving(store, err);
  if (rc < 0) return rc;
  if (store->durability != FILO_DURABLE_NONE && syncfs(store->root_fd) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot flush the root %s", store->root);
  }
  snprintf(store->layout, sizeof store->layout, "%s", layout);
  return filo_root_write_marker(store, err);
}

static int make_marker(const struct filo_store *store, struct filo_error *err) {
  int rc = check_empty(store, err);
  return rc < 0 ? rc : filo_root_write_marker(store, err);
}

/* --- the lock --- */

static int locked_by_other(const struct filo_store *store, struct filo_error *err) {
  char text[16] = "";
  ssize_t len = pread(store->lock_fd, text, sizeof text - 1, 0);
  long pid = len > 0 ? strtol(text, NULL, 10) : 0;
  if (pid == (long)getpid())
    return filo_fail(err, FILO_LOCKED,
                     "the root %s is open in this process already: close that node first",
                     store->root);
  if (pid <= 0)
    return filo_fail(err, FILO_LOCKED, "the root %s is in use by another process", store->root);
  return filo_fail(err, FILO_LOCKED,
                   "the root %s is in use by process %ld: stop it, or choose another root",
                   store->root, pid);
}

/* The folder itself is locked too, since the file may be removed; not where it cannot be (NFS). */
static bool is_locked(const struct filo_store *store) {
  return flock(store->root_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

enum { CLOSED_SIZE = sizeof closed - 1, CLOSED_MAX = CLOSED_SIZE + 1 + FILO_NOTE_DIGITS + 1 };

/* Of a lock file: whether the root was closed in order, and what was left; "": nothing. */
static bool read_closed(int lock_fd, char note[FILO_NOTE_DIGITS + 1]) {
  char text[CLOSED_MAX + 2] = "";
  unsigned char bytes[FILO_NOTE_DIGITS / 2];
  note[0] = 0;
  if (pread(lock_fd, text, CLOSED_MAX + 1, 0) < 0 || strncmp(text, closed, CLOSED_SIZE) != 0)
    return false;
  if (strlen(text) == CLOSED_MAX && text[CLOSED_SIZE] == ' ' && text[CLOSED_MAX - 1] == '\n' &&
      filo_unhex(bytes, text + CLOSED_SIZE + 1, sizeof bytes) == 0)
    filo_hex(note, bytes, sizeof bytes);
  return note[0] || strcmp(text + CLOSED_SIZE, "\n") == 0;
}

void filo_root_read_note(int lock_fd, char note[FILO_NOTE_DIGITS + 1]) {
  read_closed(lock_fd, note);
}

/* Emptied first: that works on a full disk, and `closed` must not outlast a kill. The pid only
 * serves a message. */
static int write_pid(const struct filo_store *store, struct filo_error *err) {
  if (ftruncate(store->lock_fd, 0) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot write %s/%s", store->root, lock_name);
  }
  char text[16];
  int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  (void)!pwrite(store->lock_fd, text, (size_t)len, 0);
  return 0;
}

static int lock(struct filo_store *store, bool *ret_closed, struct filo_error *err) {
  int rc = open_lock(store, err);
  if (rc < 0) return rc;
  if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
    int error = errno;
    if (error == EWOULDBLOCK) return locked_by_other(store, err);
    return filo_fail_errno(err, error, "cannot lock %s/%s", store->root, lock_name);
  }
  if (is_locked(store)) return locked_by_other(store, err);
  *ret_closed = read_closed(store->lock_fd, store->note_found);
  return write_pid(store, err);
}

/* --- the folders in it --- */

static int open_subfolder(struct filo_store *store, const char *name, int *fd,
                          struct filo_error *err) {
  bool made = mkdirat(store->root_fd, name, 0700) == 0;
  int error = errno;
  if (!made && error != EEXIST)
    return filo_fail_errno(err, error, "cannot make %s/%s", store->root, name);
  *fd = openat(store->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (*fd < 0 || (made && fsync(store->root_fd) < 0) ||
      faccessat(*fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
    error = errno;
    return filo_fail_errno(err, error, "cannot write to %s/%s", store->root, name);
  }
  return 0;
}

/* A process that was killed knew what it had renamed and not flushed yet; this one does not. */
static int flush(const struct filo_store *store, struct filo_error *err) {
  if (store->durability == FILO_DURABLE_NONE || syncfs(store->root_fd) == 0) return 0;
  int error = errno;
  return filo_fail_errno(err, error, "cannot flush the root %s", store->root);
}

/* Beside the owner. */
static int open_reading(struct filo_store *store, struct filo_error *err) {
  int rc = open_folder(store, err);
  if (rc < 0) return rc;
  int marked = check_marker(store, err);
  if (marked < 0) return marked;
  if (marked == 0)
    return filo_fail(err, FILO_NOT_FOUND, "there is no root of a node at %s", store->root);
  store->objects_fd =
      openat(store->root_fd, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  int error = errno;
  for (int i = 0; i < FILO_OLD_KINDS; i++)
    store->old[i].fd = openat(store->root_fd, filo_old_folder_name((enum filo_old_kind)i),
                              O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (store->objects_fd >= 0) return 0;
  return filo_fail_errno(err, error, "cannot open %s/objects", store->root);
}

int filo_root_open(struct filo_store *store, struct filo_error *err) {
  if (store->readonly) return open_reading(store, err);
  int rc = make_folder(store->root, err);
  if (rc == 0) rc = open_folder(store, err);
  if (rc == 0) rc = check_trust(store, err);
  int marked = rc < 0 ? rc : check_marker(store, err);
  if (marked == 0) marked = check_empty(store, err);
  if (marked < 0) return marked;
  bool in_order = false;
  rc = lock(store, &in_order, err);
  if (rc < 0) return rc;
  marked = check_marker(store, err);
  if (marked < 0) return marked;
  if (marked == 0)
    rc = make_marker(store, err);
  else if (!in_order)
    rc = flush(store, err);
  if (rc == 0) rc = open_subfolder(store, "tmp", &store->tmp_fd, err);
  if (rc == 0) rc = open_subfolder(store, "bad", &store->bad_fd, err);
  for (int i = 0; rc == 0 && i < FILO_OLD_KINDS; i++)
    rc = open_subfolder(store, filo_old_folder_name((enum filo_old_kind)i), &store->old[i].fd, err);
  if (rc == 0) rc = open_subfolder(store, "objects", &store->objects_fd, err);
  atomic_store(&store->has_bad, true); /* as long as nobody has looked */
  store->flushed = rc == 0 && store->durability != FILO_DURABLE_NONE;
  return rc;
}

/* Where this cannot be written, the next one flushes once more. */
void filo_root_close(const struct filo_store *store) {
  if (!store->flushed || store->renamed > 0) return;
  char text[CLOSED_MAX + 1];
  const char *note = store->unobserved || filo_packed_is_lost(store) ? "" : store->note;
  int len = snprintf(text, sizeof text, "%s%s%s\n", closed, note[0] ? " " : "", note);
  if (pwrite(store->lock_fd, text, (size_t)len, 0) == len) (void)!ftruncate(store->lock_fd, len);
}
