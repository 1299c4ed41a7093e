/* The end of a sealed-object file: footer, record, list of hashes. What is taken is what stands in
 * the file, where core/README.md says; what is taken with the signature checked is taken without,
 * and is the same. */
#include <string.h>

#include "fuzz.h"
#include "store/internal.h"

static void check_layout(const struct filo_trailer *trailer, const uint8_t *bytes, size_t len) {
  const struct filo_record *fields = &trailer->fields;
  unsigned char footer[FILO_FOOTER_SIZE];
  size_t hashes = FILO_HASH_SIZE * filo_chunk_count(fields->size), list_at = fields->size;
  MUST(trailer->file_size == len);
  MUST(list_at + hashes + trailer->record_len + sizeof footer == len);
  MUST(memcmp(trailer->record, bytes + list_at + hashes, trailer->record_len) == 0);
  filo_footer_put(footer, trailer->record_len);
  MUST(memcmp(footer, bytes + len - sizeof footer, sizeof footer) == 0);
  const unsigned char *list = filo_trailer_hashes(trailer);
  MUST(list ? memcmp(list, bytes + list_at, hashes) == 0 : list_at < len - trailer->tail_len);
}

static void check_signed(int fd, const struct filo_trailer *trusted) {
  struct filo_trailer trailer;
  struct filo_error err;
  int code = filo_trailer_read(fd, "the file", false, &trailer, &err);
  MUST(code == 0 || code == FILO_CORRUPT);
  if (code < 0) return;
  MUST(trailer.record_len == trusted->record_len &&
       memcmp(trailer.record, trusted->record, trailer.record_len) == 0);
  filo_trailer_free(&trailer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  int fd = fuzz_file(bytes, len);
  struct filo_trailer trailer;
  struct filo_error err;
  int code = filo_trailer_read(fd, "the file", true, &trailer, &err);
  if (code == 0) {
    check_layout(&trailer, bytes, len);
    check_signed(fd, &trailer);
    filo_trailer_free(&trailer);
  } else {
    MUST(!trailer.record && err.message[0] && (code == FILO_CORRUPT || code == FILO_UNSUPPORTED));
  }
  close(fd);
  return 0;
}
