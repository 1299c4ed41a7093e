/* A layer below SQLite, on the one that it has for this system. */
#include "catalogue/pages.h"

#include <blake3.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

struct filo_pages {
  sqlite3_vfs vfs;
  sqlite3_vfs *system;
  char *folder;
  char name[32];
  atomic_uint files; /* numbers temporary ones */
};

struct file {
  sqlite3_file base;
  bool is_database;
  char *temporary; /* its name, which SQLite wants to be kept; or NULL */
  unsigned char *page;
  sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *file) {
  return ((struct file *)file)->real;
}

enum { CHECKED = FILO_PAGE_SIZE - FILO_PAGE_CHECK };

static void check_of(const unsigned char *page, sqlite3_int64 at,
                     unsigned char out[FILO_PAGE_CHECK]) {
  unsigned char number[8];
  blake3_hasher hasher;
  filo_put_le64(number, (uint64_t)at / FILO_PAGE_SIZE);
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, number, sizeof number);
  blake3_hasher_update(&hasher, page, CHECKED);
  blake3_hasher_finalize(&hasher, out, FILO_PAGE_CHECK);
}

/* The header tells how long pages are, and is read before a whole page is. */
static bool is_good_header(const unsigned char *header) {
  return header[16] == FILO_PAGE_SIZE >> 8 && header[17] == 0 && header[20] == FILO_PAGE_CHECK;
}

/* --- Methods of files --- */

static int close_file(sqlite3_file *base) {
  struct file *file = (struct file *)base;
  int rc = file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
  free(file->temporary);
  free(file->page);
  return rc;
}

static int read_file(sqlite3_file *base, void *out, int len, sqlite3_int64 at) {
  const struct file *file = (struct file *)base;
  int rc = file->real->pMethods->xRead(file->real, out, len, at);
  if (rc != SQLITE_OK || !file->is_database) return rc;
  if (len == FILO_PAGE_SIZE && at % FILO_PAGE_SIZE == 0) {
    unsigned char check[FILO_PAGE_CHECK];
    check_of(out, at, check);
    return memcmp(check, (unsigned char *)out + CHECKED, sizeof check) ? SQLITE_IOERR_DATA : rc;
  }
  return at == 0 && len >= 100 && !is_good_header(out) ? SQLITE_IOERR_DATA : rc;
}

static int write_file(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at) {
  const struct file *file = (struct file *)base;
  if (file->is_database && len == FILO_PAGE_SIZE && at % FILO_PAGE_SIZE == 0) {
    memcpy(file->page, bytes, CHECKED);
    check_of(bytes, at, file->page + CHECKED);
    bytes = file->page;
  }
  return file->real->pMethods->xWrite(file->real, bytes, len, at);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) {
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int sync_file(sqlite3_file *file, int flags) {
  return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int size_of_file(sqlite3_file *file, sqlite3_int64 *size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int lock_file(sqlite3_file *file, int kind) {
  return real_of(file)->pMethods->xLock(real_of(file), kind);
}

static int unlock_file(sqlite3_file *file, int kind) {
  return real_of(file)->pMethods->xUnlock(real_of(file), kind);
}

static int check_reserved(sqlite3_file *file, int *ret) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int control_file(sqlite3_file *file, int what, void *arg) {
  return real_of(file)->pMethods->xFileControl(real_of(file), what, arg);
}

static int sector_size(sqlite3_file *file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}

/* Parts of a page cannot be checked. */
static int characteristics(sqlite3_file *file) {
  int flags = real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
#ifdef SQLITE_IOCAP_SUBPAGE_READ
  flags &= ~SQLITE_IOCAP_SUBPAGE_READ;
#endif
  return flags;
}

static int map_shared(sqlite3_file *file, int page, int size, int extend, void volatile **ret) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret);
}

static int lock_shared(sqlite3_file *file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void shared_barrier(sqlite3_file *file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int unmap_shared(sqlite3_file *file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: no memory maps of pages, which would not be checked. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = shared_barrier,
    .xShmUnmap = unmap_shared,
};

/* --- Opening --- */

static const char *name_temporary(struct filo_pages *pages, struct file *file) {
  unsigned number = atomic_fetch_add(&pages->files, 1);
  if (asprintf(&file->temporary, "%s/catalogue-%u", pages->folder, number) < 0)
    file->temporary = NULL;
  return file->temporary;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                     int *ret_flags) {
  struct filo_pages *pages = vfs->pAppData;
  struct file *file = (struct file *)base;
  memset(file, 0, sizeof *file);
  file->real = (sqlite3_file *)(file + 1);
  file->is_database = flags & SQLITE_OPEN_MAIN_DB;
  file->page = file->is_database ? malloc(FILO_PAGE_SIZE) : NULL;
  file->base.pMethods = &methods; /* xClose is called also when this fails */
  file->real->pMethods = NULL;
  if (file->is_database && !file->page) return SQLITE_NOMEM;
  if (!name && pages->folder && !(name = name_temporary(pages, file))) return SQLITE_NOMEM;
  return pages->system->xOpen(pages->system, name, file->real, flags, ret_flags);
}

int filo_pages_new(const char *folder, struct filo_pages **ret, struct filo_error *err) {
  struct filo_pages *pages = calloc(1, sizeof *pages);
  sqlite3_vfs *system = sqlite3_vfs_find(NULL);
  if (pages && folder) pages->folder = strdup(folder);
  if (!pages || !system || (folder && !pages->folder)) {
    free(pages);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for the catalogue");
  }
  pages->system = system;
  pages->vfs = *system; /* what is not a file's is the system's */
  snprintf(pages->name, sizeof pages->name, "filo-%p", (void *)pages);
  pages->vfs.zName = pages->name;
  pages->vfs.pNext = NULL;
  pages->vfs.szOsFile = (int)sizeof(struct file) + system->szOsFile;
  pages->vfs.pAppData = pages;
  pages->vfs.xOpen = open_file;
  sqlite3_vfs_register(&pages->vfs, 0);
  *ret = pages;
  return 0;
}

const char *filo_pages_name(const struct filo_pages *pages) {
  return pages->name;
}

void filo_pages_free(struct filo_pages *pages) {
  if (!pages) return;
  sqlite3_vfs_unregister(&pages->vfs);
  free(pages->folder);
  free(pages);
}
