/* The part of the module filo.core.files that gives what was stored its attributes back. What lies
 * below a folder is reached through no symbolic link, and no attribute is set through one. */
#include "lua/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "store/folders.h"

/* Bits that run programs as another user only make sense with the owner that they were set for. */
enum { PERMISSIONS = 01777, ALL_BITS = 07777, DRAFT_SIZE = 32 };

struct restore_call {
  struct filo_call base;
  bool has_mode, has_owner, replace;
  mode_t mode;
  uid_t owner;
  gid_t group;
  struct timespec times[2];
  char *below, *target;
  char folder[]; /* then the others */
};

static void discard(struct filo_call *base) {
  free(base);
}

/* With folder, path below it, and the text at index 3 when it is one. */
static struct restore_call *restore_call(lua_State *L, void (*work)(struct filo_call *)) {
  const char *folder = filo_check_text(L, 1), *below = filo_check_text(L, 2);
  const char *target = lua_type(L, 3) == LUA_TSTRING ? filo_check_text(L, 3) : "";
  size_t length = strlen(folder) + strlen(below) + strlen(target) + 3;
  struct restore_call *call = filo_call_new(L, sizeof *call + length, work, discard);
  strcpy(call->folder, folder);
  call->below = call->folder + strlen(folder) + 1;
  strcpy(call->below, below);
  call->target = call->below + strlen(below) + 1;
  strcpy(call->target, target);
  call->times[0].tv_nsec = UTIME_OMIT;
  return call;
}

/* Owner and group at `index` and after it, or nil. */
static void check_owner(lua_State *L, int index, struct restore_call *call) {
  call->has_owner = lua_isinteger(L, index);
  call->owner = (uid_t)lua_tointeger(L, index);
  call->group = (gid_t)lua_tointeger(L, index + 1);
}

/* Opens the folder that the last name of a path below the folder lies in, and gives that name. */
static int open_parent(const struct restore_call *call, char *path, const char **name) {
  int fd = open(call->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  if (fd < 0 || !slash) return fd;
  *slash = 0;
  int last = filo_folders_open(fd, path, 0, NULL), error = errno;
  *slash = '/';
  close(fd);
  errno = error;
  return last;
}

static void fail(struct restore_call *call, const char *what, int error) {
  call->base.code = filo_fail_errno(&call->base.err, error, "cannot %s %s%s%s", what, call->folder,
                                    *call->below ? "/" : "", call->below);
}

/* --- set_attributes(folder, below, mode, seconds, nanoseconds [, owner, group]) --- */

/* What is to get another mode is opened even where the one that it has denies that to its owner. */
static int open_at(const struct restore_call *call, int parent, const char *name, int flags) {
  int fd = openat(parent, name, flags);
  if (fd >= 0 || errno != EACCES || !call->has_mode) return fd;
  if (fchmodat(parent, name, call->mode | S_IRWXU, AT_SYMLINK_NOFOLLOW) == 0)
    return openat(parent, name, flags);
  errno = EACCES;
  return -1;
}

static int open_below(struct restore_call *call) {
  int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  if (!*call->below) return open(call->folder, flags);
  const char *name;
  int parent = open_parent(call, call->below, &name);
  if (parent < 0) return -1;
  int fd = open_at(call, parent, name, flags | O_NOFOLLOW), error = errno;
  close(parent);
  errno = error;
  return fd;
}

/* Another owner takes bits of the mode away, so he comes first. */
static void set_attributes_work(struct filo_call *base) {
  struct restore_call *call = (struct restore_call *)base;
  int fd = open_below(call);
  if (fd < 0) {
    fail(call, "open", errno);
    return;
  }
  if (call->has_owner && fchown(fd, call->owner, call->group) < 0)
    fail(call, "set the owner of", errno);
  else if (call->has_mode && fchmod(fd, call->mode) < 0)
    fail(call, "set the mode of", errno);
  else if (futimens(fd, call->times) < 0)
    fail(call, "set the time of modification of", errno);
  close(fd);
}

int filo_set_attributes(lua_State *L) {
  bool has_mode = !lua_isnoneornil(L, 3);
  lua_Integer mode = has_mode ? luaL_checkinteger(L, 3) : 0;
  lua_Integer seconds = luaL_checkinteger(L, 4), nanoseconds = luaL_checkinteger(L, 5);
  luaL_argcheck(L, nanoseconds >= 0 && nanoseconds < 1000000000, 5, "0 to 999999999 expected");
  lua_pushnil(L);
  lua_replace(L, 3);
  struct restore_call *call = restore_call(L, set_attributes_work);
  call->has_mode = has_mode;
  check_owner(L, 6, call);
  call->mode = (mode_t)mode & (call->has_owner ? ALL_BITS : PERMISSIONS);
  call->times[1] = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- make_link(folder, below, target, replace, seconds, nanoseconds [, owner, group]) --- */

/* The name under which something is made first that takes the place of another: that stays when it
 * cannot be made. */
static const char *name_of_draft(char draft[DRAFT_SIZE]) {
  unsigned long long number = 0;
  ssize_t ignored = getrandom(&number, sizeof number, 0);
  (void)ignored;
  snprintf(draft, DRAFT_SIZE, ".filo-%016llx", number);
  return draft;
}

/* The rest of making something under the name `made`: result so far. */
static int put_in_place(int result, int parent, const char *made, const char *name) {
  if (made == name) return result;
  if (result == 0) result = renameat(parent, made, parent, name);
  int error = errno;
  unlinkat(parent, made, 0); /* a rename to another link of the same file does nothing */
  errno = error;
  return result;
}

static int make_link_at(struct restore_call *call, int parent, const char *name) {
  char draft[DRAFT_SIZE];
  const char *made = call->replace ? name_of_draft(draft) : name;
  if (symlinkat(call->target, parent, made) < 0) return -1;
  int result = 0;
  if (call->has_owner)
    result = fchownat(parent, made, call->owner, call->group, AT_SYMLINK_NOFOLLOW);
  if (result == 0) result = utimensat(parent, made, call->times, AT_SYMLINK_NOFOLLOW);
  return put_in_place(result, parent, made, name);
}

static void make_link_work(struct filo_call *base) {
  struct restore_call *call = (struct restore_call *)base;
  const char *name;
  int parent = open_parent(call, call->below, &name);
  if (parent < 0 || make_link_at(call, parent, name) < 0)
    fail(call, "make the symbolic link", errno);
  if (parent >= 0) close(parent);
}

int filo_make_link(lua_State *L) {
  luaL_checktype(L, 3, LUA_TSTRING);
  bool replace = lua_toboolean(L, 4);
  lua_Integer seconds = luaL_checkinteger(L, 5), nanoseconds = luaL_checkinteger(L, 6);
  luaL_argcheck(L, nanoseconds >= 0 && nanoseconds < 1000000000, 6, "0 to 999999999 expected");
  struct restore_call *call = restore_call(L, make_link_work);
  call->replace = replace;
  check_owner(L, 7, call);
  call->times[1] = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- replace_by_folder(folder, below, mode) --- */

/* The folder is made first, under another name: what is there stays when it cannot be made. A
 * folder that is there is not removed. */
static int replace_at(const struct restore_call *call, int parent, const char *name) {
  char draft[DRAFT_SIZE];
  if (mkdirat(parent, name_of_draft(draft), call->mode) < 0) return -1;
  if (unlinkat(parent, name, 0) == 0 && renameat(parent, draft, parent, name) == 0) return 0;
  int error = errno;
  unlinkat(parent, draft, AT_REMOVEDIR);
  errno = error;
  return -1;
}

static void replace_work(struct filo_call *base) {
  struct restore_call *call = (struct restore_call *)base;
  const char *name;
  int parent = open_parent(call, call->below, &name);
  if (parent < 0 || replace_at(call, parent, name) < 0) fail(call, "make the folder", errno);
  if (parent >= 0) close(parent);
}

int filo_replace_by_folder(lua_State *L) {
  lua_Integer mode = luaL_checkinteger(L, 3);
  struct restore_call *call = restore_call(L, replace_work);
  call->mode = (mode_t)mode & 0777;
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- link(folder, below, other, replace): hard --- */

static int link_at(struct restore_call *call, int parent, const char *name) {
  const char *other;
  int from = open_parent(call, call->target, &other);
  if (from < 0) return -1;
  char draft[DRAFT_SIZE];
  const char *made = call->replace ? name_of_draft(draft) : name;
  int result = linkat(from, other, parent, made, 0);
  if (result == 0) result = put_in_place(result, parent, made, name);
  int error = errno;
  close(from);
  errno = error;
  return result;
}

static void link_work(struct filo_call *base) {
  struct restore_call *call = (struct restore_call *)base;
  const char *name;
  int parent = open_parent(call, call->below, &name);
  if (parent < 0 || link_at(call, parent, name) < 0) fail(call, "make the link", errno);
  if (parent >= 0) close(parent);
}

int filo_link(lua_State *L) {
  luaL_checktype(L, 3, LUA_TSTRING);
  bool replace = lua_toboolean(L, 4);
  struct restore_call *call = restore_call(L, link_work);
  call->replace = replace;
  return filo_call(L, &call->base, filo_call_ended);
}
