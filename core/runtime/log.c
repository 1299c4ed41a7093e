/* Two buffers. Lines are added to one under a mutex; the thread swaps it for the other, which it has
 * written out, and writes that without the mutex. What is dropped is dropped until the next swap, so
 * that its place is the end of the buffer. */
#include "runtime/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

enum { ROOM = 512 << 10, WAIT_MS = 10, FULL_MS = 250, EXIT_MS = 2000, MESSAGE_MAX = 64 << 10 };

struct buffer {
  size_t len;
  unsigned long dropped; /* lines that would have come next */
  char bytes[ROOM];
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t added, moved;
  struct buffer *waiting;
  bool writing; /* the thread has the other buffer */
  bool behind;  /* somebody waited in vain, and all has not been written since */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .added = PTHREAD_COND_INITIALIZER};

/* --- The thread --- */

/* False: it is not to be had any more. */
static bool wait_for_room(void) {
  struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
  return poll(&out, 1, -1) >= 0 || errno == EINTR;
}

/* What cannot be written is lost: there is nobody to tell. */
static void put(const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t count = write(STDERR_FILENO, bytes, len);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && wait_for_room()) continue; /* others made it so */
    if (count < 0) return;
    bytes += count;
    len -= (size_t)count;
  }
}

static void put_dropped(unsigned long lines) {
  char bytes[FILO_LOG_LINE_ROOM];
  struct filo_log_line line = {.bytes = bytes, .room = sizeof bytes};
  filo_log_line_begin(&line, "filo", "warning", "dropped");
  filo_log_line_add_number(&line, lines);
  filo_log_line_add(&line, lines == 1 ? " line" : " lines");
  filo_log_line_add(&line, " of the log dropped here: nobody read standard error");
  filo_log_line_end(&line);
  put(line.bytes, line.len);
}

/* With the lock. */
static bool fits(size_t len) {
  return len <= ROOM - queue.waiting->len;
}

/* With the lock. */
static bool is_empty(void) {
  return queue.waiting->len == 0 && queue.waiting->dropped == 0;
}

static void *write_out(void *arg) {
  struct buffer *mine = arg;
  pthread_mutex_lock(&queue.lock);
  for (;;) {
    while (is_empty()) {
      queue.writing = queue.behind = false;
      pthread_cond_broadcast(&queue.moved);
      pthread_cond_wait(&queue.added, &queue.lock);
    }
    struct buffer *full = queue.waiting;
    queue.waiting = mine;
    queue.writing = true;
    pthread_cond_broadcast(&queue.moved);
    mine = full;
    pthread_mutex_unlock(&queue.lock);
    put(mine->bytes, mine->len);
    if (mine->dropped > 0) put_dropped(mine->dropped);
    mine->len = mine->dropped = 0;
    pthread_mutex_lock(&queue.lock);
  }
  return NULL;
}

/* With the lock: waits until a line of so many bytes fits; of 0 bytes: until all is written. False:
 * the time is over. */
static bool wait_for(size_t len, int milliseconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += milliseconds / 1000;
  until.tv_nsec += milliseconds % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000) until.tv_sec++;
  if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000;
  int rc = 0;
  while (rc == 0 && (len ? !fits(len) : queue.writing || !is_empty()))
    rc = pthread_cond_timedwait(&queue.moved, &queue.lock, &until);
  return rc == 0;
}

/* --- What comes in --- */

static unsigned long count_lines(const char *bytes, size_t len) {
  unsigned long count = 0;
  for (size_t i = 0; i < len; i++) count += bytes[i] == '\n';
  return count;
}

/* With the lock. Before the first line that is dropped, the reader has a moment to catch up. */
static void add(const char *bytes, size_t len) {
  bool there_is =
      queue.waiting->dropped == 0 && len <= ROOM && (fits(len) || wait_for(len, FULL_MS));
  if (there_is) {
    memcpy(queue.waiting->bytes + queue.waiting->len, bytes, len);
    queue.waiting->len += len;
  } else {
    queue.waiting->dropped += count_lines(bytes, len);
  }
  pthread_cond_signal(&queue.added);
}

void filo_log_write(const char *bytes, size_t len) {
  if (fileno(stderr) != STDERR_FILENO) { /* a prompt's */
    fwrite(bytes, 1, len, stderr);
    return;
  }
  pthread_mutex_lock(&queue.lock);
  add(bytes, len);
  if (!queue.behind) queue.behind = !wait_for(0, WAIT_MS);
  pthread_mutex_unlock(&queue.lock);
}

/* A byte takes six in JSON at most, and of one message there is no more than fits. */
void filo_log(const char *level, const char *event, const char *message) {
  char bytes[FILO_LOG_LINE_ROOM];
  char cut[MESSAGE_MAX + 1];
  snprintf(cut, sizeof cut, "%s", message);
  struct filo_log_line line = {.room = 6 * strlen(cut) + 256};
  char *enough = malloc(line.room);
  line.bytes = enough ? enough : bytes;
  if (!enough) line.room = sizeof bytes;
  filo_log_line_begin(&line, "filo", level, event);
  filo_log_line_add(&line, cut);
  filo_log_line_end(&line);
  filo_log_write(line.bytes, line.len);
  free(enough);
}

/* --- Beginning and end --- */

static void at_exit(void) {
  pthread_mutex_lock(&queue.lock);
  wait_for(0, EXIT_MS);
  pthread_mutex_unlock(&queue.lock);
}

static int start_thread(struct buffer *mine) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&queue.moved, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_t thread;
  int failed = filo_thread_start(&thread, write_out, mine);
  if (!failed) pthread_detach(thread); /* it may be stuck when the process exits */
  return failed;
}

int filo_log_start(struct filo_error *err) {
  queue.waiting = calloc(1, sizeof *queue.waiting);
  struct buffer *mine = calloc(1, sizeof *mine);
  if (!queue.waiting || !mine) return filo_fail(err, FILO_NO_MEMORY, "no memory for the log");
  int failed = start_thread(mine);
  if (failed) return filo_fail_errno(err, failed, "cannot start the thread of the log");
  atexit(at_exit);
  return 0;
}
