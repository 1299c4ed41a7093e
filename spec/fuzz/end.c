/* The end of a sealed-object file: footer, record, list of hashes. What is taken is what stands in
 * the file, where core/README.md says; what is taken with the signature checked is taken without,
 * and is the same. */
#include <string.h>

#include "fuzz.h"
#include "store/internal.h"

static void check_layout(const struct filo_end *end, const uint8_t *bytes, size_t len) {
  const struct filo_record *fields = &end->fields;
  unsigned char footer[FILO_FOOTER_SIZE];
  size_t hashes = FILO_HASH_SIZE * filo_chunk_count(fields->size),
         list_at = FILO_IV_SIZE + fields->size;
  MUST(end->file_size == len);
  MUST(list_at + hashes + end->record_len + sizeof footer == len);
  MUST(memcmp(end->record, bytes + list_at + hashes, end->record_len) == 0);
  filo_footer_put(footer, end->record_len);
  MUST(memcmp(footer, bytes + len - sizeof footer, sizeof footer) == 0);
  const unsigned char *list = filo_end_hashes(end);
  MUST(list ? memcmp(list, bytes + list_at, hashes) == 0 : list_at < len - end->tail_len);
}

static void check_signed(int fd, const struct filo_end *trusted) {
  struct filo_end end;
  struct filo_error err;
  int code = filo_end_read(fd, "the file", false, &end, &err);
  MUST(code == 0 || code == FILO_CORRUPT);
  if (code < 0) return;
  MUST(end.record_len == trusted->record_len &&
       memcmp(end.record, trusted->record, end.record_len) == 0);
  filo_end_free(&end);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  int fd = fuzz_file(bytes, len);
  struct filo_end end;
  struct filo_error err;
  int code = filo_end_read(fd, "the file", true, &end, &err);
  if (code == 0) {
    check_layout(&end, bytes, len);
    check_signed(fd, &end);
    filo_end_free(&end);
  } else {
    MUST(!end.record && err.message[0] && (code == FILO_CORRUPT || code == FILO_UNSUPPORTED));
  }
  close(fd);
  return 0;
}
