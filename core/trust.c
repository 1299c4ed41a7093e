#include "trust.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

enum { LINKS_MAX = 40, USER_MAX = 64, RECORD_MAX = 4096 };

/* --- One file or folder --- */

/* The name of a user, or the number where it has none. */
static void user_name(uid_t user, char name[USER_MAX]) {
  char record[RECORD_MAX];
  struct passwd entry, *found = NULL;
  getpwuid_r(user, &entry, record, sizeof record, &found);
  if (found)
    snprintf(name, USER_MAX, "%s", found->pw_name);
  else
    snprintf(name, USER_MAX, "number %ju", (uintmax_t)user);
}

/* The owner of / is root, whatever number it has in here: in a namespace of users, root outside of
 * it may have none of its own. It then shares one with all others who have none; so that only the
 * folders on the way may be of it. */
static bool is_trusted(uid_t user, bool on_the_way) {
  struct stat top;
  if (user == 0 || user == geteuid()) return true;
  return on_the_way && stat("/", &top) == 0 && user == top.st_uid;
}

static int check_owner(const struct stat *status, const char *path, bool on_the_way,
                       struct filo_error *err) {
  if (is_trusted(status->st_uid, on_the_way)) return 0;
  char owner[USER_MAX], self[USER_MAX];
  user_name(status->st_uid, owner);
  user_name(geteuid(), self);
  return filo_fail(err, FILO_DENIED,
                   "%.200s belongs to the user %s, and this runs as the user %s: run it as %s, or "
                   "take that over with chown",
                   path, owner, self, owner);
}

static int check_status(const struct stat *status, const char *path, bool on_the_way,
                        struct filo_error *err) {
  int rc = check_owner(status, path, on_the_way, err);
  if (rc < 0 || !(status->st_mode & (S_IWGRP | S_IWOTH))) return rc;
  return filo_fail(err, FILO_DENIED, "%.200s can be written by other users: run chmod go-w %.200s",
                   path, path);
}

int filo_trust_status(const struct stat *status, const char *path, struct filo_error *err) {
  return check_status(status, path, false, err);
}

/* On the way to something: a sticky folder keeps what is in it from all but its owners. */
static int check_step(const struct stat *status, const char *path, bool is_last,
                      struct filo_error *err) {
  bool is_sticky = !is_last && S_ISDIR(status->st_mode) && status->st_mode & S_ISVTX;
  if (S_ISLNK(status->st_mode) || is_sticky) return check_owner(status, path, true, err);
  return check_status(status, path, !is_last, err);
}

/* --- All on the way to one --- */

struct way {
  char *done; /* absolute, without links: what was checked; "" is / itself */
  char *rest; /* what is still to be gone */
  unsigned links;
};

static int no_memory(struct filo_error *err) {
  return filo_fail(err, FILO_NO_MEMORY, "no memory to look at a path");
}

/* Puts a text in the place of what *held has. */
static int replace(char **held, char *text, struct filo_error *err) {
  if (!text) return no_memory(err);
  free(*held);
  *held = text;
  return 0;
}

/* What a link says takes its place. */
static int follow(struct way *way, const char *link, const char *rest, struct filo_error *err) {
  char target[PATH_MAX], *joined;
  ssize_t len = readlink(link, target, sizeof target - 1);
  int error = len < 0 ? errno : ELOOP;
  if (len < 0 || ++way->links > LINKS_MAX)
    return filo_fail_errno(err, error, "cannot follow %s", link);
  target[len] = 0;
  if (*target == '/') *way->done = 0;
  if (asprintf(&joined, "%s/%s", target, rest) < 0) joined = NULL;
  return replace(&way->rest, joined, err);
}

/* Takes the first name off the rest of the way. */
static int step(struct way *way, struct filo_error *err) {
  const char *name = way->rest + strspn(way->rest, "/");
  size_t len = strcspn(name, "/");
  const char *rest = name + len + strspn(name + len, "/");
  FILO_AUTO_FREE char *path = NULL;
  if (len == 2 && memcmp(name, "..", 2) == 0) {
    char *slash = strrchr(way->done, '/');
    if (slash) *slash = 0;
  } else if (len > 0 && !(len == 1 && *name == '.')) {
    struct stat status;
    if (asprintf(&path, "%s/%.*s", way->done, (int)len, name) < 0) return no_memory(err);
    if (lstat(path, &status) < 0) return filo_fail_errno(err, errno, "cannot look at %s", path);
    int rc = check_step(&status, path, *rest == 0, err);
    if (rc < 0) return rc;
    if (S_ISLNK(status.st_mode)) return follow(way, path, rest, err);
    rc = replace(&way->done, strdup(path), err);
    if (rc < 0) return rc;
  }
  return replace(&way->rest, strdup(rest), err);
}

static int check_top(struct filo_error *err) {
  struct stat status;
  if (stat("/", &status) < 0) return filo_fail_errno(err, errno, "cannot look at /");
  return check_step(&status, "/", false, err);
}

/* Absolute. */
static char *whole(const char *path) {
  if (*path == '/') return strdup(path);
  FILO_AUTO_FREE char *folder = getcwd(NULL, 0);
  char *joined;
  return folder && asprintf(&joined, "%s/%s", folder, path) >= 0 ? joined : NULL;
}

int filo_trust_path(const char *path, struct filo_error *err) {
  struct way way = {.done = strdup(""), .rest = whole(path)};
  int rc = way.done && way.rest ? check_top(err) : no_memory(err);
  while (rc == 0 && *way.rest) rc = step(&way, err);
  free(way.done);
  free(way.rest);
  return rc;
}
