/* The module filo.core.files: what commands look up and make outside of a root. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lua/arguments.h"
#include "lua/call.h"
#include "lua/entry.h"
#include "lua/folder.h"
#include "lua/modules.h"
#include "lua/restore.h"
#include "lua/target.h"
#include "store/folders.h"
#include "trust.h"

struct file_call {
  struct filo_call base;
  bool follow;
  struct stat status;
  char *target; /* of a symbolic link */
  bool mounted;
  mode_t mode; /* of folders that are made below */
  char *below; /* within path */
  char path[];
};

static void discard(struct filo_call *base) {
  struct file_call *call = (struct file_call *)base;
  free(call->target);
  free(call);
}

/* With the text at `index`, and room for more. */
static struct file_call *file_call(lua_State *L, int index, size_t more,
                                   void (*work)(struct filo_call *)) {
  const char *path = filo_check_text(L, index);
  struct file_call *call = filo_call_new(L, sizeof *call + strlen(path) + 1 + more, work, discard);
  strcpy(call->path, path);
  return call;
}

/* --- look(path [, follow]) --- */

static void look_work(struct filo_call *base) {
  struct file_call *call = (struct file_call *)base;
  int flags = call->follow ? 0 : AT_SYMLINK_NOFOLLOW;
  int result = fstatat(AT_FDCWD, call->path, &call->status, flags);
  if (result == 0 && S_ISLNK(call->status.st_mode)) {
    call->target = filo_read_link(AT_FDCWD, call->path);
    if (!call->target) result = -1;
  }
  if (result < 0) base->code = filo_fail_errno(&base->err, errno, "cannot read %s", call->path);
  if (result == 0) call->mounted = filo_is_mounted(AT_FDCWD, call->path, &call->status);
}

/* That nothing is there, if the system knows that. */
static void look_at_once(struct filo_call *base) {
  struct file_call *call = (struct file_call *)base;
  struct open_how how = {.flags = O_PATH | O_CLOEXEC | (call->follow ? 0U : O_NOFOLLOW),
                         .resolve = RESOLVE_CACHED};
  int fd = (int)syscall(SYS_openat2, AT_FDCWD, call->path, &how, sizeof how), error = errno;
  base->code = FILO_BUSY;
  if (fd >= 0)
    close(fd);
  else if (error == ENOENT)
    base->code = filo_fail_errno(&base->err, error, "cannot read %s", call->path);
}

static int looked(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct file_call *call = filo_call_end(L, ctx);
  if (call->base.code < 0) return filo_call_return(L, &call->base);
  lua_createtable(L, 0, 14);
  lua_pushstring(L, call->path);
  lua_setfield(L, -2, "path");
  filo_set_entry(L, &call->status, call->target, call->mounted);
  discard(&call->base);
  return 1;
}

static int look(lua_State *L) {
  struct file_call *call = file_call(L, 1, 0, look_work);
  call->follow = lua_toboolean(L, 2);
  return filo_call_at_once(L, &call->base, look_at_once, looked);
}

/* --- make_folders(folder, path [, mode]) --- */

/* 0, or an errno. */
static int make_one(const char *path) {
  struct stat st;
  if (mkdir(path, 0777) == 0) return 0;
  int error = errno;
  if (stat(path, &st) < 0) return error;
  return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

/* As `mkdir -p`: through symbolic links. `path` is as it was afterwards. */
static int make_all(char *path) {
  for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
    *slash = 0;
    int error = make_one(path);
    *slash = '/';
    if (error) return error;
  }
  return make_one(path);
}

static void make_below(struct file_call *call, int fd) {
  unsigned made = 0;
  int last = *call->below ? filo_folders_open(fd, call->below, call->mode, &made) : fd;
  int error = errno;
  if (last >= 0 && last != fd) close(last);
  if (last >= 0) return;
  struct filo_error *err = &call->base.err;
  if (error == ELOOP)
    call->base.code = filo_fail(
        err, FILO_DENIED,
        "%s/%s goes through a symbolic link below %s, and none is followed there: remove it, or "
        "choose another --directory",
        call->path, call->below, call->path);
  else
    call->base.code =
        filo_fail_errno(err, error, "cannot make the folder %s/%s", call->path, call->below);
}

static void make_folders_work(struct filo_call *base) {
  struct file_call *call = (struct file_call *)base;
  int error = *call->path ? make_all(call->path) : ENOENT;
  int fd = error ? -1 : open(call->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    error = error ? error : errno;
    base->code = filo_fail_errno(&base->err, error, "cannot make the folder %s", call->path);
    return;
  }
  make_below(call, fd);
  close(fd);
}

static int make_folders(lua_State *L) {
  const char *below = filo_check_text(L, 2);
  int mode = filo_check_mode(L, 3);
  struct file_call *call = file_call(L, 1, strlen(below) + 1, make_folders_work);
  call->mode = mode < 0 ? 0777 : (mode_t)mode;
  call->below = call->path + strlen(call->path) + 1;
  strcpy(call->below, below);
  return filo_call(L, &call->base, filo_call_ended);
}

/* --- trust(path), trust_folder(path) --- */

static void trust_work(struct filo_call *base) {
  struct file_call *call = (struct file_call *)base;
  base->code = filo_trust_path(call->path, &base->err);
}

static int trust(lua_State *L) {
  return filo_call(L, &file_call(L, 1, 0, trust_work)->base, filo_call_ended);
}

static void trust_folder_work(struct filo_call *base) {
  struct file_call *call = (struct file_call *)base;
  struct stat status;
  if (stat(call->path, &status) == 0) {
    base->code = filo_trust_status(&status, call->path, &base->err);
    return;
  }
  int error = errno;
  base->code = filo_fail_errno(&base->err, error, "cannot see whose %s is", call->path);
}

static int trust_folder(lua_State *L) {
  return filo_call(L, &file_call(L, 1, 0, trust_folder_work)->base, filo_call_ended);
}

static const luaL_Reg functions[] = {{"link", filo_link},
                                     {"list", filo_folder_list},
                                     {"look", look},
                                     {"make_folders", make_folders},
                                     {"make_link", filo_make_link},
                                     {"replace_by_folder", filo_replace_by_folder},
                                     {"set_attributes", filo_set_attributes},
                                     {"target", filo_open_target},
                                     {"trust", trust},
                                     {"trust_folder", trust_folder},
                                     {NULL, NULL}};

int filo_open_files(lua_State *L) {
  filo_register_target(L);
  luaL_newlib(L, functions);
  mode_t mask = umask(077); /* there is no other way to ask for it */
  umask(mask);
  lua_pushinteger(L, (lua_Integer)(0777 & ~mask));
  lua_setfield(L, -2, "usual_mode");
  return 1;
}
