/* Packing: tombstones become rows of the database of deletions (packed.c). The files are read first, then
 * all rows are added, and at last each file goes that is still the same. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "store/packed.h"

enum { FILE_MAX = FILO_RECORD_MAX + 4096 };

/* All of the file at a path, if it is a tombstone; else NULL. */
static unsigned char *read_tombstone(struct filo_store *store, const unsigned char *ns,
                                     const char *path, size_t *len,
                                     struct filo_packed_about *about) {
  FILO_AUTO_CLOSE int fd = -1;
  struct filo_trailer trailer;
  if (filo_location_open_own_file(store, ns, path, &fd, NULL) < 0 ||
      filo_trailer_read(fd, path, false, &trailer, NULL) < 0)
    return NULL;
  filo_trailer_free(&trailer);
  bool fits = trailer.fields.flags & FILO_TOMBSTONE && trailer.file_size <= FILE_MAX &&
              memcmp(trailer.fields.ns, ns, FILO_ID_SIZE) == 0;
  unsigned char *file = fits ? malloc((size_t)trailer.file_size) : NULL;
  if (file && filo_read_full(fd, path, 0, file, (size_t)trailer.file_size, NULL) < 0) {
    free(file);
    return NULL;
  }
  *len = (size_t)trailer.file_size;
  about->verified = filo_verified_at(fd);
  about->has_bringer = filo_brought_by(fd, about->bringer);
  return file;
}

/* Under names. */
static bool is_there_still(struct filo_store *store, const unsigned char *ns,
                           const struct filo_packable *packed, const struct filo_location *at) {
  size_t len;
  struct stat st;
  struct filo_packed_about about;
  if (fstatat(at->fd, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode)) return false;
  FILO_AUTO_FREE unsigned char *file = read_tombstone(store, ns, packed->path, &len, &about);
  return file && len == packed->len && memcmp(file, packed->file, len) == 0;
}

/* The row is durable: its file goes. Another one that took the place of that stays. Where there is none any
 * more, it was removed meanwhile, and so is the row. */
static bool remove_file(struct filo_store *store, const unsigned char *ns,
                        const struct filo_packable *packed) {
  struct filo_location location;
  pthread_mutex_lock(&store->names);
  bool found = filo_location_open(store, ns, packed->path, false, &location, NULL) == 0;
  bool goes = found && is_there_still(store, ns, packed, &location) &&
              unlinkat(location.fd, location.name, 0) == 0;
  if (goes)
    filo_location_prune(&location, ns, packed->path);
  else if (filo_location_is_packed(store, ns, packed->path))
    filo_packed_forget(store, ns, packed->path, NULL);
  pthread_mutex_unlock(&store->names);
  if (found) filo_location_close(&location);
  return goes;
}

/* The second time it would be taken for one that was removed meanwhile. */
static bool is_named_before(const struct filo_packable *list, size_t index) {
  for (size_t i = 0; i < index; i++)
    if (strcmp(list[i].path, list[index].path) == 0) return true;
  return false;
}

static int pack(struct filo_store *store, const unsigned char *ns, struct filo_packable *list,
                size_t count, size_t *packed, struct filo_error *err) {
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    if (is_named_before(list, i)) continue;
    list[i].file = read_tombstone(store, ns, list[i].path, &list[i].len, &list[i].about);
    any = any || list[i].file;
  }
  int rc = any ? filo_packed_add(store, ns, list, count, err) : 0;
  for (size_t i = 0; rc == 0 && i < count; i++)
    if (list[i].file) *packed += remove_file(store, ns, &list[i]);
  return rc;
}

int filo_store_pack(struct filo_store *store, const unsigned char ns[FILO_ID_SIZE],
                    const char *const *paths, size_t count, size_t *packed,
                    struct filo_error *err) {
  *packed = 0;
  int rc = filo_store_check_writable(store, err);
  if (rc == 0) rc = filo_packed_tell_loss(store, err);
  if (rc == 0) rc = filo_store_room(store, FILE_MAX, err);
  if (rc < 0) return rc;
  FILO_AUTO_FREE struct filo_packable *list = calloc(count + 1, sizeof *list);
  if (!list) return filo_fail(err, FILO_NO_MEMORY, "no memory to pack deletions");
  for (size_t i = 0; i < count; i++) list[i].path = paths[i];
  rc = pack(store, ns, list, count, packed, err);
  for (size_t i = 0; i < count; i++) free(list[i].file);
  return rc;
}
