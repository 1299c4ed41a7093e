#include "terminal/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES_MAX = 2000, FILE_LINES_MAX = 2 * LINES_MAX }; /* a longer file is cut when loaded */

struct filo_history {
  History *lines;
  int fd; /* to append to, or -1 */
};

int filo_history_new(struct filo_history **ret, struct filo_error *err) {
  struct filo_history *kept = calloc(1, sizeof *kept);
  if (kept) kept->lines = history_init();
  if (!kept || !kept->lines) {
    free(kept);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for the history");
  }
  HistEvent event;
  history(kept->lines, &event, H_SETSIZE, LINES_MAX);
  history(kept->lines, &event, H_SETUNIQUE, 1);
  kept->fd = -1;
  *ret = kept;
  return 0;
}

void filo_history_free(struct filo_history *kept) {
  if (!kept) return;
  if (kept->fd >= 0) close(kept->fd);
  history_end(kept->lines);
  free(kept);
}

History *filo_history_lines(struct filo_history *kept) {
  return kept->lines;
}

/* --- The file --- */

static int make_folders(const char *path, struct filo_error *err) {
  char *folder = strdup(path);
  if (!folder) return filo_fail(err, FILO_NO_MEMORY, "no memory for the history");
  int code = 0;
  for (char *slash = strchr(folder + 1, '/'); slash && code == 0; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int failed = mkdir(folder, 0700) < 0 ? errno : 0;
    if (failed && failed != EEXIST) code = filo_fail_errno(err, failed, "cannot make %s", folder);
    *slash = '/';
  }
  free(folder);
  return code;
}

/* What the locale cannot read, the editor cannot show. */
static bool is_text(const char *line) {
  return mbstowcs(NULL, line, 0) != (size_t)-1;
}

/* A line that was pasted may have newlines within. In the file, where each is a line, a character
 * stands for these that no line has. */
enum { NEWLINE = 0x1e };

static void replace(char *text, char old, char new) {
  for (char *at = strchr(text, old); at; at = strchr(at, old)) *at = new;
}

static size_t read_lines(struct filo_history *kept, FILE *file) {
  char *line = NULL;
  size_t space = 0, count = 0;
  ssize_t len;
  HistEvent event;
  while ((len = getline(&line, &space, file)) > 0) {
    if (line[len - 1] == '\n') line[len - 1] = '\0';
    replace(line, NEWLINE, '\n');
    if (*line && is_text(line)) history(kept->lines, &event, H_ENTER, line);
    count++;
  }
  free(line);
  return count;
}

static void write_line(FILE *file, const char *line) {
  for (; *line; line++) putc(*line == '\n' ? NEWLINE : *line, file);
  putc('\n', file);
}

/* Puts a file of what is in memory in the place of one that has grown too long; when that fails,
 * it goes on to grow. */
static void cut(struct filo_history *kept, const char *path) {
  char *new_path = NULL;
  if (asprintf(&new_path, "%s.%ld", path, (long)getpid()) < 0) return;
  int fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  FILE *file = fd >= 0 ? fdopen(dup(fd), "we") : NULL;
  HistEvent event;
  bool more = file && history(kept->lines, &event, H_LAST) == 0;
  for (; more; more = history(kept->lines, &event, H_PREV) == 0) write_line(file, event.str);
  bool good = file && !ferror(file);
  if (file && fclose(file) != 0) good = false;
  if (good && rename(new_path, path) == 0) {
    close(kept->fd);
    kept->fd = fd;
  } else if (fd >= 0) {
    unlink(new_path);
    close(fd);
  }
  free(new_path);
}

int filo_history_load(struct filo_history *kept, const char *path, struct filo_error *err) {
  int code = make_folders(path, err);
  if (code < 0) return code;
  kept->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (kept->fd < 0) return filo_fail_errno(err, errno, "cannot open %s", path);
  struct stat is;
  if (fstat(kept->fd, &is) < 0 || !S_ISREG(is.st_mode)) return 0;
  fchmod(kept->fd, 0600);
  FILE *file = fopen(path, "re");
  if (!file) return filo_fail_errno(err, errno, "cannot read %s", path);
  size_t count = read_lines(kept, file);
  fclose(file);
  if (count > FILE_LINES_MAX) cut(kept, path);
  return 0;
}

void filo_history_add(struct filo_history *kept, const char *line) {
  HistEvent event;
  if (*line == '\0' || *line == ' ') return;
  if (history(kept->lines, &event, H_FIRST) == 0 && strcmp(event.str, line) == 0) return;
  history(kept->lines, &event, H_ENTER, line);
  char *text = NULL;
  int len = kept->fd >= 0 ? asprintf(&text, "%s%c", line, NEWLINE) : -1;
  if (len < 0) return;
  replace(text, '\n', NEWLINE);
  text[len - 1] = '\n';
  ssize_t ignored = write(kept->fd, text, (size_t)len); /* at one go: others append too */
  (void)ignored;
  free(text);
}
