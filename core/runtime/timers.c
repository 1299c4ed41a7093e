#include "runtime/timers.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "runtime/internal.h"

static bool before(const struct filo_timer *a, const struct filo_timer *b) {
  return a->at < b->at || (a->at == b->at && a->order < b->order);
}

/* A task knows the place of its timer, counted from 1. */
static void put(struct filo_timers *timers, size_t place, struct filo_timer timer) {
  timers->heap[place] = timer;
  if (timer.task) timer.task->timer_place = place + 1;
}

static void rise(struct filo_timers *timers, size_t place, struct filo_timer timer) {
  for (size_t above; place > 0; place = above) {
    above = (place - 1) / 2;
    if (!before(&timer, &timers->heap[above])) break;
    put(timers, place, timers->heap[above]);
  }
  put(timers, place, timer);
}

static void sink(struct filo_timers *timers, size_t place, struct filo_timer timer) {
  const struct filo_timer *heap = timers->heap;
  for (size_t below; (below = 2 * place + 1) < timers->count; place = below) {
    if (below + 1 < timers->count && before(&heap[below + 1], &heap[below])) below++;
    if (!before(&heap[below], &timer)) break;
    put(timers, place, heap[below]);
  }
  put(timers, place, timer);
}

int filo_timers_add(struct filo_timers *timers, double at, struct filo_task *task, int call) {
  if (timers->count == timers->room) {
    size_t room = timers->room ? 2 * timers->room : 64;
    struct filo_timer *heap = realloc(timers->heap, room * sizeof *heap);
    if (!heap) return -1;
    timers->heap = heap;
    timers->room = room;
  }
  struct filo_timer timer = {at, timers->order++, task, call};
  rise(timers, timers->count++, timer);
  return 0;
}

static void take_out(struct filo_timers *timers, size_t place) {
  if (timers->heap[place].task) timers->heap[place].task->timer_place = 0;
  struct filo_timer last = timers->heap[--timers->count];
  if (place == timers->count) return;
  if (place > 0 && before(&last, &timers->heap[(place - 1) / 2]))
    rise(timers, place, last);
  else
    sink(timers, place, last);
}

void filo_timers_remove(struct filo_timers *timers, struct filo_task *task) {
  if (task->timer_place) take_out(timers, task->timer_place - 1);
}

double filo_timers_first(const struct filo_timers *timers) {
  return timers->count > 0 ? timers->heap[0].at : HUGE_VAL;
}

struct filo_timer filo_timers_take(struct filo_timers *timers) {
  struct filo_timer first = timers->heap[0];
  take_out(timers, 0);
  return first;
}

void filo_timers_free(struct filo_timers *timers) {
  free(timers->heap);
  timers->heap = NULL;
  timers->count = timers->room = 0;
}
