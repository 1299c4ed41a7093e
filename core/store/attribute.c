/* What is noted with a file in an extended attribute of it, which nothing but this program sets: when
 * all its bytes were last hashed and found good, and which node brought it. Both are in one, of few
 * bytes, so that it lies in the inode: with more, ext4 takes a block of 4 KiB for each file.
 *
 * With the time stand the file's inode, so that a copy of the file is not what was verified, and its
 * time of modification, which another one says has been written to since (a file's times are set by
 * touch, by whoever restores a backup, by whoever writes); and when that was noted, which is later
 * where the bytes were taken over from another file.
 *
 * Where a file system has no such attributes, no time and no node is known. Who asks for the node does
 * so to bound what one may bring, so that nothing depends on it being there. */
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "bytes.h"
#include "store/internal.h"

#define ATTRIBUTE "user.filo"

/* A file is published soon after it was noted, which is a change of the file, too. */
enum { SLACK_SECONDS = 60 };

enum { VERIFIED_AT = 0, INODE_AT = 8, MODIFIED_AT = 16, NOTED_AT = 24, BRINGER_AT = 32 };
enum { SIZE_WITHOUT_BRINGER = BRINGER_AT, SIZE = BRINGER_AT + FILO_ID_SIZE };

static bool has_size(ssize_t size) {
  return size == SIZE || size == SIZE_WITHOUT_BRINGER;
}

static uint64_t modified(const struct stat *st) { /* nanoseconds since 1970 */
  return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

static void write_attribute(int fd, int64_t verified, const unsigned char *bringer) {
  unsigned char value[SIZE] = {0};
  struct stat st;
  if (verified > 0 && fstat(fd, &st) == 0) {
    filo_put_le64(value + VERIFIED_AT, (uint64_t)verified);
    filo_put_le64(value + INODE_AT, st.st_ino);
    filo_put_le64(value + MODIFIED_AT, modified(&st));
    filo_put_le64(value + NOTED_AT, (uint64_t)time(NULL));
  }
  if (bringer) memcpy(value + BRINGER_AT, bringer, FILO_ID_SIZE);
  fsetxattr(fd, ATTRIBUTE, value, bringer ? SIZE : SIZE_WITHOUT_BRINGER, 0);
}

void filo_attribute_note(int fd, int64_t verified, const unsigned char *bringer) {
  if (verified > 0 || bringer) write_attribute(fd, verified, bringer);
}

void filo_verified_note(int fd, int64_t at) {
  unsigned char bringer[FILO_ID_SIZE];
  write_attribute(fd, at, filo_brought_by(fd, bringer) ? bringer : NULL);
}

int64_t filo_verified_at(int fd) {
  unsigned char value[SIZE];
  struct stat st;
  if (!has_size(fgetxattr(fd, ATTRIBUTE, value, sizeof value)) || fstat(fd, &st) < 0) return 0;
  int64_t at = (int64_t)filo_get_le64(value + VERIFIED_AT);
  int64_t noted = (int64_t)filo_get_le64(value + NOTED_AT), now = time(NULL);
  bool same = filo_get_le64(value + INODE_AT) == st.st_ino &&
              filo_get_le64(value + MODIFIED_AT) == modified(&st) && noted >= 0 &&
              noted <= now + SLACK_SECONDS && st.st_ctim.tv_sec <= noted + SLACK_SECONDS;
  return same && at > 0 && at <= noted ? at : 0;
}

bool filo_brought_by(int fd, unsigned char ret[FILO_ID_SIZE]) {
  unsigned char value[SIZE];
  if (fgetxattr(fd, ATTRIBUTE, value, sizeof value) != SIZE) return false;
  memcpy(ret, value + BRINGER_AT, FILO_ID_SIZE);
  return true;
}
