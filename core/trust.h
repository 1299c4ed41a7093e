/* Whether what is used belongs to whoever uses it: a file or folder that another user can change,
 * or put another in the place of, decides what is done in the name of this process.
 *
 * Trusted are this process's effective user and root, who is also whoever owns /. Groups are not:
 * who is in one may change. */
#ifndef FILO_TRUST_H
#define FILO_TRUST_H

#include <sys/stat.h>

#include "error.h"

/* FILO_DENIED, with whose it is and what to do, when `path`, whose status this is, belongs to, or
 * can be written by, somebody else. */
int filo_trust_status(const struct stat *status, const char *path, struct filo_error *err);

/* The same of the file or folder at `path`, all folders above it, and the symbolic links on the
 * way. In a folder where each may remove only what is his (sticky, as /tmp), what is one's own
 * counts as safe. Blocks on the disk, and on the list of users. */
int filo_trust_path(const char *path, struct filo_error *err);

#endif
