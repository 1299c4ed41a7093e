/* The part of the module filo.core.files that lists folders. A worker reads one and looks at all
 * that is in it; the table is then built on the loop thread, some entries in each of its turns. */
#include "lua/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/entry.h"

/* Entries for Lua in a turn of the loop: 1 ms or so. */
enum { A_TURN = 500, TABLE = 3 };

struct entry {
  char *name, *target;
  int sys_errno; /* why there is no status; or 0 */
  struct stat status;
  bool mounted;
};

struct listing {
  struct filo_call base;
  bool follow;
  struct entry *entries;
  size_t count, room, given;
  char path[];
};

static void drop(const struct entry *entry) {
  free(entry->name);
  free(entry->target);
}

static void discard(struct filo_call *base) {
  struct listing *listing = (struct listing *)base;
  for (size_t i = 0; i < listing->count; i++) drop(&listing->entries[i]);
  free(listing->entries);
  free(listing);
}

/* --- On a worker: each returns 0, or an errno --- */

static int make_room(struct listing *listing) {
  if (listing->count < listing->room) return 0;
  size_t room = listing->room ? 2 * listing->room : 64;
  struct entry *entries = reallocarray(listing->entries, room, sizeof *entries);
  if (!entries) return ENOMEM;
  listing->entries = entries;
  listing->room = room;
  return 0;
}

static void look(int fd, struct entry *entry) {
  int result = fstatat(fd, entry->name, &entry->status, AT_SYMLINK_NOFOLLOW);
  if (result == 0 && S_ISLNK(entry->status.st_mode)) {
    entry->target = filo_read_link(fd, entry->name);
    if (!entry->target) result = -1;
  }
  if (result < 0) entry->sys_errno = errno;
  if (result == 0) entry->mounted = filo_is_mounted(fd, entry->name, &entry->status);
}

static int add(struct listing *listing, int fd, const char *name) {
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
  struct entry entry = {.name = strdup(name)};
  if (!entry.name) return ENOMEM;
  look(fd, &entry);
  bool gone = entry.sys_errno == ENOENT; /* meanwhile */
  int error = gone ? 0 : make_room(listing);
  if (gone || error)
    drop(&entry);
  else
    listing->entries[listing->count++] = entry;
  return error;
}

static int read_all(struct listing *listing, DIR *folder) {
  int error = 0;
  while (!error) {
    errno = 0;
    const struct dirent *each = readdir(folder);
    if (!each) return errno;
    error = add(listing, dirfd(folder), each->d_name);
  }
  return error;
}

static int read_folder(struct listing *listing) {
  int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (listing->follow ? 0 : O_NOFOLLOW);
  int fd = open(listing->path, flags);
  if (fd < 0) return errno;
  DIR *folder = fdopendir(fd);
  int error = folder ? read_all(listing, folder) : errno;
  if (folder)
    closedir(folder);
  else
    close(fd);
  return error;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void list_work(struct filo_call *base) {
  struct listing *listing = (struct listing *)base;
  int error = read_folder(listing);
  if (error)
    base->code = filo_fail_errno(&base->err, error, "cannot list the folder %s", listing->path);
  else if (listing->count > 1)
    qsort(listing->entries, listing->count, sizeof *listing->entries, by_name);
}

/* --- For Lua --- */

static void push_entry(lua_State *L, const struct listing *listing, const struct entry *entry) {
  size_t length = strlen(listing->path);
  const char *slash = length > 0 && listing->path[length - 1] == '/' ? "" : "/";
  lua_createtable(L, 0, 15);
  lua_pushstring(L, entry->name);
  lua_setfield(L, -2, "name");
  const char *path = lua_pushfstring(L, "%s%s%s", listing->path, slash, entry->name);
  struct filo_error err;
  if (entry->sys_errno) filo_fail_errno(&err, entry->sys_errno, "cannot read %s", path);
  lua_setfield(L, -2, "path");
  if (!entry->sys_errno) return filo_set_entry(L, &entry->status, entry->target, entry->mounted);
  filo_push_error(L, &err);
  lua_setfield(L, -2, "problem");
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

static int give(lua_State *L, struct listing *listing) {
  for (int i = 0; i < A_TURN && listing->given < listing->count; i++) {
    push_entry(L, listing, &listing->entries[listing->given]);
    lua_rawseti(L, TABLE, (lua_Integer)++listing->given);
  }
  if (listing->given < listing->count) return filo_task_wait(L, 0, (lua_KContext)listing, go_on);
  discard(&listing->base);
  return 1;
}

static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct listing *listing = (struct listing *)ctx;
  if (filo_task_why(L) != FILO_TASK_CANCELLED) return give(L, listing);
  discard(&listing->base);
  return filo_task_raise_cancelled(L);
}

static int listed(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct listing *listing = filo_call_end(L, ctx);
  if (listing->base.code < 0) return filo_call_return(L, &listing->base);
  lua_createtable(L, listing->count < INT_MAX ? (int)listing->count : 0, 0);
  return give(L, listing);
}

/* list(path [, follow]) */
int filo_folder_list(lua_State *L) {
  const char *path = filo_check_text(L, 1);
  bool follow = lua_toboolean(L, 2);
  lua_settop(L, TABLE - 1);
  struct listing *listing =
      filo_call_new(L, sizeof *listing + strlen(path) + 1, list_work, discard);
  strcpy(listing->path, path);
  listing->follow = follow;
  return filo_call(L, &listing->base, listed);
}
