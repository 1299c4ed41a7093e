#include "transfer/file_pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/object.h"

enum { DEPTH = 2 };

struct piece {
  struct filo_job job;
  struct file_pull *owner;
  struct filo_buffer *buffer;
  uint64_t at;
  size_t len;
  bool busy, ready;
  int code;
  struct filo_error err;
};

struct file_pull {
  struct filo_pull pull;
  struct filo_resources *resources;
  int fd;
  char *name;
  uint64_t planned, given, end;
  struct piece pieces[DEPTH]; /* a ring: `take` is the oldest, `plan` the next to fill */
  unsigned plan, take, under_way;
  size_t taken; /* of the oldest */
  bool dropped;
};

static void destroy(struct file_pull *file) {
  for (int i = 0; i < DEPTH; i++)
    if (file->pieces[i].buffer) filo_buffers_give(file->resources->buffers, file->pieces[i].buffer);
  close(file->fd);
  free(file->name);
  free(file);
}

static void run(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  const struct file_pull *file = piece->owner;
  for (size_t have = 0; have < piece->len && piece->code == 0;) {
    ssize_t n =
        pread(file->fd, piece->buffer->bytes + have, piece->len - have, (off_t)(piece->at + have));
    if (n > 0) have += (size_t)n;
    if (n < 0 && errno != EINTR)
      piece->code = filo_fail_errno(&piece->err, errno, "cannot read %s", file->name);
    if (n == 0)
      piece->code =
          filo_fail(&piece->err, FILO_IO, "%s became shorter while it was read", file->name);
  }
}

static void done(struct filo_job *job) {
  struct piece *piece = (struct piece *)job;
  struct file_pull *file = piece->owner;
  piece->busy = false;
  piece->ready = true;
  file->under_way--;
  if (!file->dropped)
    filo_pull_tell(&file->pull);
  else if (file->under_way == 0)
    destroy(file);
}

static bool plan_piece(struct file_pull *file) {
  struct piece *piece = &file->pieces[file->plan];
  if (piece->busy || piece->ready || file->planned == file->end) return false;
  piece->buffer = filo_buffers_take(file->resources->buffers, file->planned == file->given);
  if (!piece->buffer) return false;
  uint64_t left = file->end - file->planned;
  piece->job = (struct filo_job){.run = run, .done = done};
  piece->owner = file;
  piece->at = file->planned;
  piece->len = left < FILO_CHUNK_SIZE ? (size_t)left : FILO_CHUNK_SIZE;
  piece->busy = true;
  file->planned += piece->len;
  file->plan = (file->plan + 1) % DEPTH;
  file->under_way++;
  filo_pool_submit(file->resources->pool, &piece->job);
  return true;
}

static void advance(struct file_pull *file, struct piece *piece) {
  file->given += piece->len;
  file->taken = 0;
  file->take = (file->take + 1) % DEPTH;
  piece->ready = false;
  filo_buffers_give(file->resources->buffers, piece->buffer);
  piece->buffer = NULL;
}

static int next(struct filo_pull *pull, size_t used, const unsigned char **bytes, size_t *len,
                struct filo_error *err) {
  struct file_pull *file = (struct file_pull *)pull;
  struct piece *piece = &file->pieces[file->take];
  file->taken += used;
  if (piece->ready && piece->code == 0 && file->taken == piece->len) {
    advance(file, piece);
    piece = &file->pieces[file->take];
  }
  while (plan_piece(file)) {
  }
  if (file->given == file->end) return 0;
  if (!piece->ready && file->under_way == 0)
    return filo_fail(err, FILO_NO_MEMORY, "no memory for a buffer");
  if (!piece->ready) return FILO_BUSY;
  if (piece->code < 0) {
    if (err) *err = piece->err;
    return piece->code;
  }
  *bytes = piece->buffer->bytes + file->taken;
  *len = piece->len - file->taken;
  return 1;
}

static void drop(struct filo_pull *pull) {
  struct file_pull *file = (struct file_pull *)pull;
  file->dropped = true;
  if (file->under_way == 0) destroy(file);
}

int filo_file_pull_new(struct filo_resources *resources, int fd, uint64_t offset, uint64_t end,
                       const char *name, struct filo_pull **ret, struct filo_error *err) {
  struct file_pull *file = calloc(1, sizeof *file);
  char *copy = strdup(name);
  if (!file || !copy) {
    free(file);
    free(copy);
    close(fd);
    return filo_fail(err, FILO_NO_MEMORY, "no memory to read %s", name);
  }
  file->pull = (struct filo_pull){.next = next, .drop = drop};
  file->resources = resources;
  file->fd = fd;
  file->name = copy;
  file->planned = file->given = offset < end ? offset : end;
  file->end = end;
  *ret = &file->pull;
  return 0;
}
