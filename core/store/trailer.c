#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "bytes.h"
#include "store/internal.h"

static const char magic[] = "filoseal";

/* Formats up to FORMAT_MAX may come one day; more is rot. */
enum { MAGIC_AT = 8, FORMAT_MAX = 255, LEAST_SIZE = FILO_RECORD_MIN + FILO_FOOTER_SIZE };

ssize_t filo_read_at(int fd, uint64_t offset, void *out, size_t len) {
  size_t done = 0;
  while (done < len) {
    ssize_t n = pread(fd, (unsigned char *)out + done, len - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += (size_t)n;
  }
  return (ssize_t)done;
}

ssize_t filo_read_cached(int fd, uint64_t offset, void *out, size_t len) {
  struct iovec part = {out, len};
  return len == 0 ? 0 : preadv2(fd, &part, 1, (off_t)offset, RWF_NOWAIT);
}

int filo_read_full(int fd, const char *label, uint64_t offset, void *out, size_t len,
                   struct filo_error *err) {
  ssize_t n = filo_read_at(fd, offset, out, len);
  if (n < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s", label);
  }
  if ((size_t)n == len) return 0;
  return filo_fail(err, FILO_CORRUPT, "%s is shorter than its record says", label);
}

void filo_footer_put(unsigned char out[FILO_FOOTER_SIZE], size_t record_len) {
  filo_put_le32(out, (uint32_t)record_len);
  filo_put_le32(out + 4, FILO_FORMAT);
  memcpy(out + MAGIC_AT, magic, FILO_FOOTER_SIZE - MAGIC_AT);
}

static int check_footer(const struct filo_trailer *trailer, const char *label, size_t *record_len,
                        struct filo_error *err) {
  const unsigned char *footer = trailer->tail + trailer->tail_len - FILO_FOOTER_SIZE;
  if (memcmp(footer + MAGIC_AT, magic, FILO_FOOTER_SIZE - MAGIC_AT) != 0)
    return filo_fail(err, FILO_CORRUPT, "%s is no sealed object", label);
  uint32_t format = filo_get_le32(footer + 4);
  if (format > FILO_FORMAT && format <= FORMAT_MAX)
    return filo_fail(err, FILO_UNSUPPORTED, "%s has format %u: a newer Filo made it", label,
                     format);
  *record_len = filo_get_le32(footer);
  if (format != FILO_FORMAT || *record_len < FILO_RECORD_MIN || *record_len > FILO_RECORD_MAX ||
      *record_len > trailer->file_size - FILO_FOOTER_SIZE)
    return filo_fail(err, FILO_CORRUPT, "%s has a footer that makes no sense", label);
  return 0;
}

static int read_part(int fd, const char *label, const struct filo_trailer *trailer, uint64_t offset,
                     void *out, size_t len, struct filo_error *err) {
  if (!trailer->at_once) return filo_read_full(fd, label, offset, out, len, err);
  return filo_read_cached(fd, offset, out, len) == (ssize_t)len ? 0 : FILO_BUSY;
}

/* All of a small file, without asking for its length first. If it was not all, there is no footer. */
static bool read_small(int fd, struct filo_trailer *trailer) {
  ssize_t n = filo_read_cached(fd, 0, trailer->tail, sizeof trailer->tail);
  if (n < LEAST_SIZE || n == sizeof trailer->tail) return false;
  trailer->file_size = trailer->tail_len = (size_t)n;
  return true;
}

static int read_tail(int fd, const char *label, struct filo_trailer *trailer,
                     struct filo_error *err) {
  struct stat st;
  if (trailer->at_once && read_small(fd, trailer)) return 0;
  if (fstat(fd, &st) < 0) {
    int error = errno;
    return filo_fail_errno(err, error, "cannot read %s", label);
  }
  if (S_ISDIR(st.st_mode))
    return filo_fail(err, FILO_NOT_FOUND, "no object at %s, but a folder", label);
  if (!S_ISREG(st.st_mode) || st.st_size < LEAST_SIZE)
    return filo_fail(err, FILO_CORRUPT, "%s is no sealed object", label);
  trailer->file_size = (uint64_t)st.st_size;
  trailer->modified = st.st_mtim;
  trailer->tail_len =
      trailer->file_size < sizeof trailer->tail ? (size_t)st.st_size : sizeof trailer->tail;
  return read_part(fd, label, trailer, trailer->file_size - trailer->tail_len, trailer->tail,
                   trailer->tail_len, err);
}

static int read_record(int fd, const char *label, struct filo_trailer *trailer,
                       struct filo_error *err) {
  size_t from_end = trailer->record_len + FILO_FOOTER_SIZE;
  trailer->record = malloc(trailer->record_len);
  if (!trailer->record)
    return filo_fail(err, FILO_NO_MEMORY, "no memory for the record of %s", label);
  if (from_end > trailer->tail_len)
    return read_part(fd, label, trailer, trailer->file_size - from_end, trailer->record,
                     trailer->record_len, err);
  memcpy(trailer->record, trailer->tail + trailer->tail_len - from_end, trailer->record_len);
  return 0;
}

static int check_record(const char *label, bool trusted, struct filo_trailer *trailer,
                        struct filo_error *err) {
  struct filo_error why;
  int rc = trusted
               ? filo_record_peek(trailer->record, trailer->record_len, &trailer->fields, &why)
               : filo_record_parse(trailer->record, trailer->record_len, &trailer->fields, &why);
  if (rc == FILO_UNSUPPORTED) rc = FILO_CORRUPT; /* this format has this record and no other */
  if (rc < 0) return filo_fail(err, rc, "%s: %s", label, why.message);
  uint64_t size = trailer->fields.size + FILO_HASH_SIZE * filo_chunk_count(trailer->fields.size) +
                  trailer->record_len + FILO_FOOTER_SIZE;
  if (size == trailer->file_size) return 0;
  return filo_fail(err, FILO_CORRUPT, "%s has %llu bytes where its record says %llu", label,
                   (unsigned long long)trailer->file_size, (unsigned long long)size);
}

static int read_trailer(int fd, const char *label, bool trusted, struct filo_trailer *ret,
                        struct filo_error *err) {
  ret->record = NULL;
  ret->modified = (struct timespec){0};
  int rc = read_tail(fd, label, ret, err);
  if (rc == 0) rc = check_footer(ret, label, &ret->record_len, err);
  if (rc == 0) rc = read_record(fd, label, ret, err);
  if (rc == 0) rc = check_record(label, trusted, ret, err);
  if (rc < 0) filo_trailer_free(ret);
  return rc;
}

/* What is not written yet cannot be forgotten. */
void filo_forget_cached(int fd) {
  (void)!fdatasync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

int filo_trailer_read(int fd, const char *label, bool trusted, struct filo_trailer *ret,
                      struct filo_error *err) {
  ret->at_once = false;
  int rc = read_trailer(fd, label, trusted, ret, err);
  if (rc != FILO_CORRUPT) return rc;
  filo_forget_cached(fd);
  return read_trailer(fd, label, trusted, ret, err);
}

int filo_trailer_read_at_once(int fd, bool trusted, struct filo_trailer *ret) {
  ret->at_once = true;
  if (read_trailer(fd, "", true, ret, NULL) < 0) return FILO_BUSY;
  if (trusted || filo_record_is_checked(ret->record, ret->record_len)) return 0;
  filo_trailer_free(ret);
  return FILO_BUSY;
}

void filo_trailer_free(struct filo_trailer *trailer) {
  free(trailer->record);
  trailer->record = NULL;
}

const unsigned char *filo_trailer_hashes(const struct filo_trailer *trailer) {
  uint64_t list = trailer->fields.size, tail = trailer->file_size - trailer->tail_len;
  return list < tail ? NULL : trailer->tail + (list - tail);
}

const unsigned char *filo_trailer_content(const struct filo_trailer *trailer) {
  return trailer->tail_len == trailer->file_size ? trailer->tail : NULL;
}

/* What lies there is believed only once its signature was checked: rot must not keep a good version
 * out. */
static int compare(const struct filo_record *there, const struct filo_record *fields,
                   const char *label, struct filo_error *err) {
  if (memcmp(there->ns, fields->ns, FILO_ID_SIZE) != 0) return 0;
  if (memcmp(there->key_hash, fields->key_hash, sizeof fields->key_hash) != 0)
    return filo_fail(
        err, FILO_INVALID,
        "another key's object lies at %s: the path transform maps two keys to one path", label);
  if (filo_record_is_newer(fields, there)) return 0;
  return filo_fail(err, FILO_EXISTS, "version %llu is at %s, and %llu is not newer",
                   (unsigned long long)there->version, label, (unsigned long long)fields->version);
}

/* FILO_CORRUPT also of a record whose signature turns out to be bad once that matters. */
static int check_there(int fd, const char *label, const struct filo_record *fields,
                       struct filo_error *err) {
  struct filo_trailer trailer;
  int rc = filo_trailer_read(fd, label, true, &trailer, err);
  if (rc < 0) return rc;
  rc = compare(&trailer.fields, fields, label, err);
  if (rc < 0 &&
      filo_record_parse(trailer.record, trailer.record_len, &trailer.fields, NULL) == FILO_CORRUPT)
    rc = FILO_CORRUPT;
  filo_trailer_free(&trailer);
  return rc;
}

static int check_open(int fd, const char *label, const struct filo_record *fields,
                      struct filo_error *err) {
  struct filo_error why = {0};
  int rc = check_there(fd, label, fields, &why);
  if (rc == FILO_CORRUPT) {
    filo_forget_cached(fd);
    rc = check_there(fd, label, fields, &why);
  }
  if (rc == FILO_CORRUPT) return 0;
  if (rc == FILO_NOT_FOUND)
    return filo_fail(err, FILO_INVALID, "a folder lies at %s, where an object should", label);
  return rc < 0 ? filo_fail(err, rc, "%s", why.message) : 0;
}

/* What lies there: -1 in *ret for nothing. location: NULL where there is not even its folder. */
static int open_there(struct filo_store *store, const struct filo_location *location,
                      const char *path, const char *label, const struct filo_record *fields,
                      int *ret, struct filo_error *err) {
  int error = ENOENT;
  if (location) {
    *ret = openat(location->fd, location->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    error = *ret < 0 ? errno : 0;
  }
  if (!error || error == ELOOP) return 0; /* a rename replaces a link, not its target */
  if (error != ENOENT) return filo_fail_errno(err, error, "cannot see what is at %s", label);
  int rc = filo_packed_open_file(store, fields->ns, path, NULL, ret, err);
  return rc == FILO_NOT_FOUND ? 0 : rc;
}

int filo_location_check(struct filo_store *store, const struct filo_location *location,
                        const char *path, const struct filo_record *fields,
                        struct filo_error *err) {
  FILO_AUTO_FREE char *label = filo_location_label(store, fields->ns, path);
  FILO_AUTO_CLOSE int fd = -1;
  if (!label) return filo_fail(err, FILO_NO_MEMORY, "no memory to look at an object");
  int rc = open_there(store, location, path, label, fields, &fd, err);
  return rc < 0 || fd < 0 ? rc : check_open(fd, label, fields, err);
}
