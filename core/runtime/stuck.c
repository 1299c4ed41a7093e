#include "runtime/stuck.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A write of up to PIPE_BUF bytes does not wait when poll has found room. */
#define TEXT_BYTES 4096
#define END "\"}\n"

struct text {
  char bytes[TEXT_BYTES];
  size_t len;
};

static volatile bool json;

void filo_stuck_json(bool on) {
  json = on;
}

static void add_bytes(struct text *text, const char *more, size_t len) {
  size_t room = sizeof text->bytes - strlen(END) - text->len;
  if (len > room) return;
  memcpy(text->bytes + text->len, more, len);
  text->len += len;
}

/* One byte at a time, so that no escape is cut in two. */
static void add(struct text *text, const char *more) {
  static const char digits[] = "0123456789abcdef";
  for (; *more; more++) {
    unsigned char byte = (unsigned char)*more;
    if (json && (byte == '"' || byte == '\\'))
      add_bytes(text, (char[]){'\\', (char)byte}, 2);
    else if (json && byte < 32)
      add_bytes(text, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]}, 6);
    else
      add_bytes(text, more, 1);
  }
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

static void add_padded(struct text *text, unsigned number, unsigned ten_times, const char *after) {
  for (; ten_times > 1 && number < ten_times; ten_times /= 10) add(text, "0");
  add_number(text, number);
  add(text, after);
}

/* By hand, for gmtime may hold a lock that a signal handler finds taken. Days are counted in years
 * that begin in March, of eras of 400 years. */
static void add_time(struct text *text) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned long second = (unsigned long)now.tv_sec % 86400;
  unsigned long day = (unsigned long)now.tv_sec / 86400 + 719468, era = day / 146097;
  unsigned long of_era = day % 146097;
  unsigned long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned long of_year = of_era - (365 * year + year / 4 - year / 100);
  unsigned long month = (5 * of_year + 2) / 153;
  add_padded(text, (unsigned)(year + era * 400 + (month >= 10)), 1000, "-");
  add_padded(text, (unsigned)(month < 10 ? month + 3 : month - 9), 10, "-");
  add_padded(text, (unsigned)(of_year - (153 * month + 2) / 5 + 1), 10, "T");
  add_padded(text, (unsigned)(second / 3600), 10, ":");
  add_padded(text, (unsigned)(second / 60 % 60), 10, ":");
  add_padded(text, (unsigned)(second % 60), 10, "Z");
}

static void begin(struct text *text, const char *name) {
  static const char first[] = "{\"time\":\"";
  static const char second[] = "\",\"level\":\"error\",\"event\":\"stuck\",\"message\":\"";
  text->len = 0;
  if (json) {
    add_bytes(text, first, strlen(first));
    add_time(text);
    add_bytes(text, second, strlen(second));
  } else {
    add(text, name);
    add(text, ": ");
  }
}

static void finish(struct text *text) {
  const char *end = json ? END : "\n";
  memcpy(text->bytes + text->len, end, strlen(end));
  text->len += strlen(end);
}

/* In a signal handler not the innermost level: that function may be just about to be entered. */
static void add_place(struct text *text, lua_State *L, int level, const char *before,
                      const char *after) {
  lua_Debug ar;
  for (; L && lua_getstack(L, level, &ar); level++) {
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

static void say(struct text *text) {
  finish(text);
  struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT)) return;
  ssize_t ignored = write(STDERR_FILENO, text->bytes, text->len);
  (void)ignored;
}

void filo_stuck_report(const char *traceback, unsigned seconds) {
  struct text text;
  begin(&text, "filo");
  add(&text, "a script has been running for ");
  add_number(&text, seconds);
  add(&text, " s without waiting; nothing else runs meanwhile.\n"
             "Let it wait now and then: filo.sleep(0).\n");
  add(&text, traceback);
  finish(&text);
  fwrite(text.bytes, 1, text.len, stderr);
  fflush(stderr);
}

void filo_stuck_tell(lua_State *L, unsigned seconds) {
  struct text text;
  begin(&text, "filo");
  add(&text, "a script has been running for ");
  add_number(&text, seconds);
  add(&text, " s within one call of a C function, a finalizer or a debug hook");
  add_place(&text, L, 1, ", at ", "");
  add(&text, "; nothing else runs meanwhile, and no error can be raised there.");
  say(&text);
}

void filo_stuck_end(lua_State *L, const char *name, int status) {
  struct text text;
  begin(&text, name);
  add_place(&text, L, 1, "", ": ");
  add(&text, "stopped, and the process with it: it computed for too long within one call of a C "
             "function, a finalizer or a debug hook, where no error can be raised");
  say(&text);
  _exit(status);
}

void filo_stuck_terminate(lua_State *L, int level, int signum) {
  struct text text;
  begin(&text, "filo");
  add(&text, signum == SIGINT ? "interrupted" : "terminated");
  add(&text, ", and nothing was closed: ");
  add(&text, L ? "a script does not stop" : "the process is stuck");
  add_place(&text, L, level, ", at ", "");
  say(&text);
  _exit(128 + signum);
}
