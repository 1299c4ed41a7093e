/* glibc lets stdout and stderr be assigned, and makes streams of functions (fopencookie). */
#include "terminal/streams.h"

#include <unistd.h>

struct taken {
  FILE **variable;
  FILE *before, *now;
};

static struct taken taken[2];
static filo_streams_fn *write_fn;
static void *write_ctx;

static ssize_t on_write(void *cookie, const char *bytes, size_t len) {
  struct taken *stream = cookie;
  write_fn(write_ctx, stream->before, bytes, len);
  return (ssize_t)len;
}

/* mode: as for setvbuf. */
static int take(struct taken *stream, FILE **variable, int mode, struct filo_error *err) {
  if (!isatty(fileno(*variable))) return 0;
  cookie_io_functions_t functions = {.write = on_write};
  FILE *now = fopencookie(stream, "w", functions);
  if (!now) return filo_fail(err, FILO_NO_MEMORY, "no memory for a stream");
  setvbuf(now, NULL, mode, BUFSIZ);
  fflush(*variable);
  *stream = (struct taken){.variable = variable, .before = *variable, .now = now};
  *variable = now;
  return 0;
}

int filo_streams_take(filo_streams_fn *write, void *ctx, struct filo_error *err) {
  write_fn = write;
  write_ctx = ctx;
  int code = take(&taken[0], &stdout, _IOLBF, err);
  if (code == 0) code = take(&taken[1], &stderr, _IONBF, err);
  if (code < 0) filo_streams_give_back();
  return code;
}

void filo_streams_give_back(void) {
  for (int i = 0; i < 2; i++) {
    if (!taken[i].now) continue;
    *taken[i].variable = taken[i].before;
    fclose(taken[i].now);
    taken[i] = (struct taken){0};
  }
}
