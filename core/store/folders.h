/* Folders that are reached from an open one through no symbolic link. Workers. */
#ifndef FILO_STORE_FOLDERS_H
#define FILO_STORE_FOLDERS_H

#include <sys/types.h>

/* Opens the folder that a relative path names below `fd`, step by step. Where `made` is not NULL,
 * missing folders are made with `mode`, and counted there. -1 and errno: ELOOP where a symbolic
 * link lies on the way, ENOTDIR where something else does. `path` is as it was afterwards. */
int filo_folders_open(int fd, char *path, mode_t mode, unsigned *made);

#endif
