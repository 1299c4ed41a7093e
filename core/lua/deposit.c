/* Deposits: content on its way into the store. And files as sources. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/arguments.h"
#include "lua/descriptor.h"
#include "lua/handle.h"
#include "lua/http.h"
#include "lua/keys.h"
#include "lua/resources.h"
#include "lua/seen.h"
#include "lua/sieve.h"
#include "lua/store.h"
#include "runtime/task.h"
#include "transfer/deposit.h"

struct deposit_box {
  struct filo_deposit *deposit;
  struct filo_event changed;
  struct filo_store *store;
  bool from_file, finishing, publishing; /* what has been asked for */
  bool digest, digested;
  unsigned char hash[32];
  size_t written; /* of the string that a waiting `write` is about */
};

static void on_changed(void *ctx) {
  struct deposit_box *box = ctx;
  filo_event_set(&box->changed);
}

static void release(void *self) {
  struct deposit_box *box = self;
  filo_deposit_free(box->deposit);
  filo_store_close(box->store);
  box->store = NULL;
  filo_event_set(&box->changed);
}

static const struct filo_handle_type type = {
    .name = "filo.deposit",
    .closed = "the deposit is closed",
    .size = sizeof(struct deposit_box),
    .release = release,
};

static struct deposit_box *check_deposit(lua_State *L) {
  return filo_handle_check(L, 1, &type);
}

/* For what may wait: one task at a time. */
static struct deposit_box *check_idle_deposit(lua_State *L) {
  struct deposit_box *box = check_deposit(L);
  filo_task_check(L);
  luaL_argcheck(L, !box->changed.waiter, 1, "another task waits for this deposit already");
  luaL_argcheck(L, !filo_deposit_is_pulling(box->deposit), 1, "the deposit is pulling already");
  return box;
}

static int start(lua_State *L, struct deposit_box *box, struct filo_store *store,
                 const struct filo_deposit_options *options, struct filo_error *err) {
  int code =
      filo_deposit_new(filo_resources_of(L), store, options, on_changed, box, &box->deposit, err);
  if (code < 0) return code;
  box->store = filo_store_ref(store);
  box->digest = options->digest;
  return 0;
}

/* store:deposit(size or nil, plain, digest) */
int filo_store_deposit(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  bool known = !lua_isnoneornil(L, 2);
  lua_Integer size = known ? luaL_checkinteger(L, 2) : 0;
  luaL_argcheck(L, size >= 0, 2, "bytes, 0 or more");
  struct filo_deposit_options options = {known ? (uint64_t)size : FILO_SIZE_UNKNOWN,
                                         lua_toboolean(L, 3), lua_toboolean(L, 4)};
  struct filo_error err;
  if (start(L, filo_handle_push(L, &type), store, &options, &err) < 0)
    return filo_return_error(L, &err);
  return 1;
}

/* --- write(bytes): waits while all buffers are in use --- */

static int go_on_writing(lua_State *L, int status, lua_KContext ctx);

static int write_or_wait(lua_State *L, struct deposit_box *box) {
  size_t len;
  struct filo_error err;
  const char *bytes = luaL_checklstring(L, 2, &len);
  box->changed.set = false;
  int64_t n = filo_deposit_write(box->deposit, (const unsigned char *)bytes + box->written,
                                 len - box->written, &err);
  if (n < 0) return filo_return_error(L, &err);
  box->written += (size_t)n;
  if (box->written < len)
    return filo_event_wait(L, &box->changed, FILO_NO_DEADLINE, 0, go_on_writing);
  lua_pushboolean(L, 1);
  return 1;
}

static int go_on_writing(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct deposit_box *box = filo_handle_box(L, 1, &type);
  if (filo_event_why(L, &box->changed) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  return write_or_wait(L, check_deposit(L));
}

static int deposit_write(lua_State *L) {
  struct deposit_box *box = check_idle_deposit(L);
  luaL_argcheck(L, !box->from_file, 1, "the deposit is of a file");
  luaL_argcheck(L, !box->finishing, 1, "the deposit is finished already");
  box->written = 0;
  return write_or_wait(L, box);
}

/* --- Waiting until it is settled, then giving a result --- */

static int push_size(lua_State *L, struct deposit_box *box) {
  struct filo_error err;
  lua_pushinteger(L, (lua_Integer)filo_deposit_size(box->deposit));
  if (!box->digest) return 1;
  if (!box->digested && filo_deposit_digest(box->deposit, box->hash, &err) < 0)
    return filo_return_error(L, &err);
  box->digested = true;
  lua_pushlstring(L, (const char *)box->hash, sizeof box->hash);
  return 2;
}

static int push_record(lua_State *L, struct deposit_box *box) {
  size_t len;
  box->publishing = filo_deposit_published(box->deposit);
  if (!box->publishing) {
    lua_pushboolean(L, 0);
    return 1;
  }
  const unsigned char *record = filo_deposit_record(box->deposit, &len);
  lua_pushlstring(L, (const char *)record, len);
  int64_t body = filo_deposit_body(box->deposit, NULL);
  if (body < 0) return 1;
  luaL_Buffer buffer;
  filo_deposit_body(box->deposit, (unsigned char *)luaL_buffinitsize(L, &buffer, (size_t)body));
  luaL_pushresultsize(&buffer, (size_t)body);
  return 2;
}

typedef int give_fn(lua_State *L, struct deposit_box *box);

static int go_on_settling(lua_State *L, int status, lua_KContext ctx);

static int settle(lua_State *L, struct deposit_box *box, give_fn *give) {
  struct filo_error err;
  box->changed.set = false;
  if (!filo_deposit_settled(box->deposit))
    return filo_event_wait(L, &box->changed, FILO_NO_DEADLINE, (lua_KContext)give, go_on_settling);
  if (filo_deposit_status(box->deposit, &err) < 0) return filo_return_error(L, &err);
  return give(L, box);
}

static int go_on_settling(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  struct deposit_box *box = filo_handle_box(L, 1, &type);
  if (filo_event_why(L, &box->changed) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  return settle(L, check_deposit(L), (give_fn *)ctx);
}

/* finish(): after the last write. Content bytes, and the digest when asked for. */
static int deposit_finish(lua_State *L) {
  struct deposit_box *box = check_idle_deposit(L);
  box->finishing = true;
  filo_deposit_end(box->deposit);
  return settle(L, box, push_size);
}

/* publish(namespace, version, path [, fresh]): the record, and the body of a small object; false:
 * something lies there */
static int deposit_publish(lua_State *L) {
  struct deposit_box *box = check_idle_deposit(L);
  struct filo_namespace *ns = filo_check_keys(L, 2);
  struct filo_version version;
  filo_check_version(L, 3, &version);
  const char *path = filo_check_path(L, 4);
  luaL_argcheck(L, box->finishing && filo_deposit_settled(box->deposit), 1,
                "the deposit is not finished");
  luaL_argcheck(L, !box->publishing, 1, "the deposit is published already");
  box->publishing = true;
  struct filo_error err;
  if (filo_deposit_publish(box->deposit, ns, &version, path, lua_toboolean(L, 5), &err) < 0)
    return filo_return_error(L, &err);
  return settle(L, box, push_record);
}

static int deposit_progress(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)filo_deposit_size(check_deposit(L)->deposit));
  return 1;
}

/* --- Files --- */

/* Opens path, without waiting for a writer of a named pipe; or gives an own descriptor for `opened`
 * where there is one. */
static int open_source(const char *path, int opened, struct stat *status, struct filo_error *err) {
  if (strcmp(path, "-") == 0) opened = STDIN_FILENO;
  int fd = opened >= 0 ? fcntl(opened, F_DUPFD_CLOEXEC, 0)
                       : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return filo_fail_errno(err, errno, "cannot open %s", path);
  if (fstat(fd, status) < 0) {
    int saved = errno;
    close(fd);
    return filo_fail_errno(err, saved, "cannot read %s", path);
  }
  if (S_ISDIR(status->st_mode)) {
    close(fd);
    return filo_fail(err, FILO_INVALID, "%s is a folder: give the files in it", path);
  }
  return fd;
}

/* Where the content of a file starts: what somebody has read from already has less of it. */
static off_t start_of(int fd, const struct stat *status) {
  off_t at = S_ISREG(status->st_mode) ? lseek(fd, 0, SEEK_CUR) : 0;
  return at > 0 ? at : 0;
}

/* FILO_SIZE_UNKNOWN of what ends when it ends: pipes, devices, and the files of /proc, whose size is
 * given as 0. */
static uint64_t size_of(int fd, off_t from, const struct stat *status) {
  if (!filo_has_times(fd, status)) return FILO_SIZE_UNKNOWN;
  return status->st_size > from ? (uint64_t)(status->st_size - from) : 0;
}

static int start_source(struct deposit_box *box, int fd, off_t from, uint64_t size,
                        const char *path, struct filo_error *err) {
  if (size == FILO_SIZE_UNKNOWN) return filo_deposit_drain(box->deposit, fd, path, err);
  filo_deposit_copy(box->deposit, fd, (uint64_t)from, path);
  return 0;
}

/* store:deposit_file(path, plain, digest [, descriptor]): a deposit, and what the file looked like
 * before a byte of it was read */
int filo_store_deposit_file(lua_State *L) {
  struct filo_store *store = filo_check_store(L, 1);
  const char *path = filo_check_text(L, 2);
  bool plain = lua_toboolean(L, 3), digest = lua_toboolean(L, 4);
  int opened = filo_test_descriptor(L, 5);
  struct filo_error err;
  struct stat status;
  struct deposit_box *box = filo_handle_push(L, &type);
  box->from_file = true;
  int fd = open_source(path, opened, &status, &err);
  if (fd < 0) return filo_return_error(L, &err);
  off_t from = start_of(fd, &status);
  uint64_t size = size_of(fd, from, &status);
  struct filo_deposit_options options = {size, plain, digest};
  if (start(L, box, store, &options, &err) < 0) {
    close(fd);
    return filo_return_error(L, &err);
  }
  if (start_source(box, fd, from, size, path, &err) < 0) {
    filo_handle_release(L, -1, &type);
    return filo_return_error(L, &err);
  }
  if (size == FILO_SIZE_UNKNOWN)
    lua_pushnil(L);
  else
    filo_push_seen(L, &status);
  return 2;
}

/* seen(): what its file looks like now */
static int deposit_seen(lua_State *L) {
  return filo_return_seen(L, filo_deposit_source(check_deposit(L)->deposit));
}

/* --- pull(source): all that is left of the body of an HTTP request, or of what has passed a sieve, or that a reader gives,
 * which is closed then; true; or nil, an error, and whether it is the source that failed --- */

static struct filo_pull *check_source(lua_State *L) {
  struct filo_pull *pull = filo_test_http_body(L, 2);
  if (!pull) pull = filo_test_sieve(L, 2);
  return pull ? pull : filo_reader_pull(filo_take_reader(L, 2));
}

static int go_on_pulling(lua_State *L, int status, lua_KContext ctx);

static int pulled_or_wait(lua_State *L, struct deposit_box *box) {
  struct filo_error err;
  box->changed.set = false;
  if (filo_deposit_is_pulling(box->deposit))
    return filo_event_wait(L, &box->changed, FILO_NO_DEADLINE, 0, go_on_pulling);
  if (filo_deposit_status(box->deposit, &err) == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  filo_return_error(L, &err);
  lua_pushboolean(L, filo_deposit_pull_failed(box->deposit));
  return 3;
}

static int go_on_pulling(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  struct deposit_box *box = filo_handle_box(L, 1, &type);
  if (filo_event_why(L, &box->changed) != FILO_WOKEN) return filo_task_raise_cancelled(L);
  return pulled_or_wait(L, check_deposit(L));
}

static int deposit_pull(lua_State *L) {
  struct deposit_box *box = check_idle_deposit(L);
  luaL_argcheck(L, !box->from_file, 1, "the deposit is of a file");
  luaL_argcheck(L, !box->finishing, 1, "the deposit is finished already");
  filo_deposit_pull(box->deposit, check_source(L));
  return pulled_or_wait(L, box);
}

static const luaL_Reg methods[] = {{"write", deposit_write},       {"pull", deposit_pull},
                                   {"finish", deposit_finish},     {"publish", deposit_publish},
                                   {"progress", deposit_progress}, {"seen", deposit_seen},
                                   {"close", filo_handle_close},   {NULL, NULL}};

void filo_register_deposit(lua_State *L) {
  filo_handle_register(L, &type, methods);
}
