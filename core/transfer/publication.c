#include "transfer/publication.h"

#include <stddef.h>

#define OWNER(job, member)                                                                         \
  ((struct filo_publication *)((char *)(job)-offsetof(struct filo_publication, member)))

void filo_publication_ended(void *ctx, int code, const struct filo_error *err) {
  struct filo_publication *publication = ctx;
  publication->code = code;
  if (code < 0 && err) publication->err = *err;
  filo_pool_post(publication->pool, &publication->report);
}

static void run(struct filo_job *job) {
  struct filo_publication *publication = OWNER(job, run);
  struct filo_error err;
  int code = publication->work(publication, &err);
  if (code < 0) filo_publication_ended(publication, code, &err);
}

static void report_done(struct filo_job *job) {
  struct filo_publication *publication = OWNER(job, report);
  publication->done(publication);
}

void filo_publication_start(struct filo_publication *publication, struct filo_pool *pool) {
  publication->pool = pool;
  publication->code = 0;
  publication->run = (struct filo_job){.run = run};
  publication->report = (struct filo_job){.done = report_done};
  filo_pool_expect(pool);
  filo_pool_submit(pool, &publication->run);
}
