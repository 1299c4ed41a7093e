/* The worker pool: threads that do what blocks or burns. A job never touches Lua, libevent or a
 * connection.
 *
 * A job owns, or holds references to, all that its `run` uses. `run` is called on a worker; `done`
 * afterwards on the loop thread, exactly once, where it may free the job. One without `done` (NULL)
 * is not looked at any more once `run` was called: what ends it, may free it. Jobs start in the
 * order in which they were submitted.
 */
#ifndef FILO_RUNTIME_POOL_H
#define FILO_RUNTIME_POOL_H

#include "error.h"

struct filo_job {
  void (*run)(struct filo_job *job);
  void (*done)(struct filo_job *job);
  struct filo_job *next; /* the pool's */
};

struct filo_pool;

/* `wake` is called from a worker when the list of finished jobs stops being empty; it makes the
 * loop thread call filo_pool_finish soon. */
int filo_pool_new(unsigned threads, void (*wake)(void *ctx), void *ctx, struct filo_pool **ret,
                  struct filo_error *err);

/* Loop thread. */
void filo_pool_submit(struct filo_pool *pool, struct filo_job *job);

/* A job's work will be done elsewhere (by another thread's callback): filo_pool_post will follow,
 * and filo_pool_free waits for it. Any thread. */
void filo_pool_expect(struct filo_pool *pool);

/* Puts an expected job on the list of finished jobs. Any thread. */
void filo_pool_post(struct filo_pool *pool, struct filo_job *job);

/* Loop thread: calls `done` of all finished jobs. */
void filo_pool_finish(struct filo_pool *pool);

unsigned filo_pool_threads(const struct filo_pool *pool);

/* Waits for running and expected jobs, calls `done` of all, joins the threads. */
void filo_pool_free(struct filo_pool *pool);

#endif
