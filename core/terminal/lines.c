/* epoll takes no regular file and the like: one is simply read, as it never lets anybody wait. */
#include "terminal/lines.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct filo_lines {
  int fd;
  struct evbuffer *input;
  struct event *readable; /* NULL: read at once */
  bool ended;
  filo_lines_fn *came;
  void *ctx;
};

static void read_more(struct filo_lines *lines) {
  char bytes[16 << 10];
  ssize_t len = read(lines->fd, bytes, sizeof bytes);
  int failed = len < 0 ? errno : 0;
  if (failed == EINTR || failed == EAGAIN) return;
  if (len <= 0 || evbuffer_add(lines->input, bytes, (size_t)len) < 0) lines->ended = true;
}

static bool has_line(const struct filo_lines *lines) {
  return lines->ended || evbuffer_search(lines->input, "\n", 1, NULL).pos >= 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct filo_lines *lines = arg;
  read_more(lines);
  if (!has_line(lines)) return;
  event_del(lines->readable);
  lines->came(lines->ctx);
}

enum filo_lines_state filo_lines_next(struct filo_lines *lines, char **ret, size_t *len) {
  while (!lines->readable && !has_line(lines)) read_more(lines);
  if (!has_line(lines)) {
    event_add(lines->readable, NULL);
    return FILO_LINES_WAIT;
  }
  char *line = evbuffer_readln(lines->input, len, EVBUFFER_EOL_LF);
  size_t rest = evbuffer_get_length(lines->input);
  if (!line && rest > 0) { /* the last one */
    line = malloc(rest);
    if (line) evbuffer_remove(lines->input, line, rest);
    *len = rest;
  }
  if (!line) return FILO_LINES_END;
  *ret = line;
  return FILO_LINES_LINE;
}

static bool can_be_waited_for(int fd) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  bool yes = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
  close(epoll);
  return yes;
}

int filo_lines_new(struct event_base *base, int fd, filo_lines_fn *came, void *ctx,
                   struct filo_lines **ret, struct filo_error *err) {
  struct filo_lines *lines = calloc(1, sizeof *lines);
  if (!lines) return filo_fail(err, FILO_NO_MEMORY, "no memory to read lines");
  *lines = (struct filo_lines){.fd = fd, .came = came, .ctx = ctx, .input = evbuffer_new()};
  bool waits = can_be_waited_for(fd);
  if (waits) lines->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, lines);
  if (!lines->input || (waits && !lines->readable)) {
    filo_lines_free(lines);
    return filo_fail(err, FILO_NO_MEMORY, "no memory to read lines");
  }
  *ret = lines;
  return 0;
}

void filo_lines_free(struct filo_lines *lines) {
  if (!lines) return;
  if (lines->readable) event_free(lines->readable);
  if (lines->input) evbuffer_free(lines->input);
  free(lines);
}
