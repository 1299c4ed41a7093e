#include "transfer/buffers.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "store/record.h"

enum { IDLE_SECONDS = 3 };

struct filo_buffers {
  struct filo_buffer *idle;
  unsigned limit, in_use;
  struct event *trim;
};

static struct filo_buffer *make(void) {
  struct filo_buffer *buffer = malloc(sizeof *buffer);
  if (!buffer) return NULL;
  void *memory =
      mmap(NULL, FILO_CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    free(buffer);
    return NULL;
  }
  buffer->bytes = memory;
  return buffer;
}

static void destroy(struct filo_buffer *buffer) {
  munmap(buffer->bytes, FILO_CHUNK_SIZE);
  free(buffer);
}

static void trim(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct filo_buffers *buffers = arg;
  while (buffers->idle) {
    struct filo_buffer *buffer = buffers->idle;
    buffers->idle = buffer->next;
    destroy(buffer);
  }
}

int filo_buffers_new(struct event_base *base, unsigned limit, struct filo_buffers **ret,
                     struct filo_error *err) {
  struct filo_buffers *buffers = calloc(1, sizeof *buffers);
  if (buffers) buffers->trim = evtimer_new(base, trim, buffers);
  if (!buffers || !buffers->trim) {
    free(buffers);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for transfer buffers");
  }
  buffers->limit = limit;
  *ret = buffers;
  return 0;
}

struct filo_buffer *filo_buffers_take(struct filo_buffers *buffers, bool first) {
  if (!first && buffers->in_use >= buffers->limit) return NULL;
  struct filo_buffer *buffer = buffers->idle;
  if (buffer)
    buffers->idle = buffer->next;
  else
    buffer = make();
  if (buffer) buffers->in_use++;
  return buffer;
}

void filo_buffers_give(struct filo_buffers *buffers, struct filo_buffer *buffer) {
  if (buffers->in_use-- > buffers->limit) {
    destroy(buffer);
    return;
  }
  buffer->next = buffers->idle;
  buffers->idle = buffer;
  if (buffers->in_use == 0) {
    struct timeval soon = {IDLE_SECONDS, 0};
    event_add(buffers->trim, &soon);
  }
}

void filo_buffers_free(struct filo_buffers *buffers) {
  if (!buffers) return;
  assert(buffers->in_use == 0);
  trim(-1, 0, buffers);
  event_free(buffers->trim);
  free(buffers);
}
