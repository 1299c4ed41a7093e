#include "runtime/stuck.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A write of up to PIPE_BUF bytes does not wait when poll has found room. */
struct text {
  char bytes[512];
  size_t len;
};

static void add(struct text *text, const char *more) {
  size_t len = strlen(more), room = sizeof text->bytes - text->len;
  if (len > room) len = room;
  memcpy(text->bytes + text->len, more, len);
  text->len += len;
}

static void add_number(struct text *text, unsigned number) {
  char digits[16];
  size_t at = sizeof digits;
  digits[--at] = 0;
  do digits[--at] = (char)('0' + number % 10);
  while (number /= 10);
  add(text, digits + at);
}

/* What could talk to a terminal is shown as `?`. */
static void make_printable(char *name) {
  for (unsigned char *at = (unsigned char *)name; *at; at++)
    if (*at < 32 || *at == 127 || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)) *at = '?';
}

/* Not the innermost level: that function may be just about to be entered. */
static void add_place(struct text *text, lua_State *L, const char *before, const char *after) {
  lua_Debug ar;
  for (int level = 1; L && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    make_printable(ar.short_src);
    add(text, before);
    add(text, ar.short_src);
    add(text, ":");
    add_number(text, (unsigned)ar.currentline);
    add(text, after);
    return;
  }
}

static void say(const struct text *text) {
  struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT)) return;
  ssize_t ignored = write(STDERR_FILENO, text->bytes, text->len);
  (void)ignored;
}

void filo_stuck_tell(lua_State *L, unsigned seconds) {
  struct text text = {.len = 0};
  add(&text, "filo: a script has been running for ");
  add_number(&text, seconds);
  add(&text, " s within one call of a C function, a finalizer or a debug hook");
  add_place(&text, L, ", at ", "");
  add(&text, "; nothing else runs meanwhile, and no error can be raised there.\n");
  say(&text);
}

void filo_stuck_end(lua_State *L, const char *name, int status) {
  struct text text = {.len = 0};
  add(&text, name);
  add(&text, ": ");
  add_place(&text, L, "", ": ");
  add(&text, "stopped, and the process with it: it computed for too long within one call of a C "
             "function, a finalizer or a debug hook, where no error can be raised\n");
  say(&text);
  _exit(status);
}

void filo_stuck_terminate(lua_State *L) {
  struct text text = {.len = 0};
  add(&text, "filo: terminated, and nothing was closed: ");
  add(&text, L ? "a script does not stop" : "the process is stuck");
  add_place(&text, L, ", at ", "");
  add(&text, "\n");
  say(&text);
  _exit(128 + SIGTERM);
}
