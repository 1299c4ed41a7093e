/* Files that get their name when they are whole. When the process is killed before, nothing is left
 * of them, as it is of a draft that has a name. Not every file system has them, and /proc must be
 * mounted. Blocks on the disk. */
#ifndef FILO_UNNAMED_H
#define FILO_UNNAMED_H

#include <sys/types.h>

/* A new file, open for reading and writing, on the file system of the folder that `path` lies in; -1 where that
 * cannot be. */
int filo_unnamed_open(const char *path, mode_t mode);

/* Gives it a name on that file system, where nothing may lie yet. 0, or -1 and errno. */
int filo_unnamed_name(int fd, const char *path);

#endif
