/* What others are told of a namespace: the records of what is new since they asked last. */
#include <string.h>

#include "catalogue/internal.h"

/* A page of the rows, and of which database they are. */
static int read_page(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                     const unsigned char *life, size_t most, struct filo_feed *feed,
                     struct filo_error *err) {
  int rc = filo_query_begin(catalogue, err);
  if (rc < 0) return rc;
  memcpy(feed->life, catalogue->database.life, FILO_LIFE_SIZE);
  if (!life || memcmp(life, feed->life, FILO_LIFE_SIZE) != 0) feed->after = 0;
  rc = filo_query_files(&catalogue->database, ns, false, feed->after, most, &feed->rows, err);
  return filo_catalogue_used(catalogue, rc, err);
}

/* Of what lies there by now, what the rows say of it: another version comes under an id of its own. */
static bool is_still(const struct filo_row *was, const struct filo_row *row) {
  return !row->problem && row->version == was->version &&
         memcmp(row->nonce, was->nonce, sizeof row->nonce) == 0;
}

/* Reads the record of a row. What cannot be read, and the row does not say so, gets another id. */
static int read_record(struct filo_catalogue *catalogue, struct filo_row *row, bool *still,
                       struct filo_error *err) {
  struct filo_row was = *row;
  struct filo_rows one = {.list = row, .count = 1};
  int rc = filo_catalogue_read(catalogue, &one, err);
  *still = rc == 0 && one.count == 1 && is_still(&was, row);
  if (*still || one.count == 0) return rc;
  if (rc == 0 && row->problem) filo_changes_note(catalogue, row->ns, row->path);
  filo_row_free(row);
  return rc;
}

int filo_catalogue_feed(struct filo_catalogue *catalogue, const unsigned char ns[FILO_ID_SIZE],
                        const unsigned char *life, int64_t after, size_t most, size_t most_bytes,
                        struct filo_feed *ret, struct filo_error *err) {
  *ret = (struct filo_feed){.after = after};
  int rc = read_page(catalogue, ns, life, most, ret, err);
  if (rc < 0) return rc;
  struct filo_row *list = ret->rows.list;
  size_t kept = 0, bytes = 0, i = 0, count = ret->rows.count;
  for (; i < count && rc == 0; i++) {
    bool still;
    int64_t id = list[i].id;
    rc = read_record(catalogue, &list[i], &still, err);
    if (rc == 0 && still && bytes + list[i].record_len > most_bytes) break;
    if (rc == 0 && still) {
      bytes += list[i].record_len;
      list[kept++] = list[i];
    }
    ret->after = id;
  }
  for (; i < count; i++) filo_row_free(&list[i]);
  ret->rows.count = kept;
  if (rc < 0) filo_rows_free(&ret->rows);
  return rc;
}
