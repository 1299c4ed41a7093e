#include "runtime/watchdog_report.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/log.h"

/* What could talk to a terminal is shown as `?`. */
static void make_printable(char *name) {
  for (unsigned char *at = (unsigned char *)name; *at; at++)
    if (*at < 32 || *at == 127 || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)) *at = '?';
}

/* In a signal handler not the innermost level: that function may be just about to be entered. */
static void add_place(struct filo_log_line *line, lua_State *L, int level, const char *before,
                      const char *after) {
  lua_Debug ar;
  for (; L && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    make_printable(ar.short_src);
    filo_log_line_add(line, before);
    filo_log_line_add(line, ar.short_src);
    filo_log_line_add(line, ":");
    filo_log_line_add_number(line, (unsigned long)ar.currentline);
    filo_log_line_add(line, after);
    return;
  }
}

/* A write of up to PIPE_BUF bytes does not wait when poll has found room. */
static void say(struct filo_log_line *line) {
  filo_log_line_end(line);
  struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT)) return;
  ssize_t ignored = write(STDERR_FILENO, line->bytes, line->len);
  (void)ignored;
}

void filo_watchdog_report(const char *traceback, unsigned seconds) {
  char bytes[FILO_LOG_LINE_ROOM];
  struct filo_log_line line = {.bytes = bytes, .room = sizeof bytes};
  filo_log_line_begin(&line, "filo", "error", "stuck");
  filo_log_line_add(&line, "a script has been running for ");
  filo_log_line_add_number(&line, seconds);
  filo_log_line_add(&line, " s without waiting; nothing else runs meanwhile.\n"
                           "Let it wait now and then: filo.sleep(0).\n");
  filo_log_line_add(&line, traceback);
  filo_log_line_end(&line);
  filo_log_write(line.bytes, line.len);
}

void filo_watchdog_tell(lua_State *L, unsigned seconds) {
  char bytes[FILO_LOG_LINE_ROOM];
  struct filo_log_line line = {.bytes = bytes, .room = sizeof bytes};
  filo_log_line_begin(&line, "filo", "error", "stuck");
  filo_log_line_add(&line, "a script has been running for ");
  filo_log_line_add_number(&line, seconds);
  filo_log_line_add(&line, " s within one call of a C function, a finalizer or a debug hook");
  add_place(&line, L, 1, ", at ", "");
  filo_log_line_add(&line, "; nothing else runs meanwhile, and no error can be raised there.");
  say(&line);
}

void filo_watchdog_end(lua_State *L, const char *name, int status) {
  char bytes[FILO_LOG_LINE_ROOM];
  struct filo_log_line line = {.bytes = bytes, .room = sizeof bytes};
  filo_log_line_begin(&line, name, "error", "stuck");
  add_place(&line, L, 1, "", ": ");
  filo_log_line_add(
      &line, "stopped, and the process with it: it computed for too long within one call of a C "
             "function, a finalizer or a debug hook, where no error can be raised");
  say(&line);
  _exit(status);
}

void filo_watchdog_terminate(lua_State *L, int level, int signum) {
  char bytes[FILO_LOG_LINE_ROOM];
  struct filo_log_line line = {.bytes = bytes, .room = sizeof bytes};
  filo_log_line_begin(&line, "filo", "error", "stuck");
  filo_log_line_add(&line, signum == SIGINT ? "interrupted" : "terminated");
  filo_log_line_add(&line, ", and nothing was closed: ");
  filo_log_line_add(&line, L ? "a script does not stop" : "the process is stuck");
  add_place(&line, L, level, ", at ", "");
  say(&line);
  _exit(128 + signum);
}
