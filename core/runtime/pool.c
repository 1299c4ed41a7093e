/* Two lists: submitted jobs under one mutex and condition for the workers, finished jobs under
 * another mutex that the loop thread empties with one swap. Workers sleep while there is nothing to
 * do; nothing polls. */
#include "runtime/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "thread.h"

struct job_list {
  struct filo_job *head, **tail;
};

struct filo_pool {
  pthread_mutex_t submit_lock;
  pthread_cond_t submitted;
  struct job_list waiting;
  unsigned idle; /* workers that nobody has woken */
  bool stopping;
  pthread_mutex_t finish_lock;
  pthread_cond_t posted;
  struct job_list finished;
  unsigned expected; /* posts that will come from other threads */
  void (*wake)(void *ctx);
  void *wake_ctx;
  unsigned threads;
  pthread_t thread[];
};

static void list_init(struct job_list *list) {
  list->head = NULL;
  list->tail = &list->head;
}

static void list_push(struct job_list *list, struct filo_job *job) {
  job->next = NULL;
  *list->tail = job;
  list->tail = &job->next;
}

static struct filo_job *list_pop(struct job_list *list) {
  struct filo_job *job = list->head;
  if (job && !(list->head = job->next)) list->tail = &list->head;
  return job;
}

static struct filo_job *next_job(struct filo_pool *pool) {
  pthread_mutex_lock(&pool->submit_lock);
  while (!pool->waiting.head && !pool->stopping) {
    pool->idle++;
    pthread_cond_wait(&pool->submitted, &pool->submit_lock);
  }
  struct filo_job *job = pool->stopping ? NULL : list_pop(&pool->waiting);
  pthread_mutex_unlock(&pool->submit_lock);
  return job;
}

static void put_finished(struct filo_pool *pool, struct filo_job *job, bool expected) {
  pthread_mutex_lock(&pool->finish_lock);
  bool first = !pool->finished.head;
  list_push(&pool->finished, job);
  if (expected) pool->expected--;
  if (expected) pthread_cond_signal(&pool->posted);
  /* Under the lock: once an expected post is seen, the pool may go. */
  if (first) pool->wake(pool->wake_ctx);
  pthread_mutex_unlock(&pool->finish_lock);
}

/* A job without `done` may be gone once it has run. */
static void run_job(struct filo_pool *pool, struct filo_job *job) {
  bool ends = job->done;
  job->run(job);
  if (ends) put_finished(pool, job, false);
}

static void *worker(void *arg) {
  struct filo_pool *pool = arg;
  struct filo_job *job;
  while ((job = next_job(pool))) run_job(pool, job);
  return NULL;
}

/* A worker that is woken finds the lock free, and none is woken where all are at work. */
void filo_pool_submit(struct filo_pool *pool, struct filo_job *job) {
  pthread_mutex_lock(&pool->submit_lock);
  list_push(&pool->waiting, job);
  bool wake = pool->idle > 0;
  if (wake) pool->idle--;
  pthread_mutex_unlock(&pool->submit_lock);
  if (wake) pthread_cond_signal(&pool->submitted);
}

void filo_pool_expect(struct filo_pool *pool) {
  pthread_mutex_lock(&pool->finish_lock);
  pool->expected++;
  pthread_mutex_unlock(&pool->finish_lock);
}

void filo_pool_post(struct filo_pool *pool, struct filo_job *job) {
  put_finished(pool, job, true);
}

void filo_pool_finish(struct filo_pool *pool) {
  pthread_mutex_lock(&pool->finish_lock);
  struct job_list done = pool->finished;
  list_init(&pool->finished);
  pthread_mutex_unlock(&pool->finish_lock);
  for (struct filo_job *job = done.head, *next; job; job = next) {
    next = job->next; /* `done` may free or resubmit the job */
    job->done(job);
  }
}

unsigned filo_pool_threads(const struct filo_pool *pool) {
  return pool->threads;
}

static void stop_threads(struct filo_pool *pool) {
  pthread_mutex_lock(&pool->submit_lock);
  pool->stopping = true;
  pthread_cond_broadcast(&pool->submitted);
  pthread_mutex_unlock(&pool->submit_lock);
  for (unsigned i = 0; i < pool->threads; i++) pthread_join(pool->thread[i], NULL);
}

int filo_pool_new(unsigned threads, void (*wake)(void *ctx), void *ctx, struct filo_pool **ret,
                  struct filo_error *err) {
  assert(threads > 0);
  struct filo_pool *pool = calloc(1, sizeof *pool + threads * sizeof *pool->thread);
  if (!pool) return filo_fail(err, FILO_NO_MEMORY, "no memory for the worker pool");
  pthread_mutex_init(&pool->submit_lock, NULL);
  pthread_mutex_init(&pool->finish_lock, NULL);
  pthread_cond_init(&pool->submitted, NULL);
  pthread_cond_init(&pool->posted, NULL);
  list_init(&pool->waiting);
  list_init(&pool->finished);
  pool->wake = wake;
  pool->wake_ctx = ctx;

  int failed = 0;
  while (pool->threads < threads && !failed) {
    failed = filo_thread_start(&pool->thread[pool->threads], worker, pool);
    if (!failed) pool->threads++;
  }
  if (failed) {
    filo_pool_free(pool);
    return filo_fail_errno(err, failed, "cannot start %u worker threads", threads);
  }
  *ret = pool;
  return 0;
}

/* False when nothing is finished and no post is expected any more. */
static bool wait_for_post(struct filo_pool *pool) {
  pthread_mutex_lock(&pool->finish_lock);
  while (pool->expected > 0 && !pool->finished.head)
    pthread_cond_wait(&pool->posted, &pool->finish_lock);
  bool more = pool->finished.head != NULL;
  pthread_mutex_unlock(&pool->finish_lock);
  return more;
}

void filo_pool_free(struct filo_pool *pool) {
  if (!pool) return;
  stop_threads(pool);
  do { /* what `done` submits still gets done */
    filo_pool_finish(pool);
    for (struct filo_job *job; (job = list_pop(&pool->waiting));) run_job(pool, job);
  } while (wait_for_post(pool));
  pthread_mutex_destroy(&pool->submit_lock);
  pthread_mutex_destroy(&pool->finish_lock);
  pthread_cond_destroy(&pool->submitted);
  pthread_cond_destroy(&pool->posted);
  free(pool);
}
