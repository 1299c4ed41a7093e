#include "transfer/partial.h"

#include <assert.h>
#include <stdlib.h>

int filo_partial_new(struct filo_partial_file *file, struct filo_partial **ret,
                     struct filo_error *err) {
  struct filo_partial *partial = calloc(1, sizeof *partial);
  if (!partial) {
    filo_partial_file_free(file);
    return filo_fail(err, FILO_NO_MEMORY, "no memory to receive an object");
  }
  partial->file = file;
  partial->refs = 1;
  *ret = partial;
  return 0;
}

struct filo_partial *filo_partial_ref(struct filo_partial *partial) {
  partial->refs++;
  return partial;
}

void filo_partial_unref(struct filo_partial *partial) {
  if (!partial || --partial->refs > 0) return;
  filo_partial_file_free(partial->file);
  free(partial);
}

void filo_partial_watch(struct filo_partial *partial, struct filo_partial_watch *watch) {
  watch->next = partial->watches;
  watch->back = &partial->watches;
  if (watch->next) watch->next->back = &watch->next;
  partial->watches = watch;
}

void filo_partial_unwatch(struct filo_partial_watch *watch) {
  if (!watch->back) return;
  *watch->back = watch->next;
  if (watch->next) watch->next->back = watch->back;
  watch->back = NULL;
}

void filo_partial_landed(struct filo_partial *partial) {
  struct filo_partial_watch *watch = partial->watches;
  for (struct filo_partial_watch *next; watch; watch = next) {
    next = watch->next; /* it may stop watching */
    watch->changed(watch);
  }
}

void filo_partial_fail(struct filo_partial *partial, int code, const char *message) {
  partial->code = filo_fail(&partial->err, code, "%s", message);
  filo_partial_landed(partial);
}

static struct filo_partial *owner(struct filo_publication *publication) {
  return (struct filo_partial *)((char *)publication - offsetof(struct filo_partial, publication));
}

static int publish(struct filo_publication *publication, struct filo_error *err) {
  (void)err;
  filo_partial_file_publish(owner(publication)->file, filo_publication_ended, publication);
  return 0;
}

static void publication_done(struct filo_publication *publication) {
  struct filo_partial *partial = owner(publication);
  partial->publishing = false;
  if (publication->code == 0) filo_partial_file_published(partial->file);
  if (partial->published) partial->published(partial->ctx, publication->code, &publication->err);
  filo_partial_unref(partial);
}

void filo_partial_publish(struct filo_partial *partial, struct filo_pool *pool) {
  assert(!partial->publishing);
  partial->publishing = true;
  partial->publication.work = publish;
  partial->publication.done = publication_done;
  filo_publication_start(&filo_partial_ref(partial)->publication, pool);
}
