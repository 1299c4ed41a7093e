/* The names in a folder in order, in bounded memory. Workers; one thread at a time. */
#ifndef FILO_STORE_NAMES_H
#define FILO_STORE_NAMES_H

#include <dirent.h>
#include <stdbool.h>

struct filo_names;

/* The names of a folder, byte by byte in order, "." and ".." left out: those after `after`, and
 * that one itself when `with`. `after` is copied; the folder stays the caller's, and open as long
 * as this is used. NULL: no memory. */
struct filo_names *filo_names_new(DIR *dir, const char *after, bool with);
void filo_names_free(struct filo_names *names);

/* The next one, valid until the next call; NULL at the end, and with *error, an errno, when the
 * folder could not be read. What comes or goes meanwhile may be given or not; what is there all
 * the time is given once. */
const struct dirent *filo_names_next(struct filo_names *names, int *error);

#endif
