/* When all bytes of a file were last hashed and found good: in an extended attribute of the file, for
 * nothing but this program sets one. (A file's times are set by touch, by whoever restores a backup,
 * by whoever writes.) With it stand the file's inode, so that a copy of the file is not what was
 * verified, and its time of modification, which another one says has been written to since; and when
 * that was noted, which is later where the bytes were taken over from another file. Where a file system
 * has no such attributes, no time is known. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "store/internal.h"

#define ATTRIBUTE "user.filo.verified"

/* A file is published soon after it was noted, which is a change of the file, too. */
enum { SLACK_SECONDS = 60, TEXT_BYTES = 128 };

/* Times in seconds since 1970. Gives the length. */
static int describe(char text[TEXT_BYTES], intmax_t at, intmax_t noted, const struct stat *st) {
  return snprintf(text, TEXT_BYTES, "%jd %ju %jd.%09ld %jd", at, (uintmax_t)st->st_ino,
                  (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, noted);
}

void filo_verified_note(int fd, int64_t at) {
  struct stat st;
  char text[TEXT_BYTES];
  if (at > 0 && fstat(fd, &st) == 0)
    fsetxattr(fd, ATTRIBUTE, text, (size_t)describe(text, at, time(NULL), &st), 0);
}

int64_t filo_verified_at(int fd) {
  struct stat st;
  char text[TEXT_BYTES] = "", now[TEXT_BYTES];
  if (fgetxattr(fd, ATTRIBUTE, text, sizeof text - 1) < 0 || fstat(fd, &st) < 0) return 0;
  intmax_t at = strtoimax(text, NULL, 10); /* what is no number is not what is described */
  const char *last = strrchr(text, ' ');
  intmax_t noted = last ? strtoimax(last, NULL, 10) : 0;
  describe(now, at, noted, &st);
  bool same = strcmp(text, now) == 0 && st.st_ctim.tv_sec <= noted + SLACK_SECONDS;
  return same && at > 0 && noted <= time(NULL) + SLACK_SECONDS && at <= noted ? at : 0;
}
