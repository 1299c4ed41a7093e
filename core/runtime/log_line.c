#include "runtime/log_line.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define END "\"}\n"

static _Atomic(enum filo_log_format) format = FILO_LOG_NAMED;

void filo_log_set_format(enum filo_log_format to) {
  format = to;
}

static void add_bytes(struct filo_log_line *line, const char *more, size_t len) {
  size_t room = line->room - strlen(END) - line->len;
  if (len > room) return;
  memcpy(line->bytes + line->len, more, len);
  line->len += len;
}

static void add_raw(struct filo_log_line *line, const char *text) {
  add_bytes(line, text, strlen(text));
}

/* Bytes of the character of UTF-8 that a text starts with; 0: it starts with none. */
static size_t utf8_length(const unsigned char *text) {
  static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t len = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
  if (len < 2) return len;
  if (*text > 0xf4) return 0;
  unsigned code = *text & (0xffU >> (len + 1));
  for (size_t i = 1; i < len; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (text[i] & 0x3fU);
  }
  return code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : len;
}

/* One character at a time, so that none is cut in two. What is none is shown as the byte it is. */
static void add_json(struct filo_log_line *line, const char *text) {
  static const char digits[] = "0123456789abcdef";
  for (size_t len; *text; text += len) {
    unsigned char byte = (unsigned char)*text;
    len = utf8_length((const unsigned char *)text);
    bool escaped = len == 0 || byte < 32;
    if (len == 0) len = 1;
    if (byte == '"' || byte == '\\')
      add_bytes(line, (char[]){'\\', (char)byte}, 2);
    else if (escaped)
      add_bytes(line, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]}, 6);
    else
      add_bytes(line, text, len);
  }
}

/* What could talk to a terminal, in a service's log. Lines of a traceback stay lines. */
static bool is_control(char byte) {
  bool plain = ((unsigned char)byte >= 32 && byte != 127) || byte == '\n' || byte == '\t';
  return format == FILO_LOG_DATED && !plain;
}

void filo_log_line_add(struct filo_log_line *line, const char *text) {
  if (format == FILO_LOG_JSON) {
    add_json(line, text);
    return;
  }
  for (; *text; text++) add_bytes(line, is_control(*text) ? "?" : text, 1);
}

static void add_padded(struct filo_log_line *line, unsigned long number, unsigned ten_times,
                       const char *after) {
  for (; ten_times > 1 && number < ten_times; ten_times /= 10) add_raw(line, "0");
  filo_log_line_add_number(line, number);
  add_raw(line, after);
}

void filo_log_line_add_number(struct filo_log_line *line, unsigned long number) {
  char digits[24];
  size_t at = sizeof digits;
  digits[--at] = 0;
  do digits[--at] = (char)('0' + number % 10);
  while (number /= 10);
  add_raw(line, digits + at);
}

/* By hand, for gmtime may hold a lock that a signal handler finds taken. Days are counted in years
 * that begin in March, of eras of 400 years. */
static void add_time(struct filo_log_line *line) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned long second = (unsigned long)now.tv_sec % 86400;
  unsigned long day = (unsigned long)now.tv_sec / 86400 + 719468, era = day / 146097;
  unsigned long of_era = day % 146097;
  unsigned long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned long of_year = of_era - (365 * year + year / 4 - year / 100);
  unsigned long month = (5 * of_year + 2) / 153;
  add_padded(line, year + era * 400 + (month >= 10), 1000, "-");
  add_padded(line, month < 10 ? month + 3 : month - 9, 10, "-");
  add_padded(line, of_year - (153 * month + 2) / 5 + 1, 10, "T");
  add_padded(line, second / 3600, 10, ":");
  add_padded(line, second / 60 % 60, 10, ":");
  add_padded(line, second % 60, 10, "Z");
}

void filo_log_line_begin(struct filo_log_line *line, const char *name, const char *level,
                         const char *event) {
  line->len = 0;
  if (format == FILO_LOG_JSON) {
    add_raw(line, "{\"time\":\"");
    add_time(line);
    add_raw(line, "\",\"level\":\"");
    add_raw(line, level);
    add_raw(line, "\",\"event\":\"");
    add_raw(line, event);
    add_raw(line, "\",\"message\":\"");
  } else if (format == FILO_LOG_DATED) {
    add_time(line);
    add_raw(line, " ");
    add_raw(line, level);
    add_bytes(line, "        ", strlen(level) < 8 ? 8 - strlen(level) : 1);
  } else {
    add_raw(line, name);
    add_raw(line, ": ");
  }
}

void filo_log_line_end(struct filo_log_line *line) {
  const char *end = format == FILO_LOG_JSON ? END : "\n";
  memcpy(line->bytes + line->len, end, strlen(end));
  line->len += strlen(end);
}
