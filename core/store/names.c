/* The folder is read as a whole, and the first few names of those that are still to come are kept,
 * in order. Once they are used up it is read again for those after them: a folder of n names is
 * read n / MOST times, whoever made them. */
#include "store/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256 };

struct filo_names {
  DIR *dir;
  char after[sizeof((struct dirent *)0)->d_name]; /* the last one that was given */
  bool with;                                      /* that one, too */
  bool more;                                      /* than what is kept */
  unsigned count, at;
  struct dirent *list[MOST];
};

static void clear(struct filo_names *names) {
  for (unsigned i = 0; i < names->count; i++) free(names->list[i]);
  names->count = names->at = 0;
}

struct filo_names *filo_names_new(DIR *dir, const char *after, bool with) {
  struct filo_names *names = calloc(1, sizeof *names);
  if (!names) return NULL;
  names->dir = dir;
  names->with = with;
  names->more = true;
  strncpy(names->after, after, sizeof names->after - 1);
  return names;
}

void filo_names_free(struct filo_names *names) {
  if (!names) return;
  clear(names);
  free(names);
}

/* Where a name belongs in the list. */
static unsigned place_of(const struct filo_names *names, const char *name) {
  unsigned low = 0, high = names->count;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    if (strcmp(names->list[middle]->d_name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Keeps a name if it is one of the first. 0 or an errno. */
static int keep(struct filo_names *names, const struct dirent *found) {
  unsigned at = place_of(names, found->d_name);
  if (names->count == MOST) names->more = true;
  if (at == MOST) return 0;
  struct dirent *copy = malloc(sizeof *copy);
  if (!copy) return ENOMEM;
  memcpy(copy, found, found->d_reclen < sizeof *copy ? found->d_reclen : sizeof *copy);
  if (names->count == MOST) free(names->list[--names->count]);
  memmove(&names->list[at + 1], &names->list[at], (names->count - at) * sizeof *names->list);
  names->list[at] = copy;
  names->count++;
  return 0;
}

static bool is_wanted(const struct filo_names *names, const char *name) {
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
  int order = strcmp(name, names->after);
  return order > 0 || (order == 0 && names->with);
}

static int read_on(struct filo_names *names) {
  clear(names);
  names->more = false;
  rewinddir(names->dir);
  while (true) {
    errno = 0;
    const struct dirent *found = readdir(names->dir);
    if (!found) return errno;
    int error = is_wanted(names, found->d_name) ? keep(names, found) : 0;
    if (error) return error;
  }
}

const struct dirent *filo_names_next(struct filo_names *names, int *error) {
  *error = 0;
  if (names->at == names->count && names->more) *error = read_on(names);
  if (*error || names->at == names->count) return NULL;
  const struct dirent *next = names->list[names->at++];
  strcpy(names->after, next->d_name);
  names->with = false;
  return next;
}
