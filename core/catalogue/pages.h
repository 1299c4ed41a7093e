/* How SQLite's files are read and written: each page of the database ends with 8 bytes of the BLAKE3
 * of its number and its other bytes, since SQLite itself notices damage only where it hurts: a byte
 * that is another in a page of an index hides objects, and no row would tell. What does not match is
 * SQLITE_IOERR_DATA. Pages in the write-ahead log are none of the database's yet: what is left of
 * that by a process that was killed is not read by anybody. Temporary files, in which names are
 * sorted, are made where it is said, and nowhere else. */
#ifndef FILO_CATALOGUE_PAGES_H
#define FILO_CATALOGUE_PAGES_H

#include "error.h"

enum { FILO_PAGE_SIZE = 4096, FILO_PAGE_CHECK = 8 };

struct filo_pages;

/* Ready to be named to sqlite3_open_v2, which a database has to be closed before it is freed. folder:
 * for temporary files; NULL: where the system keeps them. Any thread. */
int filo_pages_new(const char *folder, struct filo_pages **ret, struct filo_error *err);
const char *filo_pages_name(const struct filo_pages *pages);
void filo_pages_free(struct filo_pages *pages);

#endif
