/* Which node brought a copy, for who counts what each has brought here: in an extended attribute of
 * its file, the ID in hexadecimal. Who looks does so to bound what one may bring, so that nothing
 * depends on it being there: of what was copied here without it, or lies on a file system that has
 * no such attributes, nobody is known to have brought it. */
#include <string.h>
#include <sys/xattr.h>

#include "bytes.h"
#include "store/internal.h"

#define ATTRIBUTE "user.filo.brought"

void filo_brought_note(int fd, const unsigned char by[FILO_ID_SIZE]) {
  char text[2 * FILO_ID_SIZE + 1];
  filo_hex(text, by, FILO_ID_SIZE);
  fsetxattr(fd, ATTRIBUTE, text, sizeof text - 1, 0);
}

bool filo_brought_by(int fd, unsigned char ret[FILO_ID_SIZE]) {
  char text[2 * FILO_ID_SIZE + 1] = "";
  return fgetxattr(fd, ATTRIBUTE, text, sizeof text - 1) == (ssize_t)sizeof text - 1 &&
         filo_unhex(ret, text, FILO_ID_SIZE) == 0;
}
